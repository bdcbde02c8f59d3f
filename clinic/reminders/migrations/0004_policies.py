"""When, by which channels and in which words the clinic writes: of services and of clients, too."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.lookups
from django.db import migrations, models

import clinic.reminders.models_policy


def number_the_offsets(apps, schema_editor):
    """Let each reminder be known by the place that it has had in the list."""
    for policy in apps.get_model("reminders", "MessagePolicy").objects.all():
        policy.offset_slots = list(range(len(policy.offsets_minutes)))
        policy.save(update_fields=["offset_slots"])


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0018_undo_of_brought_consents"),
        ("reminders", "0003_replies"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("email", "e-mail"), ("text", "text message")], max_length=10
                        ),
                        blank=True,
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "offsets_minutes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), blank=True, null=True, size=5
                    ),
                ),
                (
                    "offset_slots",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("offsets_since", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Wording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("channel", models.CharField(choices=[("email", "e-mail"), ("text", "text message")], max_length=10)),
                ("language", models.CharField(choices=[("en", "English")], max_length=10, verbose_name="language")),
                ("subject", models.CharField(blank=True, max_length=120, verbose_name="subject")),
                ("text", models.TextField(max_length=2000, verbose_name="words")),
            ],
        ),
        migrations.AddField(
            model_name="messagepolicy",
            name="channels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=[("email", "e-mail"), ("text", "text message")], max_length=10),
                default=clinic.reminders.models_policy.both_channels,
                size=None,
                verbose_name="written by",
            ),
        ),
        migrations.AlterField(
            model_name="messagepolicy",
            name="offsets_minutes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(),
                blank=True,
                default=list,
                size=5,
                verbose_name="reminders, minutes before",
            ),
        ),
        migrations.AddField(
            model_name="messagepolicy",
            name="offset_slots",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="messagepolicy",
            name="offsets_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="messagepolicy",
            name="recall_weeks",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="weeks without a visit"),
        ),
        migrations.RunPython(number_the_offsets, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="messagepolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("channels__contained_by", ["email", "text"]), models.Q(("channels", []), _negated=True)
                ),
                name="message_policy_writes_by_known_channels",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagepolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.Exact(
                        models.Func(
                            models.F("offsets_minutes"), function="cardinality", output_field=models.IntegerField()
                        ),
                        models.Func(
                            models.F("offset_slots"), function="cardinality", output_field=models.IntegerField()
                        ),
                    )
                ),
                name="message_policy_knows_each_of_its_reminders",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagepolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("recall_weeks__isnull", True), ("recall_weeks__range", (2, 104)), _connector="OR"),
                name="message_policy_recalls_after_2_to_104_weeks",
            ),
        ),
        migrations.AddField(
            model_name="policyoverride",
            name="client",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="message_override",
                to="people.client",
            ),
        ),
        migrations.AddField(
            model_name="policyoverride",
            name="service",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="message_override",
                to="people.service",
            ),
        ),
        migrations.AddConstraint(
            model_name="wording",
            constraint=models.UniqueConstraint(fields=("kind", "channel", "language"), name="wording_is_said_once"),
        ),
        migrations.AddConstraint(
            model_name="wording",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["email", "text"])), name="wording_channel_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="wording",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="wording_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="policyoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("client__isnull", True), ("service__isnull", False)),
                    models.Q(("client__isnull", False), ("service__isnull", True)),
                    _connector="OR",
                ),
                name="policy_override_is_of_a_service_or_a_client",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("channels__isnull", True),
                    models.Q(("channels__contained_by", ["email", "text"]), models.Q(("channels", []), _negated=True)),
                    _connector="OR",
                ),
                name="policy_override_writes_by_known_channels",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("offsets_minutes__isnull", True),
                    django.db.models.lookups.Exact(
                        models.Func(
                            models.F("offsets_minutes"), function="cardinality", output_field=models.IntegerField()
                        ),
                        models.Func(
                            models.F("offset_slots"), function="cardinality", output_field=models.IntegerField()
                        ),
                    ),
                    _connector="OR",
                ),
                name="policy_override_knows_each_of_its_reminders",
            ),
        ),
    ]
