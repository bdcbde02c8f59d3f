"""Who there is and where they work, by what they are about."""

from clinic.people.models.catalogue import Modality, Service
from clinic.people.models.clients import (
    ROOM_WISHES,
    Client,
    ClientAccess,
    ClientQuerySet,
    ContactConsent,
    TherapistsNote,
)
from clinic.people.models.clinic import Clinic, Picture, SetUpToken, clinic_with_logo
from clinic.people.models.importing import Import, ImportRow
from clinic.people.models.logins import Invitation, Role, User, UserManager
from clinic.people.models.merging import Merge
from clinic.people.models.places import (
    Location,
    OpeningHours,
    Room,
    clinic_zone,
    validate_time_zone,
)
from clinic.people.models.therapists import Qualification, QualificationQuerySet, Therapist, TherapistLocation

__all__ = [
    "ROOM_WISHES",
    "Client",
    "ClientAccess",
    "ClientQuerySet",
    "Clinic",
    "ContactConsent",
    "Import",
    "ImportRow",
    "Invitation",
    "Location",
    "Merge",
    "Modality",
    "OpeningHours",
    "Picture",
    "Qualification",
    "QualificationQuerySet",
    "Role",
    "Room",
    "Service",
    "SetUpToken",
    "Therapist",
    "TherapistLocation",
    "TherapistsNote",
    "User",
    "UserManager",
    "clinic_with_logo",
    "clinic_zone",
    "validate_time_zone",
]
