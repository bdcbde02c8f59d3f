"""What is handed out: everything but health, safe in a spreadsheet, and understood again as it was."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from clinic.audit.models import Change
from clinic.people.models import Client, ContactConsent, Therapist, TherapistsNote
from clinic.people.services import add_therapist, create_client, record_contact_consent
from tests.factories import ClientFactory, UserFactory, modality
from tests.importing import problems

CANARY = "aura-canary"


def handed_out(browser, kind: str = "clients") -> bytes:
    return b"".join(browser.get(reverse("people:export", args=[kind])).streaming_content)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def facts(client: Client) -> dict[str, object]:
    left_out = {"id", "created_at", "created_by_id", "primary_therapist_id"}
    kept = Client.objects.filter(pk=client.pk).values().get()
    return {name: value for name, value in kept.items() if name not in left_out}


def test_the_file_begins_with_a_byte_order_mark_and_names_its_columns(as_olga, alice):
    content = handed_out(as_olga)
    assert content.startswith(b"\xef\xbb\xbf")
    assert table(content)[0]["Legal name"] == "Alice Marques"
    assert table(content)[0]["Date of birth"] == "1988-03-14"
    assert table(content)[0]["Therapist"] == "bea@example.org"


def test_archived_clients_are_in_it_with_a_column_that_says_so(as_olga, now):
    ClientFactory(legal_name="Gone Away", archived_at=now)
    assert table(handed_out(as_olga))[0]["Archived on"] == now.isoformat()


def test_nothing_about_health_is_in_it(as_olga, alice, bea, now):
    TherapistsNote.objects.create(client=alice, text=CANARY)
    assert CANARY.encode() not in handed_out(as_olga)
    assert not any("note" in header.casefold() for header in table(handed_out(as_olga))[0])


def test_nothing_in_it_runs_in_a_spreadsheet(as_olga):
    ClientFactory(legal_name='=HYPERLINK("http://x")', phone="+351912345678", alert="@SUM(A1)", email="")
    [row] = table(handed_out(as_olga))
    assert row["Legal name"].startswith("'=")
    assert row["Phone"] == "'+351912345678"
    assert row["Alert for the front desk"].startswith("'@")


def test_it_is_kept_that_it_was_handed_out(as_olga, olga, now):
    handed_out(as_olga)
    assert Change.objects.filter(words="exported all clients", by=olga, at=now).exists()


@pytest.mark.parametrize("kind", ["clients", "therapists", "appointments"])
def test_only_the_owner_gets_it(kind, as_dana, as_bea, as_alice):
    for browser in (as_dana, as_bea, as_alice):
        assert browser.get(reverse("people:export", args=[kind])).status_code == 404


def test_an_unknown_kind_is_not_found(as_olga):
    assert as_olga.get("/settings/export/notes.csv").status_code == 404


def test_an_empty_clinic_hands_out_a_header(as_olga):
    assert handed_out(as_olga).decode("utf-8-sig").startswith("Client number,Legal name")


names = st.text(
    alphabet=st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029"),
    min_size=1,
    max_size=30,
).filter(str.strip) | st.sampled_from(
    ["=1+1", "'=x", "+Ana", "-", "@home", "Sousa, Ana", "李小龍", "محمد", "''+", '"q"', "a;b|c\td"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.tuples(names, names, names), min_size=1, max_size=4))
def test_what_is_exported_is_imported_as_it_was(told, as_olga, bring, take, olga, now, bea):
    Client.objects.all()._raw_delete("default")
    before = []
    for name, called, alert in told:
        try:
            client = create_client(
                by=olga,
                now=now,
                legal_name=name,
                preferred_name=called,
                alert=alert,
                address=f"{name}\n{called}",
                phone="+351 912 345 678",
                email="one@example.org",
                born_on=date(1988, 2, 29),
                primary_therapist=bea,
                light="dim",
            )
        except ValidationError:  # what the service refuses, as a name of nothing but signs that are not kept
            event("refused")
        else:
            event("kept")
            before.append(facts(client))
    assume(before)
    content = handed_out(as_olga)
    Client.objects.all()._raw_delete("default")
    job = bring(content)
    assert problems(job) == []
    take(job, doubtful=True)
    assert [facts(client) for client in Client.objects.order_by("pk")] == before


def test_consents_and_the_archive_come_back_too(as_olga, bring, take, olga, now):
    client = create_client(by=olga, now=now, legal_name="Ana Sousa", email="ana@example.org")
    record_contact_consent(by=olga, now=now, client=client, channel="email", is_given=True, source="in person")
    record_contact_consent(by=olga, now=now, client=client, channel="text", is_given=False, source="in person")
    Client.objects.filter(pk=client.pk).update(archived_at=datetime(2026, 2, 3, 4, 5, tzinfo=UTC))
    content = handed_out(as_olga)
    take(bring(content), doubtful=True)
    again = Client.objects.exclude(pk=client.pk).get()
    assert again.archived_at == datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    said = ContactConsent.objects.filter(client=again).order_by("channel").values_list("channel", "is_given")
    assert list(said) == [("email", True), ("text", False)]


def test_what_she_said_on_a_merged_record_counts_in_the_export(as_olga, olga, now):
    kept = create_client(by=olga, now=now, legal_name="Ana Sousa")
    gone = create_client(by=olga, now=now, legal_name="Anna Sousa")
    record_contact_consent(by=olga, now=now, client=kept, channel="email", is_given=True, source="in person")
    later = now + timedelta(hours=1)
    record_contact_consent(by=olga, now=later, client=gone, channel="email", is_given=False, source="in person")
    Client.objects.filter(pk=gone.pk).update(merged_into=kept, archived_at=later)
    [told] = table(handed_out(as_olga))
    assert told["May be written to by e-mail"] == "no"


def test_therapists_come_back_as_they_were(as_olga, bring, take, olga, now, location, db):
    user = UserFactory(name="=Sousa, Inês", email="ines@example.org", roles=["therapist"])
    held = [(modality("myofascial"), "A | 12", date(2027, 5, 6)), (modality("craniosacral"), "", None)]
    therapist = add_therapist(
        by=olga,
        now=now,
        user=user,
        licence_number="-PT 1",
        licence_expires_on=date(2028, 1, 2),
        usual_room=None,
        qualifications=held,
        colour="plum",
        locations=[location],
    )
    content = handed_out(as_olga, "therapists")
    therapist.delete()
    user.delete()
    job = bring(content, "therapists")
    assert (problems(job), job.new_count) == ([], 1)
    take(job)
    again = Therapist.objects.get()
    assert (again.user.name, again.licence_number, again.licence_expires_on) == (
        "=Sousa, Inês",
        "-PT 1",
        date(2028, 1, 2),
    )
    assert again.colour == "plum"
    assert list(again.locations.all()) == [location]
    told = again.qualifications.order_by("modality").values_list("modality__slug", "certificate", "expires_on")
    assert set(told) == {("myofascial", "A | 12", date(2027, 5, 6)), ("craniosacral", "", None)}
    assert not again.user.has_usable_password()


def test_what_will_be_taken_over_is_not_handed_out_as_left_out(bring, send, as_olga):
    for name in ("ana", "rui"):
        ClientFactory(email=f"{name}@example.org")
    job = bring("Legal name,E-mail\nAna Sousa,ana@example.org\nRui Gil,rui@example.org\n")
    send(reverse("people:import-decide", args=[job.pk]), {"row-2": "yes"})
    told = b"".join(as_olga.get(reverse("people:import-left-out", args=[job.pk])).streaming_content).decode()
    assert "Rui Gil" in told
    assert "Ana Sousa" not in told
