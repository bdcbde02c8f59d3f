"""What people write back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0018_undo_of_brought_consents"),
        ("reminders", "0002_delivery"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "provider_key",
                    models.CharField(help_text="So that what comes twice is taken once", max_length=100, unique=True),
                ),
                (
                    "number",
                    models.CharField(
                        help_text="As the provider gives it, mostly +351912345678", max_length=20, verbose_name="phone"
                    ),
                ),
                ("words", models.TextField(max_length=1600, verbose_name="words")),
                (
                    "meaning",
                    models.CharField(
                        choices=[
                            ("yes", "said yes"),
                            ("no", "wants to cancel"),
                            ("cancel", "wants to cancel or move"),
                            ("stop", "wants no more texts"),
                            ("start", "wants texts again"),
                            ("other", "wrote"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("call", "asked to call"),
                            ("link", "asked to answer by the link"),
                            ("stopped", "told that no more texts come"),
                            ("started", "told that texts come again"),
                            ("unwatched", "told that nobody watches this line"),
                        ],
                        max_length=10,
                    ),
                ),
                ("answer_begun_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replies",
                        to="people.client",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replies",
                        to="reminders.message",
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "replies",
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="reply_newest"),
                    models.Index(condition=models.Q(("settled_at__isnull", True)), fields=["at"], name="reply_open"),
                    models.Index(fields=["number", "-at"], name="reply_by_number"),
                    models.Index(
                        condition=models.Q(("answer_begun_at__isnull", True), models.Q(("answer", ""), _negated=True)),
                        fields=["at"],
                        name="reply_to_answer",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("meaning__in", ["yes", "no", "cancel", "stop", "start", "other"])),
                        name="reply_meaning_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("answer__in", ["", "call", "link", "stopped", "started", "unwatched"])),
                        name="reply_answer_is_known",
                    ),
                ],
            },
        ),
    ]
