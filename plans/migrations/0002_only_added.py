"""Readings are only ever added."""

from django.db import migrations

from clinic.lib.only_added import only_added


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_initial")]

    operations = [only_added("plans_score")]
