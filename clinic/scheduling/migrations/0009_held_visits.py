"""Each booking looks for holds that have run out: few of very many visits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0007_closed_with_the_clinic")]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(condition=models.Q(("status", "held")), fields=["held_until"], name="appointment_held"),
        ),
    ]
