"""Let the form be sent by itself, unless the clinic says otherwise, and know who took a link back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def begin(apps, schema_editor):
    apps.get_model("intake", "IntakePolicy").objects.create(pk=1)


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0006_signatures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IntakePolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "asks_by_itself",
                    models.BooleanField(
                        default=True,
                        help_text="After a first booking, and before a visit for which the answers would be over a year old.",
                        verbose_name="Send the form by itself",
                    ),
                ),
                (
                    "days_ahead",
                    models.PositiveSmallIntegerField(
                        default=14,
                        help_text="Where the last answers would be over a year old by then.",
                        verbose_name="Ask again so many days before the visit",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="intake_policy_is_the_only_one"),
                    models.CheckConstraint(
                        condition=models.Q(("days_ahead__range", (3, 60))),
                        name="intake_policy_asks_again_3_to_60_days_ahead",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="invitation",
            name="revoked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
