"""Looks in the order in which one member of staff took them."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("audit", "0003_change_in_order")]

    operations = [
        migrations.AddIndex("look", models.Index(fields=["by", "-at"], name="look_by_whom_newest")),
    ]
