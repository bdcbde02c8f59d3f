"""Keep each check-in of a day beside the others, and alert again on another day."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0014_set_aside"),
        ("scheduling", "0013_changes_lately"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="checkin",
            name="appointment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="check_ins", to="scheduling.appointment"
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="confirmed_by",
            field=models.ForeignKey(
                help_text=(
                    "The therapist who went through it with her: it holds in place of all that was said that day before"
                ),
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveConstraint(model_name="staffalert", name="staff_alert_is_raised_once"),
        migrations.AddField(
            model_name="staffalert",
            name="day",
            field=models.DateField(help_text="The day at the clinic on which it was said", null=True),
        ),
        migrations.RunSQL("UPDATE intake_staffalert SET day = raised_at::date", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="staffalert",
            name="day",
            field=models.DateField(help_text="The day at the clinic on which it was said"),
        ),
        migrations.AddConstraint(
            model_name="staffalert",
            constraint=models.UniqueConstraint(
                fields=("finding", "effect", "day"), name="staff_alert_is_raised_once_a_day"
            ),
        ),
    ]
