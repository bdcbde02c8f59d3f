"""A closing of the whole clinic is known as such, so that a location that is added later is closed then too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0008_online_concerns")]

    operations = [
        migrations.AddField(model_name="timeoff", name="is_clinics", field=models.BooleanField(default=False)),
        migrations.AddConstraint(
            model_name="timeoff",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_clinics", False),
                    models.Q(("location__isnull", False), ("therapist__isnull", True)),
                    _connector="OR",
                ),
                name="only_locations_close_with_the_clinic",
            ),
        ),
    ]
