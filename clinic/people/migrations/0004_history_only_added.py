"""The change history begins with how everything stood, and what it keeps is only ever added to."""

from django.db import migrations

from clinic.audit.beginning import tell_how_it_stood
from clinic.lib.only_added import only_added

TRACKED = (
    "Client",
    "ClientAccess",
    "Clinic",
    "Location",
    "OpeningHours",
    "Qualification",
    "Room",
    "Service",
    "Therapist",
    "TherapistsNote",
    "User",
)


class Migration(migrations.Migration):
    dependencies = [("people", "0003_records_in_full")]

    operations = [
        tell_how_it_stood("people", *TRACKED),
        *(only_added(f"people_{tracked.lower()}event") for tracked in TRACKED),
    ]
