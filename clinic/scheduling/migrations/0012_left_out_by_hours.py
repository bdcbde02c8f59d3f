"""Visits that new hours leave out wait to be booked anew; few of very many."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0011_requested_visits")]

    operations = [
        migrations.AddField(
            model_name="appointment", name="left_out_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("left_out_at__isnull", False)), fields=["starts_at"], name="appointment_left_out"
            ),
        ),
    ]
