from datetime import time

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def write_the_policy(apps, schema_editor):
    """Two days and two hours before, and nothing between eight in the evening and eight in the morning."""
    apps.get_model("reminders", "MessagePolicy").objects.create(
        pk=1, offsets_minutes=[2880, 120], quiet_from=time(20), quiet_until=time(8)
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MessagePolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offsets_minutes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        default=list,
                        size=5,
                        verbose_name="reminders, minutes before",
                    ),
                ),
                ("quiet_from", models.TimeField(verbose_name="quiet from")),
                ("quiet_until", models.TimeField(verbose_name="quiet until")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="message_policy_is_the_only_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="Name of a registered reminder kind", max_length=40)),
                ("subject_pk", models.BigIntegerField()),
                ("channel", models.CharField(choices=[("email", "e-mail"), ("text", "text message")], max_length=10)),
                ("slot", models.PositiveSmallIntegerField(default=0)),
                ("about_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("useless_after", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("claimed", "claimed"),
                            ("sending", "being sent"),
                            ("sent", "sent"),
                            ("retry", "will be tried again"),
                            ("failed", "failed"),
                            ("uncertain", "uncertain"),
                            ("missed", "missed"),
                            ("dropped", "no longer needed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("claimed_by", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=160)),
                ("settled_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="people.client"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tried_again_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "retry", "claimed", "sending"])),
                        fields=["due_at"],
                        name="message_open_by_due",
                    ),
                    models.Index(
                        condition=models.Q(("settled_at__isnull", True), ("state__in", ["failed", "uncertain"])),
                        fields=["client"],
                        name="message_needs_a_person",
                    ),
                    models.Index(fields=["-due_at", "-id"], name="message_newest"),
                    models.Index(fields=["kind", "subject_pk"], name="message_by_subject"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "subject_pk", "channel", "slot", "about_at"), name="message_exists_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "waiting",
                                    "claimed",
                                    "sending",
                                    "sent",
                                    "retry",
                                    "failed",
                                    "uncertain",
                                    "missed",
                                    "dropped",
                                ],
                            )
                        ),
                        name="message_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("channel__in", ["email", "text"])), name="message_channel_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "sent"), _negated=True), ("sent_at__isnull", False), _connector="OR"
                        ),
                        name="message_sent_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["claimed", "sending"]), _negated=True),
                            models.Q(("claimed_by__isnull", False), ("lease_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="message_in_hand_has_an_owner_and_a_lease",
                    ),
                ],
            },
        ),
        migrations.RunPython(write_the_policy, migrations.RunPython.noop),
    ]
