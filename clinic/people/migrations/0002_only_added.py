"""What she said about being written to is only ever added to."""

from django.db import migrations

from clinic.lib.only_added import only_added


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [only_added("people_contactconsent")]
