"""The record of a visit's steps is only ever added to."""

from django.db import migrations

from clinic.lib.only_added import only_added


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]

    operations = [only_added("scheduling_statuschange")]
