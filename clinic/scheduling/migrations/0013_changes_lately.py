"""What was changed lately is asked for each minute."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0012_left_out_by_hours"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(fields=["at"], name="status_change_lately"),
        ),
    ]
