"""What the desk knows of the example's clients beside their names: invented, the same at every filling."""

from datetime import datetime, timedelta
from random import Random

from clinic.audit.services import because
from clinic.demo.cast import CLIENTS, ExampleClient, email_of
from clinic.demo.founding import House
from clinic.people.models import Client, ContactConsent, Therapist
from clinic.people.services import (
    ClientDetails,
    archive_client,
    create_client,
    give_client_login,
    record_contact_consent,
    update_client,
)

STREETS = ("Rua do Cais", "Rua da Colina", "Travessa do Pomar", "Rua das Flores", "Largo do Chafariz", "Rua Nova")
RELATIONS = ("partner", "mother", "father", "sister", "brother", "neighbour")
FIRST_NAMES = ("Rui", "Teresa", "Miguel", "Carla", "João", "Helena", "Pedro", "Luísa")
PHYSICIANS = (
    ("Dr. Helena Pires", "Neurologia do Tejo\nAv. da Ribeira 40, Lisboa"),
    ("Dr. Manuel Antunes", "Clínica da Colina\n+351 210 000 330"),
)
ALERTS = (
    "Rings twice, then waits outside.",
    "Comes by bus: may be ten minutes late.",
    "Please no perfume at the desk.",
    "The invoice goes to the employer.",
)
NOTES = (
    "Startles when touched from behind; say what comes next.",
    "Wants the head free of hands in the first quarter of an hour.",
    "Falls asleep: wake slowly, then five minutes of sitting.",
)


def details_of(person: ExampleClient, therapist: Therapist) -> ClientDetails:
    """Return what the desk wrote down: much of some, little of others."""
    random = Random(person.name)  # noqa: S311  # invented, and apart from the source that the stories draw from
    details = ClientDetails(
        pronouns=person.pronouns,
        born_on=person.born_on,
        email=email_of(person.name),
        phone=f"91{random.randint(2, 9)} {random.randint(100, 999)} {random.randint(100, 999)}",
        primary_therapist=therapist,
    )
    if random.random() < 0.7:  # noqa: PLR2004  # most give an address and somebody to call
        details["address"] = f"{random.choice(STREETS)} {random.randint(1, 90)}\n1200 Lisboa"
        details["emergency_name"] = f"{random.choice(FIRST_NAMES)} {person.name.split()[-1]}"
        details["emergency_relation"] = random.choice(RELATIONS)
        details["emergency_phone"] = f"96{random.randint(1, 9)} {random.randint(100, 999)} {random.randint(100, 999)}"
    if random.random() < 0.4:  # noqa: PLR2004  # two in five come from a doctor
        details["physician_name"], details["physician_contact"] = random.choice(PHYSICIANS)
    if random.random() < 0.15:  # noqa: PLR2004
        details["alert"] = random.choice(ALERTS)
    return details


def note_on(person: ExampleClient) -> str:
    """Return what her therapist wrote for colleagues; nothing for most."""
    random = Random(f"note on {person.name}")  # noqa: S311
    return random.choice(NOTES) if random.random() < 0.2 else ""  # noqa: PLR2004


def tell_of_records(house: House, *, now: datetime) -> None:
    """Tell what is going on at the desk today: a girl whose mother has called, and one who has moved away."""
    mother = Client.objects.get(legal_name="Sofia Castellanos")
    girl = create_client(
        by=house.desk, now=now - timedelta(hours=2), legal_name="Mia Castellanos", pronouns="she/her",
        born_on=now.date() - timedelta(days=16 * 365 + 40), primary_therapist=mother.primary_therapist,
        guardian_name=mother.legal_name, guardian_relation="mother", guardian_phone=str(mother.phone),
        guardian_email=mother.email, emergency_name=mother.legal_name, emergency_relation="mother",
        emergency_phone=str(mother.phone), alert="The mother comes along.",
    )  # fmt: skip
    give_client_login(by=house.desk, now=now - timedelta(hours=2), client=girl, email=mother.email)
    gone = create_client(
        by=house.desk, now=now - timedelta(days=150), legal_name="Vera Antunes", phone="913 220 418",
        email="vera.antunes@example.org",
    )  # fmt: skip
    with because("Has moved to Porto."):
        archive_client(by=house.desk, now=now - timedelta(days=20), client=gone)
    first = Client.objects.get(legal_name=CLIENTS[0].name)
    with because("Has moved, and told us on the phone."):
        update_client(
            by=house.desk, now=now - timedelta(days=12), client=first, phone="915 604 118",
            address="Rua do Norte 31\n1200 Lisboa",
        )  # fmt: skip
    for days, is_given in ((60, True), (3, False)):
        record_contact_consent(
            by=house.desk, now=now - timedelta(days=days), client=first, channel=ContactConsent.Channel.TEXT,
            is_given=is_given, source="on the phone",
        )  # fmt: skip
    # One in three agreed to texts when she was last here.
    for client in Client.objects.active().exclude(pk=first.pk).exclude(phone="").order_by("pk")[::3]:
        record_contact_consent(
            by=house.desk, now=now - timedelta(days=7), client=client, channel=ContactConsent.Channel.TEXT,
            is_given=True, source="at the desk",
        )  # fmt: skip
