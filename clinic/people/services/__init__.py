"""Writing about people and places, by what it is about. Each service is one transaction that says who, when and why."""

from clinic.people.services.archiving import archive_client, bring_back_client
from clinic.people.services.clients import (
    ClientDetails,
    ClientFields,
    consenting,
    create_client,
    give_client_login,
    has_contact_consent,
    is_under_age,
    lacks_guardian,
    lock_client,
    lock_records,
    new_client,
    record_contact_consent,
    take_client_login,
    update_client,
)
from clinic.people.services.clinic import (
    SET_UP_TOKEN_LASTS,
    found_clinic,
    is_set_up_token,
    issue_set_up_token,
    set_up_clinic,
)
from clinic.people.services.notes import NoteChanged, write_therapists_note
from clinic.people.services.places import add_location, add_room, add_service
from clinic.people.services.staff import add_staff, add_therapist

__all__ = [
    "SET_UP_TOKEN_LASTS",
    "ClientDetails",
    "ClientFields",
    "NoteChanged",
    "add_location",
    "add_room",
    "add_service",
    "add_staff",
    "add_therapist",
    "archive_client",
    "bring_back_client",
    "consenting",
    "create_client",
    "found_clinic",
    "give_client_login",
    "has_contact_consent",
    "is_set_up_token",
    "is_under_age",
    "issue_set_up_token",
    "lacks_guardian",
    "lock_client",
    "lock_records",
    "new_client",
    "record_contact_consent",
    "set_up_clinic",
    "take_client_login",
    "update_client",
    "write_therapists_note",
]
