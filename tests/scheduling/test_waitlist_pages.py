"""The waitlist at the desk: who waits, who is phoned, and what is said on the phone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.people.models import Client, Service, Therapist, User
from clinic.people.services.merging import merge_clients, undo_merge
from clinic.scheduling.models import Appointment, Offer, Status, Wish
from clinic.scheduling.services import cancel_appointment
from clinic.scheduling.waitlist import SECOND_THOUGHTS, offer_times
from clinic.scheduling.waitlist_page import WAITLIST, wanted_words
from tests.factories import ClientFactory
from tests.reminders.support import agree
from tests.scheduling.conftest import Wait

LIST = "/waitlist/"


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture
def offer(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime) -> Offer:
    wait()
    cancel_appointment(by=dana, now=now - SECOND_THOUGHTS, appointment=full["monday"])
    offer_times(now=now)
    return Offer.objects.with_all().get()


def typed(client: Client, **said: object) -> dict[str, object]:
    return {"client": client.pk, **said}


def test_an_empty_list_says_what_to_do(as_dana: Browser):
    page = as_dana.get(LIST).content.decode()
    assert "Nobody waits" in page
    assert reverse("scheduling:wish-new") in page


def test_the_list_tells_who_waits_for_what_since_when_in_order(
    as_dana: Browser,
    wait: Wait,
    bea: Therapist,
    now: datetime,
):
    wait(added_at=now - timedelta(weeks=3), therapists=[bea], weekdays=[1, 3], note="after four")
    wait(ClientFactory(legal_name="Eva Reis"), added_at=now - timedelta(days=2), is_urgent=True)
    page = text_of(as_dana.get(LIST).content.decode())
    assert page.index("Eva Reis urgent") < page.index("Alice Marques")
    assert "with Bea after four Tue, Thu 3 weeks" in page
    assert "with anyone any time 2 days" in page


def test_the_desk_puts_somebody_on_it(
    as_dana: Browser, alice: Client, bea: Therapist, wait: Wait, hour: Service, now: datetime
):
    form = reverse("scheduling:wish-new")
    assert "What does Alice Marques wait for?" in as_dana.get(form, {"client": alice.pk}).content.decode()
    said = typed(alice, services=[hour.pk], therapists=[bea.pk], weekdays=["0", "4"], not_before="15:30", note="x")
    assert as_dana.post(form, said).status_code == 302
    wish = Wish.objects.get()
    assert (wish.client, wish.added_by.name, list(wish.therapists.all())) == (alice, "Dana Silva", [bea])
    assert wanted_words(wish) == "Mon, Fri, from 15:30"


def test_the_form_begins_with_what_was_looked_for(as_dana: Browser, alice: Client, bea: Therapist, hour: Service):
    asked = {"client": alice.pk, "service": hour.pk, "therapist": bea.pk}
    page = as_dana.get(reverse("scheduling:wish-new"), asked).content.decode()
    for name, thing in (("services", hour), ("therapists", bea)):
        assert re.search(rf'name="{name}"[^>]*value="{thing.pk}"[^>]*checked', page), name
    assert as_dana.get(reverse("scheduling:wish-new"), asked | {"service": "x", "therapist": ""}).status_code == 200


def test_the_booking_page_leads_to_the_waitlist(
    as_dana: Browser, alice: Client, hour: Service, location, now: datetime
):
    page = as_dana.get(reverse("scheduling:appointment-new"), {"client": alice.pk, "service": hour.pk})
    assert f"{reverse('scheduling:wish-new')}?client={alice.pk}&amp;service={hour.pk}" in page.content.decode()


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    as_dana: Browser, alice: Client, hour: Service, now: datetime
):
    said = typed(alice, services=[hour.pk], not_before="15:00", not_after="14:00", note="on school days")
    page = as_dana.post(reverse("scheduling:wish-new"), said).content.decode()
    assert "The end comes after the beginning." in page
    assert "on school days" in page
    assert 'value="15:00"' in page
    nothing = as_dana.post(reverse("scheduling:wish-new"), typed(alice)).content.decode()
    assert "Choose at least one service." in nothing
    assert not Wish.objects.exists()


def test_a_wish_is_changed_and_begins_as_it_was(as_dana: Browser, wait: Wait, hour: Service, now: datetime):
    wish = wait(weekdays=[2], note="mornings")
    form = reverse("scheduling:wish-edit", args=[wish.pk])
    page = as_dana.get(form).content.decode()
    assert "mornings" in page
    assert re.search(r'value="2"[^>]*checked', page)
    as_dana.post(form, {"services": [hour.pk], "weekdays": ["3"], "note": "evenings"})
    wish.refresh_from_db()
    assert (wish.weekdays, wish.note) == ([3], "evenings")


def test_somebody_is_taken_off_it(as_dana: Browser, wait: Wait, now: datetime):
    wish = wait()
    remove = reverse("scheduling:wish-remove", args=[wish.pk])
    assert "Alice Marques is off the waitlist." in as_dana.post(remove, follow=True).content.decode()
    assert "Alice Marques is off the waitlist." in as_dana.post(remove, follow=True).content.decode()
    over = "This wish is no longer on the waitlist."
    assert over in as_dana.get(reverse("scheduling:wish-edit", args=[wish.pk]), follow=True).content.decode()
    heard = as_dana.post(reverse("scheduling:wish-hear", args=[wish.pk]), follow=True)
    assert over in heard.content.decode()


def test_whoever_gets_no_mail_is_to_be_phoned_and_counted(
    as_dana: Browser, offer: Offer, dana: User, alice: Client, hour: Service, now: datetime
):
    page = text_of(as_dana.get(LIST).content.decode())
    assert f"Alice Marques Mon 23 Nov, 10:00 with Bea, Harbour Street: {hour.name} to be phoned" in page
    assert "held until 11:00" in page
    assert WAITLIST.count(dana, now) == 1
    (row,) = WAITLIST.rows(dana, now)
    assert row.title == "Alice Marques"
    agree(alice)
    assert "to be phoned" not in as_dana.get(LIST).content.decode()
    assert (WAITLIST.count(dana, now), WAITLIST.rows(dana, now)) == (0, [])


def test_therapists_have_no_business_with_phoning(offer: Offer, bea: Therapist, now: datetime):
    assert (WAITLIST.count(bea.user, now), WAITLIST.rows(bea.user, now)) == (0, [])


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [("accept", Status.BOOKED, "is booked for Mon 23 Nov, 10:00"), ("decline", Status.CANCELLED, "goes to the next")],
)
def test_what_she_says_on_the_phone_is_taken_down(
    as_dana: Browser, offer: Offer, dana: User, answer: str, status: Status, said: str
):
    page = as_dana.post(reverse("scheduling:offer-answer", args=[offer.pk]), {answer: ""}, follow=True)
    assert said in page.content.decode()
    assert Appointment.objects.get(pk=offer.appointment_id).status == status
    offer.refresh_from_db()
    assert offer.answered_by == dana


def test_an_offer_that_has_run_out_meanwhile_is_refused_in_words(as_dana: Browser, offer: Offer, now: datetime):
    offer_times(now=now + timedelta(hours=2))
    page = as_dana.post(reverse("scheduling:offer-answer", args=[offer.pk]), {"accept": ""}, follow=True)
    assert "This time is no longer held." in page.content.decode()


def test_whoever_does_not_answer_is_asked_first(
    as_dana: Browser, wait: Wait, full: dict[str, Appointment], dana: User, now: datetime
):
    wish = wait(added_at=now - timedelta(days=4))
    for name, days in (("monday", -2), ("tuesday", -1)):
        later = now + timedelta(days=days)
        cancel_appointment(by=dana, now=later - SECOND_THOUGHTS, appointment=full[name])
        offer_times(now=later)
        offer_times(now=later + timedelta(hours=3))
    assert "The last two offers were not answered." in as_dana.get(LIST).content.decode()
    as_dana.post(reverse("scheduling:wish-hear", args=[wish.pk]))
    assert "not answered" not in as_dana.get(LIST).content.decode()


def test_whose_days_are_over_is_asked_for_others(as_dana: Browser, wait: Wait, now: datetime):
    wait(last_on=(now - timedelta(days=1)).date())
    page = as_dana.get(LIST).content.decode()
    assert "The days asked for are over." in page
    assert "Other days" in page


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_many(
    as_dana: Browser,
    wait: Wait,
    bea: Therapist,
    now: datetime,
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            as_dana.get(LIST)
        return len(asked)

    wait(therapists=[bea])
    as_dana.get(LIST)
    few = queries()
    for _ in range(6):
        wait(ClientFactory(), therapists=[bea])
    assert queries() == few


def test_nobody_sees_anything_about_health(as_dana: Browser, offer: Offer, wait: Wait):
    Appointment.objects.update(review_needed=True)
    page = as_dana.get(LIST).content.decode()
    assert "review" not in text_of(page).lower().replace("reviews", "")


def test_two_records_made_one_wait_as_one_and_part_again(wait: Wait, alice: Client, dana: User, now: datetime):
    twin = ClientFactory(legal_name="Ali Marques")
    wish = wait(twin)
    merge = merge_clients(by=dana, now=now, kept=alice, gone=twin)
    wish.refresh_from_db()
    assert wish.client == alice
    undo_merge(by=dana, now=now, merge=merge)
    wish.refresh_from_db()
    assert wish.client == twin


def test_the_history_tells_of_it(as_bea: Browser, wait: Wait, alice: Client, now: datetime):
    wait()
    told = text_of(as_bea.get(reverse("audit:client-history", args=[alice.pk])).content.decode())
    assert "put on the waitlist" in told
