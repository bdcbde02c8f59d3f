"""The columns of a list of clients: our own, what other programs call them, and those that are none of ours."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from clinic.people.importing.columns import Field, Reads

FIELDS = (
    Field(
        "key",
        gettext_lazy("Number in the other program"),
        "Client number",
        known_as=("patient_guid", "Patient Guid", "Patient Id", "Patient Number", "Client ID", "Customer ID", "ID"),
    ),
    Field("legal_name", gettext_lazy("Full name, exactly as written"), "Legal name"),
    Field(
        "full_name",
        gettext_lazy("Full name (“Last, First” is turned round)"),
        "Full name",
        known_as=("Name", "Client", "Client name", "Patient", "Patient name", "Customer", "Customer name"),
    ),
    Field(
        "first_name",
        gettext_lazy("First name"),
        "First name",
        known_as=("Given name", "Forename", "Legal first name", "Client first name", "Vorname", "Nome", "Prénom"),
    ),
    Field("middle_name", gettext_lazy("Middle name"), "Middle name", known_as=("Middle names", "Middle initial")),
    Field(
        "last_name",
        gettext_lazy("Last name"),
        "Last name",
        known_as=("Surname", "Family name", "Client last name", "Nachname", "Apelido", "Nom"),
    ),
    Field(
        "preferred_name",
        gettext_lazy("Called"),
        "Preferred name",
        known_as=("Preferred first name", "Nickname", "Goes by", "Called"),
    ),
    Field("pronouns", gettext_lazy("Pronouns"), "Pronouns"),
    Field(
        "born_on",
        gettext_lazy("Date of birth"),
        "Date of birth",
        Reads.DATE,
        (
            *("Birth date", "Birthdate", "Birthday", "DOB", "Born"),
            *("Geburtsdatum", "Geburtstag", "Data de nascimento", "Date de naissance"),
        ),
    ),
    Field(
        "email",
        gettext_lazy("E-mail"),
        "E-mail",
        Reads.EMAIL,
        ("Email", "Email address", "E-mail address", "Mail", "Primary email"),
    ),
    Field(
        "phone",
        gettext_lazy("Phone"),
        "Phone",
        Reads.PHONE,
        (
            *("Mobile phone", "Mobile", "Cell phone", "Cell", "Phone number", "Mobile number", "Telephone"),
            *("Telefon", "Telefone", "Telemóvel", "Téléphone", "Handy"),
        ),
    ),
    Field(
        "other_phone",
        gettext_lazy("Other phone"),
        "Other phone",
        Reads.PHONE,
        ("Home phone", "Work phone", "Home", "Secondary phone", "Alternate phone", "Phone 2"),
    ),
    Field(
        "address",
        gettext_lazy("Address"),
        "Address",
        known_as=(
            *("Street address", "Address 1", "Street", "Address line 1", "Street address 1"),
            *("Adresse", "Anschrift", "Straße", "Morada", "Endereço"),
        ),
    ),
    Field(
        "address_2",
        gettext_lazy("Address, second line"),
        "Address 2",
        known_as=("Address line 2", "Apt", "Street address 2", "Suite"),
    ),
    Field("address_3", gettext_lazy("Address, third line"), "Address 3", known_as=("Address line 3",)),
    Field("city", gettext_lazy("City"), "City", known_as=("Town", "Suburb", "Town/City", "Ort", "Cidade", "Ville")),
    Field("state", gettext_lazy("State or province"), "State", known_as=("Province/State", "Province", "Region")),
    Field(
        "post_code",
        gettext_lazy("Postal code"),
        "Post code",
        known_as=("Postal", "Postal code", "Zip", "Zip code", "PLZ", "Código postal", "Code postal"),
    ),
    Field("country", gettext_lazy("Country"), "Country", known_as=("Country code", "Land", "País", "Pays")),
    Field("language", gettext_lazy("Language"), "Language", known_as=("Preferred language",)),
    Field(
        "emergency_name",
        gettext_lazy("Emergency contact"),
        "Emergency contact",
        known_as=("Emergency contact name",),
    ),
    Field(
        "emergency_relation",
        gettext_lazy("Emergency contact's relation"),
        "Emergency contact relation",
        known_as=("Emergency contact relationship",),
    ),
    Field(
        "emergency_phone",
        gettext_lazy("Emergency contact's phone"),
        "Emergency contact phone",
        Reads.PHONE,
        ("Emergency phone", "Emergency contact number"),
    ),
    Field(
        "physician_name",
        gettext_lazy("Referring physician"),
        "Referring physician",
        known_as=("Referring doctor", "Family doctor", "Physician", "Doctor", "Referring professional"),
    ),
    Field("physician_contact", gettext_lazy("Physician's practice"), "Physician's practice"),
    Field(
        "guardian_name", gettext_lazy("Guardian"), "Guardian", known_as=("Parent", "Guardian name", "Parent/Guardian")
    ),
    Field("guardian_relation", gettext_lazy("Guardian's relation"), "Guardian's relation"),
    Field("guardian_phone", gettext_lazy("Guardian's phone"), "Guardian's phone", Reads.PHONE, ("Guardian phone",)),
    Field("guardian_email", gettext_lazy("Guardian's e-mail"), "Guardian's e-mail", Reads.EMAIL, ("Guardian email",)),
    Field("light", gettext_lazy("Light in the room"), "Light in the room"),
    Field("sound", gettext_lazy("Sound"), "Sound"),
    Field("scent", gettext_lazy("Scent"), "Scent"),
    Field("temperature", gettext_lazy("Temperature"), "Temperature"),
    Field("talk", gettext_lazy("Talk"), "Talk"),
    Field("table_angle", gettext_lazy("On the table"), "On the table"),
    Field(
        "primary_therapist",
        gettext_lazy("Therapist"),
        "Therapist",
        known_as=("Practitioner", "Primary practitioner", "Preferred practitioner", "Staff member", "Provider"),
    ),
    Field("alert", gettext_lazy("Alert for the front desk (never about health)"), "Alert for the front desk"),
    Field("by_email", gettext_lazy("May be written to by e-mail"), "May be written to by e-mail", Reads.YES_NO),
    Field("by_text", gettext_lazy("May be sent text messages"), "May be sent text messages", Reads.YES_NO),
    Field(
        "reminders_by",
        gettext_lazy("Reminders by (e-mail, text message or both)"),
        "Reminders by",
        Reads.CHANNELS,
        ("Reminder type", "Appointment reminders", "Reminder preference", "Notification preference"),
    ),
    Field("archived_at", gettext_lazy("Archived on"), "Archived on", Reads.MOMENT, ("Archived at", "Archived")),
)
IGNORED = frozenset({
    "title", "prefix", "sex", "gender", "gender identity", "occupation", "employer", "first visit", "last visit",
    "active", "referral source", "created at", "updated at", "time zone", "invoice to", "invoice email", "member since",
    "client since", "balance", "medicare", "medicare reference number", "notes", "appointment notes",
})  # fmt: skip
