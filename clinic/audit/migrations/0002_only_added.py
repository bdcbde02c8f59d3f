"""The log of looks and changes is only ever added to."""

from django.db import migrations

from clinic.lib.only_added import only_added


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [only_added("audit_look"), only_added("audit_change")]
