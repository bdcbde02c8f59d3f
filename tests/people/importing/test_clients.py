"""Clients from a file: what is recognised, what is refused by row and column, what is written, and the way back."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.audit.models import Change
from clinic.people.duplicates import Given, likenesses
from clinic.people.importing import progress, working
from clinic.people.importing.working import go_on
from clinic.people.models import Client, ContactConsent, Import
from clinic.people.services import record_contact_consent, update_client
from tests.factories import BEFORE, ClientFactory
from tests.importing import doubts, problems
from tests.scheduling.conftest import at

JANE = (
    "patient_guid,First Name,Last Name,Preferred Name,Email,Mobile Phone,Birth Date,Street Address,City,Province/State,"
    "Postal,First Visit,Last Visit,Active\n"
    "9f3a,Maria,de Sousa,Mia,mia@example.org,+351 912 345 678,1988-03-14,Rua Nova 1,Lisboa,,1100-001,2020-01-01,,true\n"
    "77bc,Rui,d'Ávila,,rui@example.org,+351913345678,1975-12-31,,,,,,,true\n"
)
CLINIKO = (
    "Patient Id;Title;First name;Preferred first name;Last name;Date of birth;Email;Mobile phone;Home phone;Address 1;"
    "Address 2;City;Post code;Country;Emergency contact;Medicare;Notes\n"
    "12;Ms;Åsa;;Öst;31/12/1990;asa@example.org;00351 912 345 678;;Nova 1;2nd floor;Porto;4000;PT;Nils 0912;"
    "123;migraine\n"
)
MASSAGEBOOK = (
    "First Name,Last Name,Email,Cell Phone,Birthday,Zip\nAna,Sousa,ana@example.org,+351912345678,12/31/1990,1000\n"
)


def test_a_list_from_jane_is_recognised_at_once(bring, take):
    job = bring(JANE)
    assert (job.state, job.new_count, len(problems(job))) == ("checked", 2, 0)
    take(job)
    maria = Client.objects.get(legal_name="Maria de Sousa")
    assert (maria.preferred_name, str(maria.phone), maria.born_on) == ("Mia", "+351912345678", date(1988, 3, 14))
    assert maria.address == "Rua Nova 1\nLisboa 1100-001"
    job.refresh_from_db()
    assert job.keys["9f3a"] == maria.pk


@pytest.mark.parametrize(
    "header",
    [
        "Vorname;Nachname;Geburtsdatum;E-Mail;Telefon;Adresse;PLZ;Ort;Land",
        "Nome;Apelido;Data de nascimento;Email;Telemóvel;Morada;Código postal;Cidade;País",
        "Prénom;Nom;Date de naissance;E-mail;Téléphone;Adresse;Code postal;Ville;Pays",
    ],
)
def test_a_list_of_the_clinics_own_is_recognised_in_its_language(bring, take, header):
    text = f"{header}\nZoë;Müller;14.03.1988;zoe@example.org;+351 912 345 678;Rua Nova 1;1100;Lisboa;Portugal\n"
    job = bring(b"\xef\xbb\xbf" + text.encode("latin-1"))
    take(job)
    zoe = Client.objects.get()
    assert (zoe.legal_name, str(zoe.phone), zoe.born_on) == ("Zoë Müller", "+351912345678", date(1988, 3, 14))
    assert zoe.address == "Rua Nova 1\nLisboa 1100\nPortugal"


def test_a_list_from_cliniko_leaves_health_outside(bring, take):
    job = bring(CLINIKO)
    assert job.new_count == 1
    take(job)
    asa = Client.objects.get()
    assert (asa.legal_name, asa.born_on, asa.emergency_name) == ("Åsa Öst", date(1990, 12, 31), "Nils 0912")
    assert asa.address == "Nova 1\n2nd floor\nPorto 4000\nPT"
    kept = " ".join(str(value) for value in Client.objects.values().get().values())
    assert "migraine" not in kept
    assert "123" not in kept.split()


def test_a_list_from_massagebook_is_recognised_with_the_month_first(bring, take):
    take(bring(MASSAGEBOOK))
    assert Client.objects.get().born_on == date(1990, 12, 31)


def test_an_ambiguous_date_is_asked_about(send):
    answer = send(
        "/settings/import/new/clients/",
        {"file": SimpleUploadedFile("a.csv", b"Full name,Date of birth\nAna Sousa,1/2/1990\n")},
    )
    assert answer["Location"].endswith("/columns/")


def test_columns_that_are_not_recognised_are_matched_by_hand(bring, take):
    job = bring("wer,wann,was\nSousa Ana,31.12.1990,x\n", columns=["full_name", "born_on", ""])
    take(job)
    assert Client.objects.get().legal_name == "Sousa Ana"


def test_the_page_of_columns_shows_what_stands_in_them(bring, as_olga, send):
    send("/settings/import/new/clients/", {"file": SimpleUploadedFile("a.csv", b"wer,Telefon\nSousa Ana,912\n")})
    page = as_olga.get(reverse("people:import-columns", args=[Import.objects.get().pk])).content.decode()
    assert "Sousa Ana" in page
    assert '<option value="phone" selected>' in page


def test_a_column_cannot_be_chosen_twice(bring):
    with pytest.raises(AssertionError, match="Chosen for two columns"):
        bring("a,b\nAna,Rui\n", columns=["full_name", "full_name"])


def test_the_name_has_to_be_chosen(bring):
    with pytest.raises(AssertionError, match="Choose the column with the name"):
        bring("a,b\nAna,Rui\n", columns=["", "alert"])


BAD = (
    "Full name,Date of birth,E-mail,Phone,Therapist,Light in the room\n"
    "Ana Sousa,29/02/1989,ana@example.org,,,\n"
    "Rui Gil,31/12/1990,rui at example.org,,,\n"
    "Eva Reis,31/12/2190,,,,\n"
    "Ivo Reis,31/12/1890,,,,\n"
    "Lia Reis,31/12/1990,,12,,\n"
    ",31/12/1990,,,,\n"
    "Nuno Gil,31/12/1990,,,Nobody Here,\n"
    "Olga Gil,31/12/1990,,,,glaring\n"
    "Teo Gil,31/12/2015,,,,\n"
    "Good Row,31/12/1990,,,,dim\n"
)


def test_every_problem_is_named_by_row_and_column(bring):
    job = bring(BAD)
    found = {(row, column): words for row, column, words in problems(job)}
    assert found[2, "Date of birth"] == "“29/02/1989” is no day of the calendar."
    assert (3, "E-mail") in found
    assert "future" in found[4, "Date of birth"]
    assert (5, "Date of birth") in found
    assert (6, "Phone") in found
    assert (7, "Full name") in found
    assert "No therapist here is called “Nobody Here”" in found[8, "Therapist"]
    assert "none of" in found[9, "Light in the room"]
    assert any(row == 10 and "guardian" in words for (row, _column), words in found.items())
    assert (job.new_count, job.wrong_count) == (1, 9)


def test_all_that_is_wrong_with_a_row_is_named_at_once(bring):
    job = bring("Full name,Date of birth,E-mail,Phone\nRui Gil,29/02/1989,rui at example.org,12\n")
    assert {column for _row, column, _words in problems(job)} == {"Date of birth", "E-mail", "Phone"}


def left_out(browser, job: Import) -> list[dict[str, str]]:
    content = b"".join(browser.get(reverse("people:import-left-out", args=[job.pk])).streaming_content)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_all_problems_can_be_downloaded(bring, as_olga):
    job = bring(BAD)
    told = left_out(as_olga, job)
    assert [row["Row"] for row in told] == [str(number) for number in range(2, 11)]
    assert told[0]["Why it was left out"] == "Date of birth: “29/02/1989” is no day of the calendar."
    assert (told[0]["Full name"], told[0]["Date of birth"]) == ("Ana Sousa", "29/02/1989")


def test_nothing_is_taken_over_before_the_rows_with_problems_are_let_go(bring, send):
    job = bring(BAD)
    answer = send(reverse("people:import-take-over", args=[job.pk]), {})
    assert answer.status_code == 422
    assert "Say that the rows with problems are to be left out" in answer.content.decode()
    assert not Client.objects.exists()


def test_a_row_cut_in_half_is_named_and_the_others_taken(bring, take):
    job = bring("First name,Last name,Email\nAna,Sousa,ana@example.org\nRui,G")
    assert problems(job) == [(3, "", "This row is cut off: it has 2 of 3 cells.")]
    take(job)
    assert Client.objects.get().legal_name == "Ana Sousa"


def test_what_is_about_a_whole_row_is_not_told_of_a_column_that_is_left_out(bring):
    job = bring("Shoe size,First name,Last name,Email\n38,Ana,Sousa,ana@example.org\n38,,,\n38,Rui\n")
    assert problems(job) == [
        (3, "First name", "A name has at least one letter."),
        (4, "", "This row is cut off: it has 2 of 4 cells."),
    ]


def test_somebody_who_is_here_already_is_doubted_by_the_rules_of_the_form(bring, take):
    ClientFactory(legal_name="José Álvares", email="jose@example.org", phone="+351912345678", born_on=date(1990, 1, 1))
    job = bring(
        "Legal name,E-mail,Phone,Date of birth\n"
        "Somebody Else,JOSE@example.org,,\n"
        "Other Person,,+351912345678,\n"
        "JOSE ALVARES,,,1990-01-01\n"
        "Jose Alvares,,,1991-01-01\n"
    )
    assert (job.doubt_count, job.new_count) == (3, 1)
    assert doubts(job)[0] == (2, "José Álvares is here: same e-mail.")
    take(job, doubtful=True)
    assert Client.objects.count() == 5


def test_the_set_and_the_single_question_agree(bring):
    """The form asks for one, the import for all: by e-mail, or name and day of birth, both doubt or neither does."""
    for number in range(6):
        ClientFactory(
            legal_name=f"Zoë Nº{number}", email=f"z{number}@example.org" if number % 2 else "", born_on=date(1980, 1, 1)
        )
    told = [
        ("Zoe Nº1", "", "1980-01-01"),
        ("X", "Z3@EXAMPLE.ORG", ""),
        ("Zoe Nº2", "", "1980-01-02"),
        ("X", "z2@a.org", ""),
    ]
    job = bring("Legal name,E-mail,Date of birth\n" + "\n".join(map(",".join, told)))
    asked = [
        bool(likenesses([Given(legal_name=name, email=email, born_on=date.fromisoformat(born) if born else None)]))
        for name, email, born in told
    ]
    assert asked == [True, True, False, False]
    assert {row for row, _words in doubts(job)} == {n + 2 for n, alike in enumerate(asked) if alike}


def test_an_address_that_hundreds_share_doubts_each_of_them_within_a_moment(clinic, now):
    """Names of each pair were once compared: 2,000 by 2,000 took five minutes, 400 by 400 five seconds."""
    Client.objects.bulk_create(
        Client(legal_name=f"Ana {n}", email="none@example.org", phone="+351912345678", created_at=now)
        for n in range(400)
    )
    brought = [Given(f"Rui {n}", email="None@example.org", phone="+351912345678") for n in range(400)]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '2s'")
        alike = likenesses(brought)
        cursor.execute("SET LOCAL statement_timeout = 0")
    assert {one.place for one in alike} == set(range(400))
    assert {one.reasons for one in alike} == {("phone", "email")}


@pytest.mark.parametrize("born", [None, date(1900, 1, 1)])
def test_a_name_that_thousands_share_doubts_each_of_them_within_a_moment(db, born):
    """Every pair of them, 25 million, took minutes."""
    Client.objects.bulk_create(Client(legal_name="Walk In", born_on=born, created_at=BEFORE) for _n in range(5_000))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10s'")
        alike = likenesses([Given(legal_name="Walk In", born_on=born)] * 5_000)
        cursor.execute("SET LOCAL statement_timeout = 0")
    assert {one.place for one in alike} == set(range(5_000))
    assert {one.reasons for one in alike} == {("name", "born") if born else ("name",)}


def test_of_many_with_one_name_who_has_the_same_birthday_comes_first_and_who_has_none_next(db):
    crowd = [date(1970, 1, 1) + timedelta(days=n) for n in range(20)]
    made = Client.objects.bulk_create(
        Client(legal_name="Ana Reis", born_on=born, created_at=BEFORE) for born in [*crowd, None, date(1990, 5, 6)]
    )
    alike = likenesses([Given(legal_name="Reis, Ana", born_on=date(1990, 5, 6))])
    assert [(one.client_pk, one.reasons) for one in alike] == [
        (made[-1].pk, ("name", "born")),
        (made[-2].pk, ("name",)),
    ]


def test_rows_of_one_name_and_date_of_birth_are_doubted(bring, take):
    rows = (
        "Zoë Çelik,31/12/1990,z@example.org",
        "Celik Zoe,31/12/1990,c@example.org",
        "Zoë Çelik,30/12/1990,z@example.org",
    )
    job = bring("\n".join(["Legal name,Date of birth,E-mail", *rows]))
    assert doubts(job) == [(3, "Same name and date of birth as row 2.")]
    take(job)
    assert Client.objects.count() == 2


def test_rows_without_a_date_of_birth_are_doubted_where_all_else_is_the_same(bring):
    job = bring("Full name,E-mail\nAna Sousa,a@example.org\nAna Sousa,a@example.org\nAna Sousa,other@example.org\n")
    assert doubts(job) == [(3, "Same as row 2.")]


def test_a_family_may_share_an_address_within_the_file(bring, take):
    take(bring("Full name,E-mail\nAna Sousa,us@example.org\nRui Sousa,us@example.org\n"))
    assert Client.objects.filter(email="us@example.org").count() == 2


def test_every_script_is_taken_over(bring, take):
    names = [
        "李小龍",
        "Ελένη Παπαδοπούλου",
        "محمد علي",
        "Nguyễn Thị Ánh",
        "O'Neil-Smythe III",
        "Madonna",
        "Łukasz Żółć",
    ]
    take(bring("Legal name\n" + "\n".join(names)))
    assert set(Client.objects.values_list("legal_name", flat=True)) == set(names)


def test_the_history_says_from_which_file_and_by_whom(bring, take, olga, now):
    take(bring("Legal name\nAna Sousa\n", name="from-jane.csv"))
    event = Client.pgh_event_model.objects.get()
    assert event.pgh_context["why"] == "import of from-jane.csv"
    assert event.pgh_context["by"] == olga.pk
    assert Change.objects.filter(words="1 client taken over", by=olga, what="people.import").exists()


def test_the_content_goes_when_it_has_been_taken_over(bring, take):
    job = take(bring("Legal name\nAna Sousa\n"))
    assert job.content is None
    assert not job.lines.exists()
    assert job.state == "done"


def test_a_fault_of_the_check_stops_it_and_the_file_can_be_given_up(bring, send, monkeypatch):
    def fails(*_given):
        raise OverflowError

    monkeypatch.setattr(working, "check_rows", fails)
    job = bring("Legal name\nAna Sousa\n")
    assert (job.state, bool(job.why_stopped)) == ("failed", True)
    send(reverse("people:import-forget", args=[job.pk]))
    assert not Import.objects.exists()


def test_a_check_that_nobody_is_at_can_be_given_up(send, as_olga, worker, now, monkeypatch):
    file = SimpleUploadedFile("a.csv", b"Legal name\nAna Sousa\n")
    send("/settings/import/new/clients/", {"file": file}, works=False)
    job = Import.objects.get()
    assert job.state == "checking"
    monkeypatch.setattr(progress, "SILENCE_SECONDS", -1)
    assert "Give up this file" in as_olga.get(reverse("people:import", args=[job.pk])).content.decode()
    send(reverse("people:import-forget", args=[job.pk]), works=False)
    assert not Import.objects.exists()
    worker(now)


@pytest.mark.parametrize(
    "day",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-11:00", "9999-12-31", "1899-12-31", "2200-01-01", "2027-01-01"],
)
def test_a_day_that_cannot_have_been_archives_nobody(bring, day):
    job = bring(f"Legal name,Archived on\nAna Sousa,{day}\n")
    assert [(row, column) for row, column, _words in problems(job)] == [(2, "Archived on")]


def test_a_text_too_long_for_its_field_is_named_by_row(bring):
    job = bring(f"Legal name,Address,Physician's practice\nAna Sousa,{'x' * 301},{'x' * 301}\nRui Gil,{'x' * 300},\n")
    assert [(row, column) for row, column, _words in problems(job)] == [(2, "Address"), (2, "Physician's practice")]


def test_the_other_phone_is_compared_both_ways(bring):
    ClientFactory(legal_name="José Álvares", email="", phone="+351912345678", other_phone="+351912345679")
    job = bring(
        "Legal name,Phone,Other phone\nA,,+351912345678\nB,+351912345679,\nC,+351912345670,+351912345679\n"
        "D,+351912345670,\n"
    )
    assert {row for row, _words in doubts(job)} == {2, 3, 4}


def test_what_changes_from_doubt_to_doubt_is_looked_at_again_although_the_figures_are_the_same(bring, send):
    here = ClientFactory(legal_name="Ana Sousa", email="ana@example.org")
    job = bring("Legal name,E-mail\nAna Sousa,ana@example.org\nRui Gil,rui@example.org\n")
    assert (job.new_count, job.doubt_count) == (1, 1)
    Client.objects.filter(pk=here.pk).update(legal_name="Rui Gil", email="rui@example.org")
    send(reverse("people:import-take-over", args=[job.pk]))
    job.refresh_from_db()
    assert (job.state, job.new_count, job.doubt_count) == ("checked", 1, 1)
    assert "has changed" in job.why_stopped
    assert Client.objects.count() == 1


def test_the_page_says_before_that_the_words_on_mail_go_along(bring, take, as_olga):
    job = take(bring("Legal name,May be written to by e-mail\nAna Sousa,yes\n"))
    page = as_olga.get(reverse("people:import", args=[job.pk])).content.decode()
    assert "with what the file said of e-mails and text messages" in page


def test_two_clicks_take_it_over_once(bring, send):
    ClientFactory(email="us@example.org")
    job = bring("Legal name,E-mail\nAna Sousa,us@example.org\nRui Gil,\n")
    address = reverse("people:import-take-over", args=[job.pk])
    for works in (False, True, True):
        assert send(address, {"row-2": "yes"}, works=works).url == reverse("people:import", args=[job.pk])
    assert Client.objects.count() == 3


def test_a_decision_holds_for_the_doubt_that_was_shown_and_for_no_other(bring, send, now):
    ClientFactory(legal_name="Eva Reis", email="us@example.org")
    job = bring("Legal name,E-mail\nAna Sousa,us@example.org\n")
    send(reverse("people:import-take-over", args=[job.pk]), {"row-2": "yes"}, works=False)
    ClientFactory(legal_name="Ana Sousa")
    go_on(job.pk, now)
    job.refresh_from_db()
    assert (job.state, doubts(job)) == ("checked", [(2, "Ana Sousa is here: same name.")])
    assert not job.lines.get().is_wanted
    assert Client.objects.count() == 2


def test_a_doubled_task_does_nothing(bring, take, now):
    job = take(bring("Legal name\nAna Sousa\n"))
    go_on(job.pk, now)
    assert Client.objects.count() == 1


def test_what_a_form_would_refuse_is_refused_after_a_change_too(bring, send, now):
    job = bring("Legal name,E-mail\nAna Sousa,ana@example.org\n")
    ClientFactory(legal_name="Ana Sousa", email="ana@example.org")
    send(reverse("people:import-take-over", args=[job.pk]), {})
    job.refresh_from_db()
    assert job.state == "checked"
    assert "has changed" in job.why_stopped
    assert (job.new_count, job.doubt_count) == (0, 1)
    assert Client.objects.count() == 1


def test_a_fault_in_the_middle_leaves_nothing_and_is_said_without_names(bring, send, monkeypatch, caplog):
    job = bring("Legal name\nAna Sousa\nRui Gil\n")
    monkeypatch.setattr("clinic.people.importing.clients.BATCH", 1)
    real, calls = Client.objects.bulk_create, []

    def fails_at_the_second(clients):
        calls.append(clients)
        if len(calls) == 2:
            raise MemoryError(clients[0].legal_name)
        return real(clients)

    monkeypatch.setattr(Client.objects, "bulk_create", fails_at_the_second)
    send(reverse("people:import-take-over", args=[job.pk]), {})
    assert not Client.objects.exists()
    job.refresh_from_db()
    assert (job.state, job.why_stopped) == (
        "checked", "Something in this file is not understood, by a fault of this program. Nothing was changed.",
    )  # fmt: skip
    assert "MemoryError" in caplog.text
    assert "Rui" not in caplog.text


def test_the_page_says_when_nobody_is_at_it_and_wakes_a_worker(bring, send, as_olga, now, worker, monkeypatch):
    job = bring("Legal name\nAna Sousa\n")
    send(reverse("people:import-take-over", args=[job.pk]), {}, works=False)
    page = reverse("people:import", args=[job.pk])
    monkeypatch.setattr(progress, "SILENCE_SECONDS", -1)
    assert "Nothing has been heard of this" in as_olga.get(page).content.decode()
    part = as_olga.get(reverse("people:import-progress", args=[job.pk])).content.decode()
    assert 'name="csrfmiddlewaretoken"' in part
    send(reverse("people:import-wake", args=[job.pk]))
    assert Client.objects.count() == 1


def test_the_page_polls_and_then_reloads_itself(bring, send, as_olga, worker, now, django_assert_max_num_queries):
    job = bring("Legal name\nAna Sousa\n")
    send(reverse("people:import-take-over", args=[job.pk]), {}, works=False)
    page = reverse("people:import", args=[job.pk])
    poll = reverse("people:import-progress", args=[job.pk])
    whole = as_olga.get(page).content.decode()
    assert f'hx-get="{poll}" hx-trigger="every 1s"' in whole
    assert "Look again" in whole
    with django_assert_max_num_queries(3):
        part = as_olga.get(poll)
    assert b"<progress" in part.content
    assert b"<html" not in part.content
    worker(now)
    assert as_olga.get(poll)["HX-Refresh"] == "true"


def test_consents_come_along_with_their_source(bring, take, now):
    job = bring(
        "Legal name,E-mail,May be written to by e-mail,May be sent text messages\n"
        "Ana Sousa,ana@example.org,yes,no\nRui Gil,,,\n"
    )
    take(job)
    said = ContactConsent.objects.order_by("channel").values_list("channel", "is_given", "source")
    assert list(said) == [("email", True, "import of people.csv"), ("text", False, "import of people.csv")]


def test_undo_removes_what_was_not_used_and_names_what_was(bring, take, send, olga, now, as_olga):
    job = take(
        bring("Legal name,E-mail,May be written to by e-mail\nAna Sousa,,\nRui Gil,,\nEva Reis,e@example.org,yes\n")
    )
    rui = Client.objects.get(legal_name="Rui Gil")
    update_client(by=olga, now=now + timedelta(hours=1), client=rui, alert="rings twice")
    send(reverse("people:import-undo", args=[job.pk]))
    job.refresh_from_db()
    assert (job.state, job.kept) == ("undone", ["Rui Gil"])
    assert list(Client.objects.all()) == [rui]
    assert "Rui Gil" in as_olga.get(reverse("people:import", args=[job.pk])).content.decode()


def test_undo_takes_the_words_on_mail_along_that_were_brought_and_no_other(bring, take, send, olga, now):
    job = take(
        bring(
            "Legal name,E-mail,May be written to by e-mail\n"
            "Ana Sousa,a@example.org,yes\nRui Gil,r@example.org,yes\nEva Reis,e@example.org,no\n"
        )
    )
    rui = Client.objects.get(legal_name="Rui Gil")
    later = now + timedelta(hours=1)
    record_contact_consent(by=olga, now=later, client=rui, channel="email", is_given=False, source="on the phone")
    send(reverse("people:import-undo", args=[job.pk]))
    job.refresh_from_db()
    assert job.kept == ["Rui Gil"]
    assert list(Client.objects.values_list("legal_name", "archived_at")) == [("Rui Gil", None)]
    assert list(ContactConsent.objects.order_by("at").values_list("client", "is_given")) == [
        (rui.pk, True),
        (rui.pk, False),
    ]


@pytest.mark.parametrize("state", ["done", "undoing"])
def test_the_database_forgets_no_word_that_an_undone_import_did_not_bring(bring, take, olga, now, alice, state):
    record_contact_consent(by=olga, now=now, client=alice, channel="email", is_given=True, source="on the phone")
    job = take(bring("Legal name,E-mail,May be written to by e-mail\nAna Sousa,a@example.org,yes\n"))
    Import.objects.filter(pk=job.pk).update(state=state)
    words = ContactConsent.objects.all() if state == "undoing" else ContactConsent.objects.filter(client__in=job.made)
    with pytest.raises(IntegrityError, match="only ever added"), transaction.atomic():
        words.delete()
    assert ContactConsent.objects.count() == 2


def test_undo_leaves_whoever_has_a_visit(bring, take, send, book, bea, location, service):
    job = take(bring("Legal name\nAna Sousa\nRui Gil\n"))
    ana = Client.objects.get(legal_name="Ana Sousa")
    book(at(10, day=23), client=ana)
    send(reverse("people:import-undo", args=[job.pk]))
    job.refresh_from_db()
    assert job.kept == ["Ana Sousa"]
    assert not Client.objects.filter(legal_name="Rui Gil").exists()


def test_a_file_that_is_given_up_is_gone(bring, send):
    job = bring("Legal name\nAna Sousa\n")
    send(reverse("people:import-forget", args=[job.pk]))
    assert not Import.objects.exists()
    assert not Client.objects.exists()


def test_what_was_taken_over_is_not_given_up(bring, take, send, as_olga):
    job = take(bring("Legal name\nAna Sousa\n"))
    send(reverse("people:import-forget", args=[job.pk]))
    assert Import.objects.filter(pk=job.pk, state="done").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "This file is empty"), (b"%PDF-1.4", "This is a PDF"), (b"First name,Last name\n", "no rows below it")],
)
def test_what_is_no_table_is_refused_beside_the_field(as_olga, content, sentence):
    answer = as_olga.post("/settings/import/new/clients/", {"file": SimpleUploadedFile("x.csv", content)})
    assert answer.status_code == 200
    assert sentence in answer.context["form"].errors["file"][0]
    assert not Import.objects.exists()


def test_the_list_asks_the_same_number_of_questions_however_many_there_are(bring, as_olga, django_assert_num_queries):
    for number in range(2):
        bring(f"Legal name\nAna {number}\n")
    with CaptureQueriesContext(connection) as asked:
        as_olga.get(reverse("people:import-list"))
    questions = len(asked)
    for number in range(5):
        bring(f"Legal name\nEva {number}\n")
    with django_assert_num_queries(questions):
        as_olga.get(reverse("people:import-list"))


def test_more_rows_than_a_kind_takes_at_once_are_refused_with_the_limit(as_olga):
    """As many therapists as no clinic has: the sentence says how many there may be."""
    content = "Full name,E-mail\n" + "".join(f"Person {n},p{n}@example.org\n" for n in range(501))
    answer = as_olga.post("/settings/import/new/therapists/", {"file": SimpleUploadedFile("x.csv", content.encode())})
    assert "at most 500 at once" in answer.context["form"].errors["file"][0]


def test_the_rows_are_shown_as_they_will_stand_twenty_to_a_page(bring, as_olga):
    rows = "".join(f"Sousa,Ana {number},03/14/1988,+351912345678,Rua 1,Lisboa,x\n" for number in range(25))
    job = bring(f"Last name,First name,Birthday,Phone,Address,City,Shoe size\n{rows}")
    page = as_olga.get(reverse("people:import", args=[job.pk]), {"show": "new"})
    [line, cells] = page.context["shown"].rows[0]
    assert (line.number, {str(label): text for label, text in cells}) == (
        2,
        {
            "Name": "Ana 0 Sousa", "Date of birth": "14 Mar 1988", "Phone": "+351 912 345 678",
            "Address": "Rua 1\nLisboa",
        },
    )  # fmt: skip
    assert len(page.context["shown"].rows) == 20
    text = page.content.decode()
    assert "This column is left out: Shoe size." in text
    assert "Rua 1<br>Lisboa" in text
    assert "Page 1 of 2" in text
    second = as_olga.get(reverse("people:import", args=[job.pk]), {"show": "new", "page": "2"})
    assert [line.number for line, _cells in second.context["shown"].rows] == [22, 23, 24, 25, 26]


def test_nothing_is_kept_of_a_column_that_is_left_out(bring, take):
    job = take(bring("Full name,Notes,Phone\nAna Sousa,migraine since May,12\nRui Gil,aura,\n"))
    assert "migraine" not in str(list(job.lines.values()))
    assert job.lines.count() == 1


def test_the_page_asks_the_same_number_of_questions_however_many_rows_there_are(bring, as_olga):
    asked = []
    for count in (3, 60):
        job = bring("Full name\n" + "".join(f"Ana Sousa {number}\n" for number in range(count)))
        with CaptureQueriesContext(connection) as captured:
            as_olga.get(reverse("people:import", args=[job.pk]))
        asked.append(len(captured))
    assert asked[0] == asked[1]


def doubtful(count: int) -> str:
    """Return a file of rows that look like clients who are here."""
    for number in range(count):
        ClientFactory(legal_name=f"Ana Nº{number}", email=f"ana{number}@example.org")
    return "Legal name,E-mail\n" + "".join(f"Eva Nº{number},ana{number}@example.org\n" for number in range(count))


def test_every_doubtful_row_is_decided_for_itself_and_the_choice_is_kept(bring, send, as_olga):
    job = bring(doubtful(45))
    page, decide = reverse("people:import", args=[job.pk]), reverse("people:import-decide", args=[job.pk])
    first = as_olga.get(page).content.decode()
    assert first.count('type="radio"') == 2 * 20
    assert first.count("checked") == 20
    answer = send(decide, {"row-2": "yes", "row-3": "no", "row-4": "yes", "go": "2"})
    assert answer["Location"] == f"{page}?show=doubtful&page=2"
    send(decide, {"row-22": "yes", "go": "1"})
    send(decide, {"row-4": "no", "go": "1"})
    shown = as_olga.get(page, {"show": "doubtful"}).content.decode()
    assert 'id="row-2-yes" checked' in shown
    assert 'id="row-4-no" checked' in shown
    send(reverse("people:import-take-over", args=[job.pk]), {"row-42": "yes", "show": "doubtful", "page": "3"})
    taken = Client.objects.filter(legal_name__startswith="Eva").values_list("legal_name", flat=True)
    assert set(taken) == {"Eva Nº0", "Eva Nº20", "Eva Nº40"}
    job.refresh_from_db()
    assert (job.made_count, job.left_out_count) == (3, 42)


def test_all_doubtful_rows_can_be_decided_at_once(bring, send):
    job = bring(doubtful(3))
    decide = reverse("people:import-decide", args=[job.pk])
    send(decide, {"all": "yes"})
    assert set(job.lines.values_list("is_wanted", flat=True)) == {True}
    send(decide, {"row-3": "yes", "all": "no"})
    assert set(job.lines.values_list("is_wanted", flat=True)) == {False}
    answer = send(reverse("people:import-take-over", args=[job.pk]))
    assert "There is no row to take over." in answer.content.decode()


def test_a_choice_stays_with_a_doubt_that_another_check_finds_again(bring, send):
    job = bring(doubtful(2))
    send(reverse("people:import-decide", args=[job.pk]), {"row-2": "yes", "row-3": "yes"})
    Client.objects.filter(email="ana1@example.org").update(legal_name="Somebody Renamed")
    columns = {"column_0": "legal_name", "column_1": "email", "day_first": "1", "region": "PT"}
    send(reverse("people:import-columns", args=[job.pk]), columns)
    assert list(job.lines.order_by("number").values_list("number", "is_wanted")) == [(2, True), (3, False)]


@pytest.mark.parametrize("typed", ["row-2x", "row-99999999999", "row-3", "row-", "rows-2"])
def test_what_decides_about_no_doubtful_row_is_passed_over(bring, send, typed):
    job = bring(doubtful(1))
    send(reverse("people:import-decide", args=[job.pk]), {typed: "yes", "row-2": "perhaps"})
    assert not job.lines.filter(is_wanted=True).exists()


def test_nothing_is_decided_any_more_when_it_has_been_taken_over(bring, take, send, as_olga):
    job = take(bring(doubtful(1) + "Rui Gil,\n"))
    answer = send(reverse("people:import-decide", args=[job.pk]), {"row-2": "yes"})
    assert "Somebody has gone on with this import" in as_olga.get(answer["Location"]).content.decode()
    assert not job.lines.filter(is_wanted=True).exists()


def test_what_was_left_out_is_put_right_and_brought_again(bring, take, as_olga):
    job = take(bring("Client,Phone,DOB,Shoes\n=Ana Sousa,12,1/2/1990,39\nRui Gil,,2/3/1990,40\n", region="PT"))
    page = as_olga.get(reverse("people:import", args=[job.pk])).content.decode()
    assert "1 row left out" in page
    assert reverse("people:import-left-out", args=[job.pk]) in page
    [row] = left_out(as_olga, job)
    assert row == {
        "Row": "2", "Full name": "'=Ana Sousa", "Phone": "12", "Date of birth": "1/2/1990",
        "Why it was left out": row["Why it was left out"],
    }  # fmt: skip
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row | {"Phone": "+351912345678"})
    take(bring(text.getvalue()))
    again = Client.objects.get(phone="+351912345678")
    assert (again.legal_name, again.born_on) == ("=Ana Sousa", date(1990, 2, 1))


def test_the_page_of_what_was_done_leads_to_everybody_who_was_taken_over(bring, take, as_olga):
    job = take(bring("Legal name\n" + "".join(f"Ana Sousa {number}\n" for number in range(23))))
    page = as_olga.get(reverse("people:import", args=[job.pk]))
    assert "23 clients taken over" in page.content.decode()
    first = Client.objects.get(legal_name="Ana Sousa 0")
    assert f'<a href="{reverse("desk:client", args=[first.pk])}">Ana Sousa 0</a>' in page.content.decode()
    assert [name for name, _address in page.context["listed"]] == [f"Ana Sousa {number}" for number in range(20)]


@pytest.mark.parametrize(
    ("told", "channels"),
    [
        ("SMS", {"text"}), ("Email", {"email"}), ("SMS & Email", {"email", "text"}),
        ("sms and e-mail", {"email", "text"}),
        ("Both", {"email", "text"}), ("Text message", {"text"}), ("None", set()), ("", set()), ("Phone call", set()),
        ("No email", set()), ("Default", set()),
    ],
)  # fmt: skip
def test_reminders_elsewhere_are_a_consent_only_where_they_name_a_channel(bring, take, told, channels):
    take(bring(f"First name,Last name,Reminder Type\nAna,Sousa,{told}\n"))
    said = ContactConsent.objects.values_list("channel", "is_given", "source")
    assert set(said) == {(channel, True, "import of people.csv") for channel in channels}


def test_what_a_column_asks_counts_before_the_reminders(bring, take):
    header = "Full name,Reminder Type,May be written to by e-mail\n"
    take(bring(header + "Ana Sousa,SMS & Email,no\n"))
    assert set(ContactConsent.objects.values_list("channel", "is_given")) == {("text", True), ("email", False)}


def test_nearly_the_same_name_born_on_the_same_day_is_doubted_as_in_the_form(bring):
    ClientFactory(legal_name="Maria Gonçalves Reis", email="", phone="", born_on=date(1990, 5, 6), archived_at=BEFORE)
    told = ["Maria Goncalvez Reis", "Reis Maria", "Maria Reis Goncalves", "Mario Reis Silva", "Gonçalves"]
    job = bring("Legal name,Date of birth\n" + "".join(f"{name},1990-05-06\n" for name in told))
    assert [number for number, _words in doubts(job)] == [2, 3, 4]
    assert doubts(job)[0][1] == "Maria Gonçalves Reis is archived here: nearly the same name, same date of birth."
    for number, name in enumerate(told, 2):
        assert bool(likenesses([Given(legal_name=name, born_on=date(1990, 5, 6))])) == (number in {2, 3, 4})


@given(
    st.lists(st.sampled_from(["ana", "anna", "ane", "reis", "rei", "gil"]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(["ana", "anna", "ane", "reis", "rei", "gil"]), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_that_share_a_key_are_those_that_are_near(db, one, other):
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_names_are_near(%s, %s)", [sorted(one), sorted(other)])
        is_near = cursor.fetchone() == (True,)
    with transaction.atomic():
        client = ClientFactory(legal_name=" ".join(one), email="", phone="", born_on=date(1990, 5, 6))
        found = likenesses([Given(legal_name=" ".join(other), born_on=date(1990, 5, 6))])
        transaction.set_rollback(True)
    assert [likeness.client_pk for likeness in found] == [client.pk] * is_near


def test_a_day_of_birth_that_half_of_a_list_has_holds_nobody_up(db):
    """Other programs write 1 January 1900 where none is known: then every row has the day of every client."""
    names = [
        f"{first}{number} {last}"
        for number in range(40)
        for first in ("ana", "rui", "eva", "ivo")
        for last in "abcdefghij"
    ]
    Client.objects.bulk_create(Client(legal_name=name, born_on=date(1900, 1, 1), created_at=BEFORE) for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")
    found = likenesses([Given(legal_name=f"x{name}", born_on=date(1900, 1, 1)) for name in names])
    assert {likeness.place for likeness in found} == set(range(len(names)))
