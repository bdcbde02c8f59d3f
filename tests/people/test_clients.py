"""Finding, adding and changing clients through the pages."""

import re
from datetime import date
from html import unescape

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.duplicates import Twin
from clinic.people.forms.fields import DayField
from clinic.people.models import Client, ClientAccess, Clinic, ContactConsent, User
from clinic.people.services import (
    give_client_login,
    has_contact_consent,
    record_contact_consent,
    update_client,
)
from tests.factories import ClientFactory

LIST, NEW = "/clients/", "/clients/new/"


@pytest.fixture
def typed() -> dict[str, str]:
    return {
        "legal_name": "Ana Reis",
        "preferred_name": "Nina",
        "pronouns": "she/her",
        "born_on": "1990-05-06",
        "email": "ana@example.org",
        "phone": "+351 912 345 678",
        "alert": "Rings twice.",
        "source": "on the phone",
    }


def found(browser: Browser, words: str) -> list[str]:
    """Return whom the list shows for these words; where that is one, it opens at once."""
    page = browser.get(LIST, {"q": words}, follow=True)
    return (
        [client.legal_name for client in page.context.get("page")]
        if "words" in page.context
        else [page.context["client"].legal_name]
    )


def edit_url(client: Client) -> str:
    return reverse("people:client-edit", args=[client.pk])


def opened(browser: Browser, client: Client) -> dict[str, list[str]]:
    """Open the form about a client and return what it remembers of that moment."""
    return hidden(browser.get(edit_url(client)))


def hidden(page: HttpResponse) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="(initial-\w+)"(?: value="([^"]*)")?', page.content.decode()
    ):
        found.setdefault(name, []).append(unescape(value))
    assert found
    return found


@pytest.mark.parametrize(
    "words", ["jose", "JOSÉ", "conceicao", "jose conc", "Zé", "ze", "345 678", "5678", "JOSE@EXAMPLE"]
)
def test_it_finds_a_client_by_any_part_of_what_is_known(as_dana, words):
    ClientFactory(legal_name="José da Conceição", preferred_name="Zé", email="jose@example.org", phone="+351912345678")
    ClientFactory(legal_name="Maria Horta", email="maria@example.org", phone="+351960000000")
    assert found(as_dana, words) == ["José da Conceição"]


def test_a_search_with_a_nul_byte_finds_by_the_rest(as_dana):
    ClientFactory(legal_name="Maria Horta")
    assert found(as_dana, "hor\0ta") == ["Maria Horta"]
    assert found(as_dana, "\0horta") == ["Maria Horta"]


def test_signs_that_mean_nothing_open_nobody(as_dana):
    maria = ClientFactory(legal_name="Maria Horta")
    assert list(as_dana.get(LIST, {"q": "--"}).context["page"]) == [maria]
    assert as_dana.get(LIST, {"q": "maria"}).status_code == 302


def test_two_digits_do_not_search_phone_numbers(as_dana):
    ClientFactory(phone="+351912345678")
    assert not as_dana.get(LIST, {"q": "12"}).context["page"].object_list


def test_without_words_the_newest_clients_come_first(as_dana, now):
    old = ClientFactory(legal_name="Aaron Old")
    new = ClientFactory(legal_name="Zoe New", created_at=now)
    assert list(as_dana.get(LIST).context["page"]) == [new, old]


def test_archived_clients_are_not_listed(as_dana, now):
    ClientFactory(archived_at=now)
    assert "No clients yet" in as_dana.get(LIST).content.decode()


def test_a_search_without_result_offers_to_add_that_name(as_dana):
    page = as_dana.get(LIST, {"q": "Ana Reis"}).content.decode()
    assert "Nobody found" in page
    assert "/clients/new/?legal_name=Ana+Reis" in page
    assert 'value="Ana Reis"' in as_dana.get(NEW, {"legal_name": "Ana Reis"}).content.decode()


def test_the_list_says_who_answers_for_a_child_and_at_which_number(as_dana):
    ClientFactory(guardian_name="Teresa Reis", guardian_phone="+351912345678", email="")
    ClientFactory(phone="+351912345679", email="")
    page = as_dana.get(LIST).content.decode()
    assert "guardian Teresa Reis" in page
    assert "+351 912 345 678" in page
    assert "+351 912 345 679" in page


def test_the_list_costs_the_same_for_one_client_and_for_a_page_of_them(as_dana, django_assert_max_num_queries, bea):
    ClientFactory(primary_therapist=bea)
    as_dana.get(LIST)
    with django_assert_max_num_queries(30) as one:
        as_dana.get(LIST)
    ClientFactory.create_batch(40, primary_therapist=bea)
    with django_assert_max_num_queries(len(one.captured_queries)):
        page = as_dana.get(LIST)
    assert len(page.context["page"]) == 25
    assert "Page 1 of 2" in page.content.decode()


def test_a_pager_keeps_the_words_of_the_search(as_dana):
    ClientFactory.create_batch(30)
    assert "q=client&amp;page=2" in as_dana.get(LIST, {"q": "client"}).content.decode()


def test_what_a_client_is_called_cannot_carry_markup(as_dana):
    ClientFactory(legal_name="<script>alert(1)</script>")
    assert "<script>alert" not in as_dana.get(LIST).content.decode()


def test_the_desk_adds_a_client(as_dana, dana, typed, bea):
    answer = as_dana.post(NEW, typed | {"by_email": "on", "primary_therapist": bea.pk})
    client = Client.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("desk:client", args=[client.pk])
    assert (client.name, client.born_on, str(client.phone), client.primary_therapist, client.created_by) == (
        "Nina Reis",
        date(1990, 5, 6),
        "+351912345678",
        bea,
        dana,
    )
    consent = ContactConsent.objects.get()
    assert (consent.channel, consent.is_given, consent.by, consent.source) == ("email", True, dana, "on the phone")
    assert not ClientAccess.objects.exists()


def test_what_was_typed_stays_when_something_is_wrong(as_dana, typed):
    page = as_dana.post(NEW, typed | {"phone": "12", "legal_name": ""})
    text = page.content.decode()
    assert page.status_code == 200
    assert "2 things to put right" in text
    for kept in ("Nina", "1990-05-06", "ana@example.org", "Rings twice."):
        assert f'value="{kept}"' in text
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        ({"by_email": "on"}, "email"),
        ({"new_login": "self"}, "email"),
        ({"new_login": "guardian"}, "guardian_email"),
        ({"by_text": "on"}, "phone"),
    ],
)
def test_a_channel_needs_its_address(as_dana, typed, more, lacking):
    page = as_dana.post(NEW, typed | more | {lacking: ""})
    assert lacking in page.context["form"].errors
    assert not Client.objects.exists()


ANA = {"legal_name": "Ana Reis", "born_on": date(1990, 5, 6)}


@pytest.mark.parametrize(
    ("same", "words"),
    [
        ({"email": "ana@example.org"}, ("same e-mail",)),
        ({"phone": "+351912345678"}, ("same phone",)),
        ({"other_phone": "+351912345678"}, ("same phone",)),
        ({"phone": "+351912345678", "email": "ANA@example.org"}, ("same phone", "same e-mail")),
        (ANA | {"legal_name": "ANA REIS"}, ("same name", "same date of birth")),
        (ANA | {"phone": "+351912345678"}, ("same name", "same date of birth", "same phone")),
        (ANA | {"legal_name": "Réis,  ANA"}, ("same name", "same date of birth")),
        ({"legal_name": "Réis,  ANA"}, ("same name",)),
        (ANA | {"legal_name": "Anna Reis"}, ("nearly the same name", "same date of birth")),
        (ANA | {"legal_name": "Ana Resi"}, ("nearly the same name", "same date of birth")),
        (ANA | {"legal_name": "Ana Maria Reis"}, ("nearly the same name", "same date of birth")),
        (
            {"legal_name": "ana reis", "born_on": date(1990, 5, 7), "phone": "+351912345678"},
            ("same name", "same phone"),
        ),
    ],
)
def test_it_asks_before_it_adds_somebody_twice_and_says_what_is_the_same(as_dana, typed, same, words):
    twin = ClientFactory(**{"legal_name": "Somebody", "email": "", "phone": "", "born_on": None} | same)
    page = as_dana.post(NEW, typed)
    assert page.context["twins"] == [Twin(twin, words)]
    text = page.content.decode()
    assert reverse("desk:client", args=[twin.pk]) in text
    assert all(f">{word}</span>" in text for word in words)
    assert Client.objects.count() == 1
    as_dana.post(NEW, typed | {"somebody_else": f"{twin.pk} "})
    assert Client.objects.count() == 2


@pytest.mark.parametrize("written", ["Alice  MOREAU", "Moreau, Alice", "alice moréau"])
def test_somebody_whose_birthday_was_not_asked_is_known_by_the_name(as_dana, written):
    alice = ClientFactory(legal_name="Alice Moreau", email="", born_on=date(1990, 5, 6))
    assert as_dana.post(NEW, {"legal_name": written}).context["twins"] == [Twin(alice, ("same name",))]


@pytest.mark.parametrize(
    "other",
    [
        ANA | {"born_on": date(1990, 5, 7)},
        ANA | {"legal_name": "Anna Reiss"},
        {"legal_name": "Anna Reis"},
        ANA | {"legal_name": "Rui Melo"},
    ],
)
def test_a_namesake_and_who_was_born_on_the_same_day_are_no_twins(as_dana, typed, other):
    ClientFactory(**{"email": "", "born_on": None} | other)
    assert as_dana.post(NEW, typed).status_code == 302


def test_it_tells_a_namesake_by_phone_and_e_mail(as_dana):
    ClientFactory(legal_name="Ana Reis", phone="+351912345678", email="ana@example.org")
    warning = as_dana.post(NEW, {"legal_name": "Ana Reis"}).content.decode()
    assert "+351 912 345 678" in warning
    assert "ana@example.org" in warning


def test_while_it_asks_it_offers_only_to_say_who_it_is(as_dana, typed):
    ana = ClientFactory(email="", **ANA)
    text = as_dana.post(NEW, typed).content.decode()
    assert "It is Ana: add what is new" in text
    assert "Somebody else: add" in text
    assert ">Save<" not in text
    assert f'name="somebody_else" value="{ana.pk} "' in text


def test_who_was_said_to_be_somebody_else_is_not_asked_about_again_but_others_are(as_dana, typed):
    sister = ClientFactory(legal_name="Rosa Reis", email="ana@example.org", born_on=None)
    ana = ClientFactory(email="", **ANA)
    again = as_dana.post(NEW, typed | {"somebody_else": f"{sister.pk} "})
    assert [twin.client for twin in again.context["twins"]] == [ana]


def test_an_archived_record_is_noticed_and_can_be_brought_back_from_there(as_dana, typed, now):
    ana = ClientFactory(email="", archived_at=now, **ANA)
    text = as_dana.post(NEW, typed).content.decode()
    assert "archived on 19 Nov 2026" in text
    assert "It is Ana: bring the record back" in text
    bring_back = reverse("people:client-bring-back", args=[ana.pk])
    assert f'formaction="{bring_back}"' in text
    page = as_dana.post(bring_back, typed | {"brought": "1"}, follow=True)
    assert Client.objects.active().get() == ana
    assert page.context["form"]["alert"].value() == "Rings twice."


def test_what_was_typed_of_somebody_who_is_here_already_comes_along_to_her_record(as_dana, typed):
    ana = ClientFactory(legal_name="Ana Maria Reis", born_on=date(1990, 5, 6), email="", phone="+351960000000")
    text = as_dana.post(NEW, typed | {"by_text": "on", "language": "en"}).content.decode()
    assert f'name="brought" value="1" formaction="{edit_url(ana)}"' in text
    page = as_dana.post(edit_url(ana), typed | {"by_text": "on", "brought": "1", "next": "/calendar/?day=1"})
    form = page.context["form"]
    values = [form[name].value() for name in ("legal_name", "phone", "email", "preferred_name", "alert", "by_text")]
    assert values == ["Ana Maria Reis", "+351 960 000 000", "ana@example.org", "Nina", "Rings twice.", True]
    helps = {name: form[name].help_text for name in form.fields if "You typed" in form[name].help_text}
    assert helps == {
        "legal_name": "You typed “Ana Reis”; this is kept.",
        "phone": "You typed “+351 912 345 678”; this is kept.",
    }
    assert "Nothing is saved yet" in page.content.decode()
    ana.refresh_from_db()
    assert ana.email == ""
    shown = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    saved = as_dana.post(edit_url(ana), hidden(page) | shown | {"next": "/calendar/?day=1"})
    assert saved["Location"] == f"/calendar/?day=1&client={ana.pk}"
    ana.refresh_from_db()
    assert (ana.legal_name, ana.email, ana.alert) == ("Ana Maria Reis", "ana@example.org", "Rings twice.")
    assert has_contact_consent(ana, "text")


def test_what_was_typed_and_not_kept_is_shown_as_it_was_typed(as_dana, typed, alice):
    sent = typed | {"legal_name": "<b>Ana</b> & co", "brought": "1"}
    page = as_dana.post(edit_url(alice), sent).content.decode()
    assert "You typed “&lt;b&gt;Ana&lt;/b&gt; &amp; co”; this is kept." in page
    assert "<b>Ana</b>" not in page


def test_what_was_typed_into_a_record_is_saved_before_it_is_compared_with_another(as_dana, typed, alice):
    ana = ClientFactory(email="ana@example.org", born_on=None)
    change = opened(as_dana, alice) | {
        "legal_name": alice.legal_name,
        "email": "ana@example.org",
        "source": "in person",
    }
    text = as_dana.post(edit_url(alice), change).content.decode()
    assert f'name="compare" value="{ana.pk}"' in text
    saved = as_dana.post(edit_url(alice), change | {"compare": str(ana.pk)})
    assert saved["Location"] == f"/clients/{alice.pk}/merge/?with={ana.pk}"
    alice.refresh_from_db()
    assert alice.email == "ana@example.org"


def test_a_merged_record_speaks_for_the_one_that_was_kept(as_dana, typed, now):
    kept = ClientFactory(legal_name="Ana Melo", email="melo@example.org")
    ClientFactory(legal_name="A. R.", email="ana@example.org", archived_at=now, merged_into=kept)
    assert as_dana.post(NEW, typed).context["twins"] == [Twin(kept, ("same e-mail",))]


def test_a_second_phone_is_compared_as_well(as_dana, typed):
    mother = ClientFactory(legal_name="Rosa Reis", email="", phone="+351912345678")
    page = as_dana.post(NEW, typed | {"phone": "", "other_phone": "+351 912345678", "email": ""})
    assert page.context["twins"] == [Twin(mother, ("same phone",))]


def test_of_a_family_that_shares_an_address_she_who_has_the_name_stands_first(as_dana, typed):
    ClientFactory.create_batch(5, email="ana@example.org")
    herself = ClientFactory(legal_name="Ana Réis", email="", born_on=date(1990, 5, 6))
    twins = as_dana.post(NEW, typed).context["twins"]
    assert twins[0] == Twin(herself, ("same name", "same date of birth"))
    assert [twin.same for twin in twins[1:]] == [("same e-mail",)] * 3


def test_asking_about_twins_costs_the_same_for_one_and_for_many(as_dana, typed, django_assert_num_queries, bea):
    ClientFactory(email="ana@example.org", primary_therapist=bea)
    as_dana.post(NEW, typed)
    with CaptureQueriesContext(connection) as one:
        as_dana.post(NEW, typed)
    ClientFactory.create_batch(30, email="ana@example.org", primary_therapist=bea)
    with django_assert_num_queries(len(one)):
        as_dana.post(NEW, typed)


def test_editing_does_not_ask_again_about_a_twin_that_was_accepted(as_dana, typed):
    twin = ClientFactory(email="ana@example.org")
    as_dana.post(NEW, typed | {"somebody_else": f"{twin.pk} "})
    ana = Client.objects.get(legal_name="Ana Reis")
    assert as_dana.post(edit_url(ana), opened(as_dana, ana) | typed | {"alert": "Rings once."}).status_code == 302
    ana.refresh_from_db()
    assert ana.alert == "Rings once."


def test_it_shows_and_records_only_consents_that_change(as_dana, dana, typed, alice, now):
    record_contact_consent(by=dana, now=now, client=alice, channel="email", is_given=True, source="in person")
    assert as_dana.get(edit_url(alice)).context["form"]["by_email"].initial is True
    kept = {"logins": alice.accesses.get().pk, "email": alice.email}
    as_dana.post(edit_url(alice), opened(as_dana, alice) | typed | kept | {"by_email": "on"})
    assert alice.contact_consents.count() == 1
    as_dana.post(edit_url(alice), opened(as_dana, alice) | typed | kept)
    assert not has_contact_consent(alice, "email")
    assert alice.contact_consents.count() == 2


def test_a_sign_in_is_given_with_the_tick(as_dana, typed):
    as_dana.post(NEW, typed | {"new_login": "self"})
    access = ClientAccess.objects.get()
    assert (access.user.email, access.client.legal_name, access.relation) == ("ana@example.org", "Ana Reis", "self")


def test_a_sign_in_that_is_refused_leaves_nothing_half_saved(as_dana, typed, dana):
    page = as_dana.post(NEW, typed | {"new_login": "self", "email": dana.email})
    assert "member of staff" in page.content.decode()
    assert not Client.objects.exists()


def test_unticking_a_sign_in_takes_it_away(as_dana, as_alice, typed, alice, alice_user):
    assert Client.objects.visible_to(alice_user).exists()
    as_dana.post(edit_url(alice), opened(as_dana, alice) | typed)
    assert not Client.objects.visible_to(alice_user).exists()
    assert User.objects.filter(pk=alice_user.pk).exists()


def test_no_tick_can_take_away_the_sign_in_of_another_client(as_dana, typed, alice, carl):
    carls = carl.client_accesses.get().pk
    as_dana.post(edit_url(alice), typed | {"logins": [carls]})
    as_dana.post(edit_url(alice), typed | {"initial-form": "1", "initial-logins": [carls]})
    assert carl.client_accesses.exists()
    assert alice.accesses.exists()


def test_the_desks_form_asks_nothing_about_health(as_dana, alice):
    fields = set(as_dana.get(edit_url(alice)).context["form"].fields)
    assert fields == {
        *("legal_name", "preferred_name", "pronouns", "born_on", "email", "phone", "other_phone", "address"),
        *("emergency_name", "emergency_relation", "emergency_phone", "physician_name", "physician_contact"),
        *("guardian_name", "guardian_relation", "guardian_phone", "guardian_email"),
        *("light", "sound", "scent", "temperature", "talk", "table_angle"),
        *("primary_therapist", "alert", "by_email", "by_text", "source", "logins", "new_login", "email_login"),
    }


WHOLE = {
    "other_phone": "+351 210 000 010",
    "address": "Rua do Cais 12\r\n1200 Lisboa",
    "emergency_name": "Rui Reis",
    "emergency_relation": "husband",
    "emergency_phone": "+351 960 000 000",
    "physician_name": "Dr. Lopes",
    "physician_contact": "Practice at the harbour",
    "light": "dim",
    "sound": "silence",
    "scent": "none",
    "temperature": "warm",
    "talk": "little",
    "table_angle": "raised",
}


def test_the_whole_record_is_kept(as_dana, typed):
    assert as_dana.post(NEW, typed | WHOLE).status_code == 302
    client = Client.objects.get()
    kept = {name: str(getattr(client, name)) for name in WHOLE}
    assert kept == WHOLE | {
        "other_phone": "+351210000010",
        "emergency_phone": "+351960000000",
        "address": "Rua do Cais 12\n1200 Lisboa",
    }
    assert client.room_wishes == (
        "Light in the room: Dim",
        "Sound: Silence",
        "Scent: None",
        "Temperature: Warm",
        "Talk: As little as possible",
        "On the table: Head raised",
    )


def test_a_form_sent_as_it_was_opened_changes_nothing(as_dana, typed):
    as_dana.post(NEW, typed | WHOLE)
    client = Client.objects.get()
    form = as_dana.get(edit_url(client)).context["form"]
    shown = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert as_dana.post(edit_url(client), opened(as_dana, client) | shown).status_code == 302
    assert Client.pgh_event_model.objects.filter(pgh_obj=client.pk, pgh_label="update").count() == 0


def folds(page: HttpResponse) -> dict[str, bool]:
    """Return the folded parts of the form, and which of them are open."""
    found = re.findall(r'<details class="form-fold"( open)?>\s*<summary>([^<]+)</summary>', page.content.decode())
    return {title: bool(is_open) for is_open, title in found}


def test_what_holds_nothing_is_folded_away(as_dana, typed):
    assert set(folds(as_dana.get(NEW)).values()) == {False}
    as_dana.post(NEW, typed | {"preferred_name": "", "pronouns": "", "alert": "", "light": "dim"})
    opened_folds = {title for title, is_open in folds(as_dana.get(edit_url(Client.objects.get()))).items() if is_open}
    assert opened_folds == {"Wishes for the room"}


def test_a_fold_opens_when_something_in_it_is_to_be_put_right(as_dana, typed):
    page = as_dana.post(NEW, typed | {"preferred_name": "", "pronouns": "", "alert": "", "emergency_phone": "12"})
    assert {title for title, is_open in folds(page).items() if is_open} == {"Emergency contact"}
    assert "This is no phone number." in page.content.decode()


def test_a_client_under_18_is_saved_with_her_guardian_only(as_dana, typed, now):
    child = typed | {"born_on": "2010-05-06"}
    page = as_dana.post(NEW, child)
    assert {"guardian_name", "guardian_phone"} <= set(page.context["form"].errors)
    assert folds(page)["Parent or guardian"]
    assert not Client.objects.exists()
    assert (
        as_dana.post(NEW, child | {"guardian_name": "Rosa Reis", "guardian_email": "Rosa@Example.org"}).status_code
        == 302
    )
    assert Client.objects.get().guardian_email == "rosa@example.org"


def test_the_guardian_gets_a_sign_in_of_her_own(as_dana, typed, now):
    guardian = {"guardian_name": "Rosa Reis", "guardian_email": "rosa@example.org", "new_login": "guardian"}
    as_dana.post(NEW, typed | guardian | {"born_on": "2010-05-06"})
    access = ClientAccess.objects.get()
    assert (access.user.email, access.user.name, access.relation) == ("rosa@example.org", "Rosa Reis", "guardian")


@pytest.mark.parametrize(
    "name",
    ["Björk", "王小明", "Мария Иванова-Петрова", "O’Sullivan", "D'Arcy", "Nguyễn Thị Hạnh", "محمد", "X Æ A-12", "Ng"],
)
def test_names_in_any_script_and_of_one_word_are_kept_as_typed(as_dana, name):
    as_dana.post(NEW, {"legal_name": name})
    client = Client.objects.get()
    assert (client.legal_name, client.name) == (name, name)
    assert escape(name) in as_dana.get(reverse("desk:client", args=[client.pk])).content.decode()


@pytest.mark.parametrize("field", ["legal_name", "alert", "address", "emergency_name"])
@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b"])
def test_a_control_character_is_refused_with_a_sentence(as_dana, typed, field, character):
    page = as_dana.post(NEW, typed | {field: f"Ana{character} Reis"})
    assert page.status_code == 200
    assert len(page.context["form"].errors[field]) == 1
    assert page.context["form"].errors[field][0].endswith(".")
    assert not Client.objects.exists()


def test_a_client_born_on_29_february_is_kept(as_dana):
    as_dana.post(NEW, {"legal_name": "Ana", "born_on": "1988-02-29"})
    assert Client.objects.get().born_on == date(1988, 2, 29)


def test_29_february_of_a_common_year_is_refused(as_dana):
    page = as_dana.post(NEW, {"legal_name": "Ana", "born_on": "1987-02-29"})
    assert "born_on" in page.context["form"].errors
    assert not Client.objects.exists()


@pytest.mark.parametrize("url", [LIST, NEW])
def test_a_clients_login_finds_no_staff_pages(as_alice, alice, url):
    assert as_alice.get(url).status_code == 404
    assert as_alice.get(edit_url(alice)).status_code == 404


def test_a_name_is_enough(as_dana):
    assert as_dana.post(NEW, {"legal_name": "Ana Reis"}).status_code == 302
    client = Client.objects.get()
    assert (client.email, client.phone, client.born_on, client.primary_therapist) == ("", "", None, None)
    assert not client.contact_consents.exists()


def test_a_phone_number_may_be_taken_away(as_dana, typed, dana):
    client = ClientFactory(legal_name="Ana Reis", phone="+351912345678")
    as_dana.post(edit_url(client), opened(as_dana, client) | typed | {"phone": ""})
    client.refresh_from_db()
    assert client.phone == ""


def test_a_form_opened_long_ago_undoes_nothing_that_a_colleague_changed(as_dana, dana, alice, bea, now):
    began = opened(as_dana, alice)
    still = {
        "legal_name": alice.legal_name,
        "email": alice.email,
        "born_on": alice.born_on,
        "primary_therapist": bea.pk,
    }
    update_client(by=dana, now=now, client=alice, phone="+351912345678", email="new@example.org")
    record_contact_consent(by=dana, now=now, client=alice, channel="email", is_given=True, source="in person")
    given = give_client_login(by=dana, now=now, client=alice, email="mother@example.org")
    first = ClientAccess.objects.filter(client=alice).exclude(user=given).get()
    said = began | still | {"logins": first.pk, "alert": "Rings twice."}
    assert as_dana.post(edit_url(alice), said).status_code == 302
    alice.refresh_from_db()
    assert (alice.phone, alice.email, alice.alert) == ("+351912345678", "new@example.org", "Rings twice.")
    assert has_contact_consent(alice, "email")
    assert alice.accesses.filter(user=given).exists()


def test_of_two_who_change_the_same_the_later_is_told_who_was_faster_and_decides(as_dana, as_olga, olga, alice, now):
    began = opened(as_dana, alice)
    mine = {"legal_name": alice.legal_name, "email": alice.email, "phone": "+351 911 111 111", "alert": "Rings once."}
    update_client(by=olga, now=now, client=alice, phone="+351912345678")
    page = as_dana.post(edit_url(alice), began | mine)
    [told] = page.context["form"].errors["phone"]
    assert told == (
        "Olga Novak changed this on Thu 19 Nov 2026, 09:00, after you opened it: now it is “+351 912 345 678”. "
        "Save again for yours."
    )
    assert list(page.context["form"].errors) == ["phone"]
    assert page.context["form"]["phone"].value() == "+351 911 111 111"
    alice.refresh_from_db()
    assert (alice.phone, alice.alert) == ("+351912345678", "")
    assert as_dana.post(edit_url(alice), hidden(page) | mine).status_code == 302
    alice.refresh_from_db()
    assert (alice.phone, alice.alert) == ("+351911111111", "Rings once.")


def test_a_sign_in_that_a_colleague_moved_meanwhile_stays_though_the_form_is_saved_twice(as_dana, typed, alice):
    ticked = {"legal_name": alice.legal_name, "logins": alice.accesses.get().pk, "email_login": "move"}
    first, second = opened(as_dana, alice), opened(as_dana, alice)
    as_dana.post(edit_url(alice), first | ticked | {"email": "new@example.org"})
    mine = ticked | {"email": "mine@example.org"}
    page = as_dana.post(edit_url(alice), second | mine)
    form = page.context["form"]
    assert (list(form.errors), form["logins"].value()) == (["email"], [str(alice.accesses.get().pk)])
    as_dana.post(edit_url(alice), hidden(page) | mine | {"logins": form["logins"].value()})
    assert [access.user.email for access in alice.accesses.all()] == ["mine@example.org"]


def test_two_who_type_the_same_are_in_nobodys_way(as_dana, dana, alice, now):
    began = opened(as_dana, alice)
    update_client(by=dana, now=now, client=alice, phone="+351912345678", address="Rua 1\nLisboa")
    mine = {
        "phone": "+351 912345678",
        "address": "Rua 1\r\nLisboa",
        "legal_name": alice.legal_name,
        "email": alice.email,
    }
    assert as_dana.post(edit_url(alice), began | mine).status_code == 302


def test_lines_that_nobody_changed_are_no_change_of_a_colleague(as_dana, dana, alice, now):
    update_client(by=dana, now=now, client=alice, address="Rua 1\nLisboa")
    began = {name: [value.replace("\n", "\r\n") for value in values] for name, values in opened(as_dana, alice).items()}
    mine = {"address": "Rua 2\r\nLisboa", "legal_name": alice.legal_name, "email": alice.email}
    assert as_dana.post(edit_url(alice), began | mine).status_code == 302
    alice.refresh_from_db()
    assert alice.address == "Rua 2\nLisboa"


def test_a_form_with_an_error_keeps_what_it_was_opened_with(as_dana, dana, alice, now):
    began = opened(as_dana, alice)
    update_client(by=dana, now=now, client=alice, phone="+351912345678")
    page = as_dana.post(edit_url(alice), began | {"legal_name": "", "email": alice.email})
    assert "legal_name" in page.context["form"].errors
    assert hidden(page) == began


def test_a_consent_needs_to_be_said_somehow(as_dana, typed):
    page = as_dana.post(NEW, typed | {"by_email": "on", "source": ""})
    assert "source" in page.context["form"].errors
    assert not Client.objects.exists()


# ---- what the desk is told while it types -------------------------------------------------------------------------


def test_one_who_fits_is_opened_at_once(as_dana):
    ana = ClientFactory(legal_name="Ana Reis")
    ClientFactory(legal_name="Rui Melo")
    assert as_dana.get(LIST, {"q": "reis"})["Location"] == reverse("desk:client", args=[ana.pk])
    assert as_dana.get(LIST, {"q": ""}).status_code == 200


@pytest.mark.parametrize("words", ["teresa", "baptista teresa", "912 340 011", "teresa@example"])
def test_whoever_calls_for_a_child_is_found_by_her_own_name_and_number(as_dana, words):
    ClientFactory(
        legal_name="Leonor Vaz",
        guardian_name="Teresa Baptista",
        guardian_phone="+351912340011",
        guardian_email="teresa@example.org",
    )
    ClientFactory(legal_name="Rui Melo")
    assert found(as_dana, words) == ["Leonor Vaz"]
    told = as_dana.get("/clients/search/", {"q": words}).content.decode()
    assert "guardian Teresa Baptista" in told
    assert "+351 912 340 011" in told


def test_whose_name_was_typed_stands_above_whose_guardians_it_is(as_dana):
    ClientFactory(legal_name="Anna Vaz", guardian_name="Teresa Reis")
    ClientFactory(legal_name="Teresa Reis")
    assert found(as_dana, "teresa reis") == ["Teresa Reis", "Anna Vaz"]


def test_the_other_number_of_a_merged_record_still_finds_the_person(as_dana, now):
    kept = ClientFactory(legal_name="Ana Reis")
    ClientFactory(legal_name="A. R.", phone="+351912345678", archived_at=now, merged_into=kept)
    ClientFactory(legal_name="Rui Melo")
    assert found(as_dana, "912 345 678") == ["Ana Reis"]


@pytest.mark.parametrize(
    ("typed_in", "field"), [("912 345 678", "phone"), ("ana@example.org", "email"), ("Ana Reis", "legal_name")]
)
def test_what_was_looked_for_in_vain_stands_in_its_field(as_dana, typed_in, field):
    listed = as_dana.get(LIST, {"q": typed_in}).content.decode()
    assert "Nobody found" in listed
    address = re.search(r"/clients/new/\?[^\"]*", listed)[0]
    form = as_dana.get(unescape(address)).context["form"]
    assert form[field].value() == typed_in
    focused = [name for name in form.fields if form.fields[name].widget.attrs.get("autofocus")]
    assert focused == ["born_on" if field == "legal_name" else "legal_name"]


def test_a_name_that_came_from_the_search_is_compared_as_well(as_dana, typed):
    ana = ClientFactory(email="", **ANA)
    assert [twin.client for twin in as_dana.post(f"{NEW}?legal_name=Ana+Reis", typed).context["twins"]] == [ana]


@pytest.mark.parametrize("day", ["4.3.2011", "04/03/2011", "4 mar 2011", "2011-03-04", "4 March 2011", "04032011"])
def test_a_birthday_is_read_day_first_as_people_write_it(day):
    assert DayField().clean(day) == date(2011, 3, 4)


@given(
    st.dates(date(1900, 1, 1), date(2026, 11, 1)),
    st.sampled_from(["%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%d%m%Y", "%Y%m%d"]),
)
def test_every_day_is_read_as_it_was_written_and_as_it_is_shown(day, written):
    field = DayField()
    assert field.clean(day.strftime(written)) == day
    assert field.clean(field.prepare_value(day)) == day


def test_a_birthday_is_told_with_the_age_as_it_was_read(as_dana, typed, now):
    page = as_dana.post(NEW, typed | {"born_on": "4.3.1991", "phone": "12"})
    assert "4 March 1991, 35 years" in page.content.decode()


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("1.1.1890", "1 January 1890 lies outside the years 1900 to 2199; is the year right?"),
        ("1.1.2030", "This date of birth lies in the future."),
    ],
)
def test_an_impossible_birthday_is_told_beside_its_field(as_dana, typed, born, words, now):
    errors = as_dana.post(NEW, typed | {"born_on": born}).context["form"].errors
    assert errors["born_on"] == [words]
    assert list(errors) == (["born_on"] if "1890" in born else list(errors))


def test_everything_that_is_wrong_is_told_at_once(as_dana, now):
    wrong = {"legal_name": "12 34", "born_on": "1.2.2015", "phone": "12", "alert": "\x07", "emergency_name": "Rui"}
    errors = as_dana.post(NEW, wrong).context["form"].errors
    assert set(errors) == {"legal_name", "phone", "alert", "emergency_phone", "guardian_name", "guardian_phone"}


@pytest.mark.parametrize(
    ("told", "lacking"),
    [({"emergency_name": "Rui"}, "emergency_phone"), ({"emergency_phone": "+351912345678"}, "emergency_name")],
)
def test_an_emergency_contact_has_a_name_and_a_number(as_dana, typed, told, lacking):
    assert list(as_dana.post(NEW, typed | told).context["form"].errors) == [lacking]


@pytest.mark.parametrize(
    ("fate", "signing_in"), [("move", ["new@example.org"]), ("take", []), ("leave", ["alice@example.org"])]
)
def test_when_an_address_that_signs_in_is_changed_the_desk_says_what_becomes_of_that(as_dana, alice, fate, signing_in):
    page = as_dana.get(edit_url(alice))
    assert "alice@example.org signs in." in page.content.decode()
    kept = {"legal_name": alice.legal_name, "logins": alice.accesses.get().pk, "email_login": fate}
    as_dana.post(edit_url(alice), hidden(page) | kept | {"email": "new@example.org"})
    assert [access.user.email for access in alice.accesses.all()] == signing_in
    record = as_dana.get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert ("Signs in" in record) is bool(signing_in)


def test_a_sign_in_cannot_move_to_no_address(as_dana, alice):
    kept = {"legal_name": alice.legal_name, "logins": alice.accesses.get().pk, "email_login": "move", "email": ""}
    page = as_dana.post(edit_url(alice), opened(as_dana, alice) | kept)
    assert list(page.context["form"].errors) == ["email_login"]
    assert alice.accesses.exists()


def test_no_is_told_apart_from_never_asked(as_dana, dana, alice, now):
    record_contact_consent(by=dana, now=now, client=alice, channel="text", is_given=False, source="on the phone")
    record = as_dana.get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert "Text message: no (19 Nov 2026, 09:00, on the phone)" in record
    assert "E-mail: never asked" in record
    assert "Said last: no (19 Nov 2026, 09:00, on the phone)." in as_dana.get(edit_url(alice)).content.decode()


def test_a_language_is_asked_for_where_the_clinic_writes_in_several(as_dana, alice, clinic, typed):
    assert "language" not in as_dana.get(edit_url(alice)).context["form"].fields
    Clinic.objects.update(languages=["en", "pt"])
    assert as_dana.get(NEW).context["form"]["language"].value() == "en"
    as_dana.post(NEW, typed | {"language": "pt"})
    assert Client.objects.get(legal_name="Ana Reis").language == "pt"


def test_no_constraint_shows_its_name():
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            assert constraint.name not in str(constraint.get_violation_error_message()), constraint
