"""Each page at the desk counts the requests to answer: few of very many visits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0010_leaner_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("status", "requested")), fields=["starts_at"], name="appointment_requested"
            ),
        ),
    ]
