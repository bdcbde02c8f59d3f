"""What the change history keeps is only ever added to."""

from django.db import migrations

from clinic.lib.only_added import only_added

TRACKED = (
    "client",
    "clientaccess",
    "clinic",
    "location",
    "openinghours",
    "qualification",
    "room",
    "service",
    "therapist",
    "therapistsnote",
    "user",
)


class Migration(migrations.Migration):
    dependencies = [("people", "0003_records_in_full")]

    operations = [only_added(f"people_{tracked}event") for tracked in TRACKED]
