"""Booking by oneself, through the pages: what is open to whom, who she is, and what is booked in the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.lib.rates import where_from
from clinic.people import proving
from clinic.people.models import Client, ClientAccess, Clinic, Import, Location, Service, Therapist, User
from clinic.people.services import consenting, give_client_login
from clinic.scheduling.matching import Match
from clinic.scheduling.models import Appointment, OnlineConcern, Status
from clinic.scheduling.models import Wish as WaitlistWish
from clinic.scheduling.online import settle
from clinic.scheduling.services import add_time_off, book_appointment
from clinic.scheduling.waitlist import Wished, add_wish, offer_time
from intake.models import Finding
from intake.services import close_finding
from tests.factories import (
    ClientFactory,
    LocationFactory,
    RoomFactory,
    ServiceFactory,
    TherapistFactory,
    give_login,
)
from tests.importing import Bring
from tests.public.conftest import Visitor, Wish, at, code_in_the_mail

pytestmark = pytest.mark.usefixtures("now", "hours")


def text(answer: HttpResponse) -> str:
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def one_visit() -> Appointment:
    return Appointment.objects.get()


# --- What and when


def test_nothing_can_be_booked_online_until_an_owner_opens_it(clinic: Clinic, visitor: Visitor, wish: Wish) -> None:
    clinic.online_booking = Clinic.OnlineBooking.CLOSED
    clinic.save()
    page = visitor.browser.get(reverse("booking:services"))
    assert "Online booking is closed at the moment." in text(page)
    assert "+351 21 345 6789" in text(page)
    assert "closed" in text(visitor.chooses(wish(at(10))))


def test_a_stranger_sees_what_is_open_to_new_clients_and_bookable_online(visitor: Visitor) -> None:
    ServiceFactory(name="For regulars", is_open_to_new_clients=False)
    ServiceFactory(name="By phone only", is_bookable_online=False)
    page = text(visitor.browser.get(reverse("booking:services")))
    assert "Myofascial release" in page
    assert "€82.50" in page
    assert "For regulars" not in page
    assert "By phone only" not in page


def test_house_rules_and_what_is_kept_are_told_before_anything_is_chosen(visitor: Visitor) -> None:
    Clinic.objects.update(house_rules="No scents.", privacy_notice="")
    page = text(visitor.browser.get(reverse("booking:services")))
    assert "No scents." in page
    assert "What we keep about you" not in page
    Clinic.objects.update(house_rules="", privacy_notice="Names, for ten years.")
    page = text(visitor.browser.get(reverse("booking:services")))
    assert "Names, for ten years." in page
    assert "House rules" not in page


def test_whoever_has_a_therapist_sees_what_is_for_those_who_have_been_here(as_alice: Browser, service: Service) -> None:
    ServiceFactory(name="For regulars", is_open_to_new_clients=False)
    assert "For regulars" in text(as_alice.get(reverse("booking:services")))


def test_whoever_was_brought_along_from_another_program_is_not_new(
    open_clinic: Clinic,
    bring: Bring,
    take: Callable[..., Import],
    send: Callable[..., HttpResponse],
    signed_in: Callable[[User], Browser],
) -> None:
    ServiceFactory(name="For regulars", is_open_to_new_clients=False)
    job = take(bring("Name,E-mail,Born\nIda Berg,ida@example.org,1990-03-04\nOle Berg,ole@example.org,1988-03-04\n"))
    ida, ole = (Client.objects.get(email=f"{name}@example.org") for name in ("ida", "ole"))
    as_ida = signed_in(give_login(ida))
    assert "For regulars" in text(as_ida.get(reverse("booking:services")))
    # Also by the record that she was made one with.
    kept = ClientFactory(email="ida.berg@example.org")
    as_kept = signed_in(give_login(kept))
    assert "For regulars" not in text(as_kept.get(reverse("booking:services")))
    Client.objects.filter(pk=ole.pk).update(merged_into=kept, archived_at=job.done_at)
    assert "For regulars" in text(as_kept.get(reverse("booking:services")))
    send(f"/settings/import/{job.pk}/undo/")
    assert "For regulars" not in text(as_kept.get(reverse("booking:services")))


def test_a_service_for_regulars_is_not_booked_by_whoever_is_new(visitor: Visitor, wish: Wish, as_carl: Browser) -> None:
    regulars = ServiceFactory(name="For regulars", is_open_to_new_clients=False)
    assert "is for clients who have been here before" in text(
        visitor.browser.get(reverse("booking:times", args=[regulars.pk]))
    )
    answer = Visitor(regulars, as_carl).chooses(wish(at(10)))
    assert answer.status_code == 409
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("name", ["times", "hold"])
def test_a_service_that_is_not_bookable_online_does_not_exist_here(visitor: Visitor, wish: Wish, name: str) -> None:
    secret = ServiceFactory(is_bookable_online=False)
    url = reverse(f"booking:{name}", args=[secret.pk])
    answer = visitor.browser.get(url) if name == "times" else visitor.browser.post(url, wish(at(10)))
    assert answer.status_code == 404


def test_only_therapists_who_are_shown_online_are_offered(
    visitor: Visitor, bea: Therapist, service: Service, as_alice: Browser, wish: Wish
) -> None:
    bea.is_shown_online = False
    bea.save()
    page = text(visitor.browser.get(reverse("booking:times", args=[service.pk])))
    assert "Bea" not in page
    assert "Nothing is free in these days" in page
    assert Visitor(service, as_alice).chooses(wish(at(10))).status_code == 409


def test_only_places_that_are_bookable_online_are_offered(
    visitor: Visitor, location: Location, service: Service, as_alice: Browser, wish: Wish
) -> None:
    other = LocationFactory(name="Hill Road")
    RoomFactory(location=other)
    location.is_bookable_online = False
    location.save()
    page = text(visitor.browser.get(reverse("booking:times", args=[service.pk]), wish(at(10))))
    assert "Harbour Street" not in page
    Visitor(service, as_alice).chooses(wish(at(10)))
    assert not Appointment.objects.exists()


def test_times_begin_after_the_lead_and_end_with_the_horizon(
    open_clinic: Clinic, visitor: Visitor, service: Service
) -> None:
    open_clinic.online_lead_hours, open_clinic.online_horizon_days = 25, 1
    open_clinic.save()
    page = text(visitor.browser.get(reverse("booking:times", args=[service.pk])))
    times = re.findall(r"name=\"at\" id=\"at-(2026-11-\d\dT\d\d:\d\d)", page)
    assert times
    assert min(times) == "2026-11-20T10:00"
    assert max(times) < "2026-11-21"


@pytest.mark.parametrize(
    ("starts_at", "words"),
    [(at(17, day=19), "at least 12 hours ahead"), (at(10, day=22) + timedelta(days=100), "at most 60 days")],
)
def test_a_time_before_the_lead_or_beyond_the_horizon_is_refused(
    as_alice: Browser, service: Service, wish: Wish, starts_at: datetime, words: str
) -> None:
    answer = Visitor(service, as_alice).chooses(wish(starts_at))
    assert answer.status_code == 409
    assert words in text(answer)
    assert "+351 21 345 6789" in text(answer)
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("wall", ["10:07", "10:00:13", "10:00:00.000001"])
def test_a_time_that_no_page_offers_is_not_held(
    as_alice: Browser, service: Service, wish: Wish, bea: Therapist, wall: str
) -> None:
    by_hand = wish(at(10)) | {"at": f"2026-11-24T{wall}+00:00_{bea.pk}"}
    assert Visitor(service, as_alice).chooses(by_hand).status_code == 409
    assert not Appointment.objects.exists()


def test_no_time_chosen_is_one_sentence_on_the_same_page(
    visitor: Visitor, service: Service, location: Location
) -> None:
    answer = visitor.chooses({"location": str(location.pk)})
    assert answer.status_code == 200
    assert "Please choose a time first." in text(answer)


@pytest.mark.parametrize("rubbish", ["x", "2026-11-24T10:00+0000_999999", "9999-99-99T10:00+0000_1", "_", "a\x00"])
def test_a_time_that_is_none_is_answered_calmly(visitor: Visitor, location: Location, rubbish: str) -> None:
    assert visitor.chooses({"location": str(location.pk), "at": rubbish}).status_code == 200
    assert visitor.chooses({"location": rubbish, "at": rubbish}).status_code == 200


def test_days_without_a_free_time_are_passed_over(
    visitor: Visitor, bea: Therapist, dana: User, service: Service, now: datetime
) -> None:
    add_time_off(by=dana, now=now, therapist=bea, starts_at=at(0, day=19), ends_at=at(23, day=27), reason="dentist")
    page = text(visitor.browser.get(reverse("booking:times", args=[service.pk])))
    assert "Monday, Morning" in page
    assert "dentist" not in page


def test_what_is_in_the_way_of_a_time_is_nobodys_business(
    as_alice: Browser, bea: Therapist, dana: User, service: Service, now: datetime, wish: Wish
) -> None:
    add_time_off(by=dana, now=now, therapist=bea, starts_at=at(9), ends_at=at(13), reason="dentist")
    answer = Visitor(service, as_alice).chooses(wish(at(10)))
    assert answer.status_code == 409
    assert "This time is no longer free." in text(answer)
    assert "dentist" not in text(answer)
    assert "Free next" in text(answer)
    assert "Tue 24 Nov, 14:00" in text(answer)


def test_the_page_of_times_costs_the_same_for_many_therapists(
    visitor: Visitor, service: Service, bea: Therapist, location: Location, django_assert_max_num_queries
) -> None:
    for _ in range(5):
        TherapistFactory(works_at=(location,))
    with django_assert_max_num_queries(24):
        visitor.browser.get(reverse("booking:times", args=[service.pk]))


# --- Who


def test_a_known_client_goes_straight_to_her_hold(as_alice: Browser, service: Service, wish: Wish) -> None:
    answer = Visitor(service, as_alice).chooses(wish(at(10)))
    visit = one_visit()
    assert visit.status == Status.HELD
    assert answer["Location"] == reverse("booking:held", args=[visit.pk])
    page = text(as_alice.get(answer["Location"]))
    assert "Held for you until 09:15" in page
    assert "Tuesday 24 November, 10:00" in page
    assert "Free to cancel until Mon 23 November, 10:00" in page
    assert "After that, or if you do not come: €41.25" in page


def test_a_visit_that_is_near_is_not_called_free_until_a_moment_that_is_past(
    as_alice: Browser, service: Service, wish: Wish
) -> None:
    Clinic.objects.update(cancellation_hours=168)
    answer = Visitor(service, as_alice).chooses(wish(at(10)))
    page = text(as_alice.get(answer["Location"]))
    assert "This visit is near: free to cancel for 15 minutes after booking." in page
    assert "Free to cancel until" not in page


def test_a_stranger_is_asked_for_her_address_and_nothing_is_held_yet(visitor: Visitor, wish: Wish) -> None:
    answer = visitor.chooses(wish(at(10)))
    assert answer["Location"].startswith(reverse("booking:who", args=[visitor.service.pk]))
    assert not Appointment.objects.exists()


def test_a_client_who_is_not_signed_in_is_by_the_code(visitor: Visitor, wish: Wish, alice_user: User) -> None:
    answer = visitor.proves("Alice@example.org", wish(at(10)))
    assert answer["Location"] == reverse("booking:held", args=[one_visit().pk])
    assert one_visit().client.legal_name == "Alice Marques"
    assert visitor.browser.session["_auth_user_id"] == str(alice_user.pk)


def test_a_newcomer_books_from_beginning_to_end(visitor: Visitor, wish: Wish) -> None:
    visitor.chooses(wish(at(10)))
    answer = visitor.proves("nina@example.org", wish(at(10)))
    assert "/you/" in answer["Location"]
    held = visitor.says(wish(at(10)))
    done = visitor.confirms(held)
    visit = one_visit()
    assert (visit.status, visit.client.legal_name) == (Status.BOOKED, "Nina Prates")
    assert visit.review_needed
    assert str(visit.client.phone) == "+351912345678"
    assert visit.client.email == "nina@example.org"
    page = text(visitor.browser.get(done["Location"]))
    assert "Your visit is booked" in page
    assert "tel:+351-21-345-6789" in page  # an attack on the day
    assert "Fill in the form" in page
    assert consenting([visit.client_id], "email") == {visit.client_id}


def test_who_is_known_cannot_be_told_from_the_answers(
    visitor: Visitor, wish: Wish, alice_user: User, dana: User
) -> None:
    answers, mails = [], []
    for email in ("alice@example.org", "nobody@example.org", "dana@example.org"):
        mail.outbox.clear()
        one = Visitor(visitor.service)
        where = reverse("booking:who", args=[one.service.pk], query=wish(at(10)))
        sent = one.browser.post(where, {"email": email})
        page = one.browser.get(sent["Location"])
        masked = re.sub(r"[A-Za-z0-9]{64}", "", text(page)).replace(email, "E-MAIL")
        answers.append((sent.status_code, sent["Location"], masked))
        code = code_in_the_mail()
        mails.append((mail.outbox[0].subject, mail.outbox[0].body.replace(code, "CODE")))
    assert answers[0] == answers[1] == answers[2]
    assert mails[0] == mails[1] == mails[2]


def test_before_the_code_comes_back_nobody_is_looked_up(visitor: Visitor, wish: Wish, alice_user: User) -> None:
    where = reverse("booking:who", args=[visitor.service.pk], query=wish(at(10)))

    def count(email: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            Visitor(visitor.service).browser.post(where, {"email": email})
        who = ('FROM "people_user"', 'FROM "people_client')
        assert [one["sql"] for one in queries if any(table in one["sql"] for table in who)] == []
        return len(queries)

    assert count("alice@example.org") == count("nobody@example.org")


def test_a_wrong_code_proves_nothing_and_three_of_them_spend_it(visitor: Visitor, wish: Wish, alice_user: User) -> None:
    chosen = wish(at(10))
    visitor.browser.post(
        reverse("booking:who", args=[visitor.service.pk], query=chosen), {"email": "alice@example.org"}
    )
    right = code_in_the_mail()
    for _ in range(3):
        assert visitor.types("ZZZZZZ", chosen).status_code == 200
    answer = visitor.types(right, chosen)
    assert "no longer good" in text(answer)
    assert "_auth_user_id" not in visitor.browser.session


def test_a_code_is_spent_as_well_by_tries_that_come_at_once(visitor: Visitor, wish: Wish, alice_user: User) -> None:
    chosen = wish(at(10))
    visitor.browser.post(
        reverse("booking:who", args=[visitor.service.pk], query=chosen), {"email": "alice@example.org"}
    )
    right, before = code_in_the_mail(), visitor.browser.session[proving.KEY]
    for code in ("ZZZZZZ", "ZZZZZZ", "ZZZZZZ", right):
        # As each of them read it, before any other had written.
        session = visitor.browser.session
        session[proving.KEY] = before
        session.save()
        assert visitor.types(code, chosen).status_code == 200
    assert "_auth_user_id" not in visitor.browser.session


def test_whoever_knew_the_key_of_the_browser_does_not_book_with_the_proven_address(
    visitor: Visitor, wish: Wish
) -> None:
    visitor.browser.get(reverse("booking:times", args=[visitor.service.pk]))
    visitor.browser.post(
        reverse("booking:who", args=[visitor.service.pk], query=wish(at(10))), {"email": "nina@example.org"}
    )
    planted = visitor.browser.cookies["sessionid"].value
    visitor.types(code_in_the_mail(), wish(at(10)))
    other = Browser()
    other.cookies["sessionid"] = planted
    assert "/who/" in Visitor(visitor.service, other).says(wish(at(10)))["Location"]
    assert "/held/" in visitor.says(wish(at(10)))["Location"]


def test_a_proven_address_is_not_there_for_the_next_at_the_same_device(
    visitor: Visitor, wish: Wish, time_machine, now: datetime
) -> None:
    visitor.proves("nina@example.org", wish(at(10)))
    time_machine.move_to(now + timedelta(minutes=31))
    assert "/who/" in visitor.says(wish(at(10)))["Location"]
    assert not User.objects.filter(email="nina@example.org").exists()


def test_who_has_asked_for_too_many_codes_spends_nobodys_any_more(visitor: Visitor, wish: Wish) -> None:
    where = reverse("booking:who", args=[visitor.service.pk], query=wish(at(10)))
    for number in range(25):
        Browser().post(where, {"email": f"{number}@example.org"})
    for _ in range(5):
        Browser().post(where, {"email": "alice@example.org"})
    hers = Browser().post(where, {"email": "alice@example.org"}, REMOTE_ADDR="192.0.2.7")
    assert "/code/" in hers["Location"]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_all_addresses_of_a_house_count_as_one(rf: RequestFactory, address: str, counted: str) -> None:
    assert where_from(rf.get("/", REMOTE_ADDR=address)) == counted


def test_a_code_runs_out_after_ten_minutes(visitor: Visitor, wish: Wish, alice_user: User, time_machine, now) -> None:
    chosen = wish(at(10))
    visitor.browser.post(
        reverse("booking:who", args=[visitor.service.pk], query=chosen), {"email": "alice@example.org"}
    )
    time_machine.move_to(now + timedelta(minutes=10, seconds=1))
    assert "no longer good" in text(visitor.types(code_in_the_mail(), chosen))


def test_a_code_for_one_address_proves_no_other(visitor: Visitor, wish: Wish, alice_user: User) -> None:
    chosen = wish(at(10))
    where = reverse("booking:who", args=[visitor.service.pk], query=chosen)
    visitor.browser.post(where, {"email": "mine@example.org"})
    mine = code_in_the_mail()
    visitor.browser.post(where, {"email": "alice@example.org"})
    assert visitor.types(mine, chosen).status_code == 200
    assert "_auth_user_id" not in visitor.browser.session


def test_codes_are_not_sent_to_one_address_without_end(visitor: Visitor, wish: Wish) -> None:
    where = reverse("booking:who", args=[visitor.service.pk], query=wish(at(10)))
    statuses = [Browser().post(where, {"email": "alice@example.org"}).status_code for _ in range(4)]
    assert statuses == [302] * 3 + [429]
    assert len(mail.outbox) == 3


def test_codes_for_booking_and_for_signing_in_are_counted_together(
    visitor: Visitor, wish: Wish, alice_user: User
) -> None:
    where = reverse("booking:who", args=[visitor.service.pk], query=wish(at(10)))
    for _ in range(2):
        Browser().post(where, {"email": "alice@example.org"})
    assert Browser().post(reverse("account_request_login_code"), {"email": "Alice@example.org"}).status_code == 302
    refused = Browser().post(reverse("account_request_login_code"), {"email": "alice@example.org"})
    assert "wait a few minutes" in text(refused)
    assert Browser().post(where, {"email": "alice@example.org"}).status_code == 429
    assert len(mail.outbox) == 3


def test_a_member_of_staff_does_not_book_as_a_client(
    visitor: Visitor, wish: Wish, dana: User, as_dana: Browser
) -> None:
    assert visitor.proves("dana@example.org", wish(at(10))).status_code == 409
    assert "_auth_user_id" not in visitor.browser.session
    page = as_dana.get(reverse("booking:who", args=[visitor.service.pk], query=wish(at(10))))
    assert "signed in as a member of staff" in text(page)
    assert as_dana.get(reverse("booking:you", args=[visitor.service.pk], query=wish(at(10)))).status_code == 302


def test_nobody_says_who_she_is_without_a_proven_address(visitor: Visitor, wish: Wish) -> None:
    answer = visitor.says(wish(at(10)))
    assert answer.status_code == 302
    assert not Client.objects.exists()


def test_what_was_typed_wrongly_is_said_beside_the_field_and_nothing_is_lost(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("nina@example.org", wish(at(10)))
    page = text(visitor.says(wish(at(10)), legal_name="Nina Prates", born_on="yesterday-ish", phone="12"))
    assert "things to put right" in page
    assert 'value="Nina Prates"' in page
    assert 'value="yesterday-ish"' in page
    assert not Client.objects.exists()


def test_under_18_somebody_must_answer_for_her(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("teen@example.org", wish(at(10)))
    page = text(visitor.says(wish(at(10)), born_on="4.3.2012"))
    assert "Under 18, a parent or guardian must be known" in page
    visitor.says(wish(at(10)), born_on="4.3.2012", guardian_name="Ana Prates", guardian_phone="+351 911 111 111")
    assert one_visit().client.guardian_name == "Ana Prates"


def test_a_parent_books_for_her_child_with_her_own_address(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("ana@example.org", wish(at(10)))
    assert "Please give your own name as well" in text(
        visitor.says(wish(at(10)), is_for="somebody", born_on="4.3.2012")
    )
    visitor.says(wish(at(10)), is_for="somebody", born_on="4.3.2012", guardian_name="Ana Prates")
    child = one_visit().client
    assert (child.email, child.guardian_email, str(child.guardian_phone)) == ("", "ana@example.org", "+351912345678")
    assert child.accesses.get().relation == ClientAccess.Relation.GUARDIAN


def test_a_form_that_was_sent_twice_enters_and_holds_once(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("nina@example.org", wish(at(10)))
    first, second = visitor.says(wish(at(10))), visitor.says(wish(at(10)))
    assert first["Location"] == second["Location"]
    assert Client.objects.count() == 1
    assert Appointment.objects.count() == 1


def test_a_confirmation_that_was_sent_twice_books_once(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    assert visitor.confirms(held)["Location"] == visitor.confirms(held)["Location"]
    assert one_visit().status == Status.BOOKED
    assert one_visit().status_changes.count() == 2


def test_the_clinics_record_of_her_is_hers_where_address_name_and_birth_agree(visitor: Visitor, wish: Wish) -> None:
    known = ClientFactory(legal_name="Nina Prates", email="nina@example.org", born_on=date(1990, 3, 4))
    visitor.proves("nina@example.org", wish(at(10)))
    visitor.says(wish(at(10)), legal_name=" nina  PRATES ")
    assert one_visit().client == known
    assert not OnlineConcern.objects.exists()


def test_a_likely_duplicate_is_told_to_the_desk_and_not_to_her(visitor: Visitor, wish: Wish, as_dana: Browser) -> None:
    known = ClientFactory(legal_name="Nina Prates", email="old@example.org", born_on=date(1990, 3, 4))
    visitor.proves("nina@example.org", wish(at(10)))
    held = visitor.says(wish(at(10)))
    assert held["Location"] == reverse("booking:held", args=[one_visit().pk])
    assert one_visit().client != known
    page = text(as_dana.get(reverse("booking:from-online")))
    assert "May be known already" in page
    assert reverse("people:client-merge", args=[one_visit().client_id]) in page
    as_dana.post(reverse("booking:settle", args=[OnlineConcern.objects.get().pk]))
    assert "Nina Prates" not in text(as_dana.get(reverse("booking:from-online")))


def test_newcomers_do_not_come_without_end_from_one_address(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("nina@example.org", wish(at(10)))
    statuses = [visitor.says(wish(at(10)), legal_name=f"Nina {name}").status_code for name in ("A", "B", "C", "D")]
    assert statuses[-1] == 429
    assert Client.objects.count() == 3


def test_one_login_chooses_for_whom_of_the_family_it_is(
    as_alice: Browser, alice: Client, alice_user: User, service: Service, wish: Wish, now: datetime, carl: User
) -> None:
    leo = ClientFactory(legal_name="Leo Marques", email="")
    give_client_login(by=None, now=now, client=leo, email="alice@example.org", relation="guardian")
    visitor = Visitor(service, as_alice)
    answer = visitor.chooses(wish(at(10)))
    page = text(as_alice.get(answer["Location"]))
    assert "Leo Marques" in page
    assert "Alice Marques" in page
    as_alice.post(answer["Location"], {"client": leo.pk})
    assert one_visit().client == leo
    stranger = Client.objects.get(email="carl@example.org")
    assert as_alice.post(answer["Location"], {"client": stranger.pk}).status_code == 404
    assert as_alice.post(answer["Location"], {"client": "x"}).status_code == 200


# --- Held, then booked


def test_a_person_has_one_hold_at_a_time(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    visitor.chooses(wish(at(10)))
    visitor.chooses(wish(at(10)))
    visitor.chooses(wish(at(15)))
    assert list(Appointment.objects.order_by("pk").values_list("status", flat=True)) == ["cancelled", "held"]


def test_a_hold_that_cannot_be_had_costs_her_not_the_one_she_has(
    as_alice: Browser, service: Service, wish: Wish, carl: User, bea: Therapist, location: Location, now: datetime
) -> None:
    other = Client.objects.get(email="carl@example.org")
    book_appointment(
        by=None, now=now, client=other, service=service, therapist=bea, location=location, starts_at=at(15)
    )
    visitor = Visitor(service, as_alice)
    visitor.chooses(wish(at(10)))
    assert visitor.chooses(wish(at(15))).status_code == 409
    assert Appointment.objects.get(status=Status.HELD).starts_at == at(10)


def test_another_time_gives_the_hold_up(as_alice: Browser, service: Service, wish: Wish) -> None:
    Visitor(service, as_alice).chooses(wish(at(10)))
    as_alice.post(reverse("booking:give-up", args=[one_visit().pk]))
    assert one_visit().status == Status.CANCELLED


def test_after_its_time_a_hold_is_no_longer_held_and_can_be_had_again(
    as_alice: Browser, service: Service, wish: Wish, time_machine, now: datetime
) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    time_machine.move_to(now + timedelta(minutes=16))
    assert "This time is no longer held" in text(as_alice.get(held["Location"]))
    again = visitor.chooses(wish(at(10)))
    assert again.status_code == 302
    assert Appointment.objects.get(status=Status.HELD).pk != held["Location"]


def test_a_hold_that_ran_out_is_no_way_round_the_cap(
    as_alice: Browser, service: Service, wish: Wish, clinic: Clinic, time_machine, now: datetime
) -> None:
    clinic.online_most_visits = 1
    clinic.save()
    alice = Visitor(service, as_alice)
    first = alice.chooses(wish(at(10)))
    time_machine.move_to(now + timedelta(minutes=16))
    alice.confirms(alice.chooses(wish(at(15))))
    answer = alice.confirms(first)
    assert answer.status_code == 409
    assert "A visit is booked for you already" in text(answer)
    assert Appointment.objects.get(status=Status.BOOKED).starts_at == at(15)


def test_a_hold_that_ran_out_is_no_way_round_the_lead(
    as_alice: Browser, alice_user: User, service: Service, wish: Wish, clinic: Clinic, time_machine
) -> None:
    alice = Visitor(service, as_alice)
    held = alice.chooses(wish(at(10)))
    time_machine.move_to(at(9, 59) - timedelta(hours=clinic.online_lead_hours - 1))
    as_alice.force_login(alice_user)
    answer = alice.confirms(held)
    assert (answer.status_code, "hours ahead" in text(answer)) == (409, True)
    assert one_visit().status == Status.HELD


def test_a_hold_that_ran_out_and_went_to_somebody_else_shows_the_next_free_times(
    as_alice: Browser, as_carl: Browser, service: Service, wish: Wish, time_machine, now: datetime
) -> None:
    held = Visitor(service, as_alice).chooses(wish(at(10)))
    time_machine.move_to(now + timedelta(minutes=16))
    Visitor(service, as_carl).confirms(Visitor(service, as_carl).chooses(wish(at(10))))
    answer = Visitor(service, as_alice).confirms(held)
    assert answer.status_code == 409
    assert "Free next" in text(answer)


def test_where_the_clinic_answers_first_she_asks(
    open_clinic: Clinic, as_alice: Browser, as_dana: Browser, service: Service, wish: Wish
) -> None:
    open_clinic.online_booking = Clinic.OnlineBooking.REQUESTS
    open_clinic.save()
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    assert "Ask for this time" in text(as_alice.get(held["Location"]))
    done = visitor.confirms(held)
    visit = one_visit()
    assert visit.status == Status.REQUESTED
    assert "The time is not yours yet" in text(as_alice.get(done["Location"]))
    assert "Alice Marques" in text(as_dana.get(reverse("booking:from-online")))
    as_dana.post(reverse("scheduling:appointment-status", args=[visit.pk]), {"to": "booked"})
    assert one_visit().status == Status.BOOKED
    assert "Alice Marques: booked." in text(as_dana.get(reverse("booking:from-online")))
    assert "Alice Marques" not in text(as_dana.get(reverse("booking:from-online")))


def test_a_request_that_is_accepted_later_is_confirmed_by_mail(
    open_clinic: Clinic, as_alice: Browser, as_dana: Browser, service: Service, wish: Wish, time_machine, now: datetime
) -> None:
    open_clinic.online_booking = Clinic.OnlineBooking.REQUESTS
    open_clinic.save()
    Visitor(service, as_alice).confirms(Visitor(service, as_alice).chooses(wish(at(10))))
    accepted = now + timedelta(days=2)
    time_machine.move_to(accepted, tick=False)
    as_dana.force_login(User.objects.get(email="dana@example.org"))
    as_dana.post(reverse("scheduling:appointment-status", args=[one_visit().pk]), {"to": "booked"})
    assert one_visit().booked_at == accepted


def test_no_more_than_the_cap_is_booked_online(
    open_clinic: Clinic, as_alice: Browser, service: Service, wish: Wish
) -> None:
    open_clinic.online_most_visits = 2
    open_clinic.save()
    visitor = Visitor(service, as_alice)
    for day in (24, 25):
        visitor.confirms(visitor.chooses(wish(at(10, day=day))))
    answer = visitor.chooses(wish(at(10, day=26)))
    assert answer.status_code == 409
    assert "2 visits are booked for you already" in text(answer)
    assert "+351 21 345 6789" in text(answer)


def test_holds_are_not_made_without_end_by_many_from_one_place(
    as_alice: Browser, service: Service, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinic.public.booking.MOST_HOLDS_FROM_ONE", 1)
    visitor = Visitor(service, as_alice)
    assert [visitor.chooses(wish(at(hour))).status_code for hour in (9, 10)] == [302, 429]


def test_holds_are_not_made_without_end(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    statuses = {visitor.chooses(wish(at(10))).status_code for _ in range(20)}
    assert statuses == {302}
    assert visitor.chooses(wish(at(10))).status_code == 429


def test_the_booking_can_be_taken_into_her_own_calendar(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    where = reverse("booking:calendar-file", args=[one_visit().pk])
    assert as_alice.get(where).status_code == 404
    visitor.confirms(held)
    answer = as_alice.get(where)
    assert answer["Content-Type"].startswith("text/calendar")
    assert b"DTSTART;TZID=Europe/Lisbon:20261124T100000" in answer.content
    assert b"Myofascial" not in answer.content


@pytest.mark.parametrize("name", ["held", "give-up", "done", "calendar-file"])
def test_nobody_reaches_what_is_held_for_somebody_else(
    as_alice: Browser, as_carl: Browser, as_dana: Browser, service: Service, wish: Wish, name: str
) -> None:
    Visitor(service, as_alice).chooses(wish(at(10)))
    where = reverse(f"booking:{name}", args=[one_visit().pk])
    for stranger in (as_carl, as_dana):
        for answer in (stranger.get(where), stranger.post(where, {"is_different": "no", "by_email": "yes"})):
            assert answer.status_code in {404, 405}
    assert one_visit().status == Status.HELD


def test_looking_changes_nothing(as_alice: Browser, service: Service, wish: Wish) -> None:
    Visitor(service, as_alice).chooses(wish(at(10)))
    before = (
        Appointment.objects.values_list("status", "held_until").get(),
        Client.objects.count(),
        User.objects.count(),
    )
    pages = [
        ("services", []),
        ("times", [service.pk]),
        ("who", [service.pk]),
        ("code", [service.pk]),
        ("you", [service.pk]),
    ]
    for name, args in [*pages, ("held", [one_visit().pk]), ("done", [one_visit().pk])]:
        for browser in (as_alice, Browser()):
            browser.get(reverse(f"booking:{name}", args=args), wish(at(15)))
    after = (
        Appointment.objects.values_list("status", "held_until").get(),
        Client.objects.count(),
        User.objects.count(),
    )
    assert before == after


# --- How she is today


def test_the_question_of_every_visit_must_be_answered(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    page = text(visitor.confirms(visitor.chooses(wish(at(10))), is_different="", by_email=""))
    assert "we ask it before every visit" in page
    assert "both answers are fine" in page
    assert one_visit().status == Status.HELD


def test_a_different_pain_asks_for_the_signs(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    assert "Please tick what you have" in text(visitor.confirms(held, is_different="yes"))
    both = visitor.confirms(held, is_different="yes", signs=["eyelid"], none_of_these="on")
    assert "Which is right?" in text(both)
    assert one_visit().status == Status.HELD
    assert not Finding.objects.exists()


def test_a_sign_of_a_torn_artery_stops_the_booking_and_shows_the_number(
    as_alice: Browser, as_dana: Browser, as_bea: Browser, service: Service, wish: Wish, alice: Client
) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    page = text(visitor.confirms(held, is_different="yes", signs=["eyelid"]))
    assert "Please stop here and call 112 now" in page
    assert "Drooping lid or unequal pupils" in page
    assert one_visit().status == Status.CANCELLED
    finding = Finding.objects.get(rule="neck_artery_signs")
    assert finding.client == alice
    desk = text(as_dana.get(reverse("booking:from-online")))
    assert "To be called before anything is booked" in desk
    assert "Alice Marques" in desk
    for word in ("eyelid", "lid", "artery", "headache", "pain"):
        assert word not in re.sub(r"<[^>]+>", "", desk).lower().split()
    assert "Alice Marques" in text(as_bea.get(reverse("desk:my-day")))


def test_a_pain_or_a_risk_alone_sends_her_to_a_doctor_today(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    page = text(visitor.confirms(visitor.chooses(wish(at(10))), is_different="yes", signs=["one_sided_pain"]))
    assert "Please speak to a doctor today" in page
    assert one_visit().status == Status.CANCELLED


def test_after_a_red_answer_nothing_is_booked_online_until_desk_and_therapist_have_seen_to_it(
    as_alice: Browser, bea: Therapist, service: Service, wish: Wish, dana: User, now: datetime
) -> None:
    visitor = Visitor(service, as_alice)
    held = visitor.chooses(wish(at(10)))
    visitor.confirms(held, is_different="yes", signs=["eyelid"])
    assert visitor.confirms(held).status_code == 409
    refused = visitor.chooses(wish(at(10)))
    assert refused.status_code == 409
    assert "please speak with us" in text(refused)
    settle(by=dana, now=now, concern=OnlineConcern.objects.get())
    assert visitor.chooses(wish(at(10))).status_code == 409
    for finding in Finding.objects.all():
        close_finding(by=bea.user, now=now, finding=finding, reason="Seen by a doctor: nothing was found.")
    assert visitor.chooses(wish(at(10))).status_code == 302


def test_a_red_answer_says_nothing_to_a_stranger_and_settles_only_at_the_desk(
    as_alice: Browser, as_carl: Browser, as_bea: Browser, service: Service, wish: Wish
) -> None:
    visitor = Visitor(service, as_alice)
    visitor.confirms(visitor.chooses(wish(at(10))), is_different="yes", signs=["eyelid"])
    concern = OnlineConcern.objects.get()
    for browser in (as_carl, as_bea, as_alice):
        assert browser.get(reverse("booking:from-online")).status_code == 404
        assert browser.post(reverse("booking:settle", args=[concern.pk])).status_code == 404
    concern.refresh_from_db()
    assert concern.settled_at is None


def test_a_sign_ticked_below_a_no_stops_the_booking(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    page = text(visitor.confirms(visitor.chooses(wish(at(10))), is_different="no", signs=["eyelid"]))
    assert "112" in page
    assert Finding.objects.get(rule="neck_artery_signs").effect == "emergency"


def test_a_change_without_signs_is_booked_and_waits_for_a_therapist(
    as_alice: Browser, service: Service, wish: Wish
) -> None:
    visitor = Visitor(service, as_alice)
    visitor.confirms(visitor.chooses(wish(at(10))), is_different="yes", none_of_these="on")
    assert one_visit().status == Status.BOOKED
    assert one_visit().review_needed
    assert Finding.objects.get().rule == "red_flag_06"


def test_the_usual_pain_leaves_nothing_behind(as_alice: Browser, service: Service, wish: Wish) -> None:
    visitor = Visitor(service, as_alice)
    visitor.confirms(visitor.chooses(wish(at(10))))
    assert not Finding.objects.exists()


def test_a_no_to_mail_is_kept_and_asked_only_once(
    as_alice: Browser, alice: Client, service: Service, wish: Wish
) -> None:
    visitor = Visitor(service, as_alice)
    visitor.confirms(visitor.chooses(wish(at(10))), by_email="no")
    assert consenting([alice.pk], "email") == set()
    held = visitor.chooses(wish(at(10, day=25)))
    assert "May we write to you" not in text(as_alice.get(held["Location"]))
    visitor.browser.post(held["Location"], {"is_different": "no"})
    assert Appointment.objects.filter(status=Status.BOOKED).count() == 2


def test_a_newcomers_login_has_no_role(visitor: Visitor, wish: Wish) -> None:
    visitor.proves("nina@example.org", wish(at(10)))
    visitor.says(wish(at(10)), roles="owner")
    assert User.objects.get(email="nina@example.org").roles == []


# --- Waiting for another time


def test_a_client_asks_to_be_told_when_something_becomes_free(
    as_alice: Browser, alice: Client, service: Service, bea: Therapist, location: Location
) -> None:
    where = reverse("booking:wait", args=[service.pk])
    for _ in range(2):
        as_alice.post(where, {"location": location.pk, "with": bea.pk})
    wish = WaitlistWish.objects.get()
    assert (wish.client, list(wish.therapists.all()), list(wish.services.all())) == (alice, [bea], [service])
    assert "You are on the waitlist" in text(as_alice.get(reverse("booking:times", args=[service.pk])))


def test_a_new_client_does_not_wait_for_what_is_for_regulars(
    open_clinic: Clinic, as_carl: Browser, location: Location
) -> None:
    regulars = ServiceFactory(name="For regulars", is_open_to_new_clients=False)
    page = as_carl.post(reverse("booking:wait", args=[regulars.pk]), {"location": location.pk}, follow=True)
    assert "is for clients who have been here before" in text(page)
    assert not WaitlistWish.objects.exists()


def test_a_wish_goes_on_the_waitlist_only_for_the_one_of_whom_it_can_be(
    as_alice: Browser, alice_user: User, alice: Client, service: Service, location: Location, now: datetime
) -> None:
    regulars = ServiceFactory(name="Long treatment", is_open_to_new_clients=False)
    Client.objects.update(primary_therapist=None)
    as_alice.post(reverse("booking:wait", args=[regulars.pk]), {"location": location.pk})
    give_client_login(by=None, now=now, client=ClientFactory(legal_name="Leo Marques"), email=alice_user.email)
    as_alice.post(reverse("booking:wait", args=[service.pk]), {"location": location.pk})
    assert not WaitlistWish.objects.exists()


def test_a_stranger_puts_nobody_on_the_waitlist(visitor: Visitor, location: Location) -> None:
    where = reverse("booking:wait", args=[visitor.service.pk])
    assert visitor.browser.post(where, {"location": location.pk}).status_code == 302
    assert not WaitlistWish.objects.exists()


def test_times_are_not_looked_up_without_end(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinic.public.booking.MOST_LOOKS_A_MINUTE", 1)
    where = reverse("booking:times", args=[visitor.service.pk])
    assert [visitor.browser.get(where).status_code for _ in range(2)] == [200, 429]


def test_one_who_has_signed_in_books_for_somebody_else_of_the_family(
    as_alice: Browser, alice_user: User, service: Service, wish: Wish
) -> None:
    visitor = Visitor(service, as_alice)
    assert "/who/" in visitor.chooses(wish(at(10)) | {"for_another": "1"})["Location"]
    visitor.says(
        wish(at(10)), is_for="somebody", legal_name="Leo Marques", born_on="4.3.2015", guardian_name="Alice Marques"
    )
    assert one_visit().client.legal_name == "Leo Marques"
    assert {access.user for access in one_visit().client.accesses.all()} == {alice_user}


def test_where_no_mail_can_be_sent_she_reads_so(visitor: Visitor, wish: Wish, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise SMTPServerDisconnected("gone")

    chosen = wish(at(10))
    where = reverse("booking:who", args=[visitor.service.pk], query=chosen)
    visitor.browser.post(where, {"email": "nina@example.org"})
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert "The code could not be sent." in text(visitor.browser.post(where, {"email": "nina@example.org"}))
    resent = visitor.browser.post(
        reverse("booking:code", args=[visitor.service.pk], query=chosen), {"resend": "1"}, follow=True
    )
    assert "The code could not be sent." in text(resent)


def test_what_the_waitlist_holds_is_confirmed_by_its_own_link(
    as_alice: Browser, alice: Client, service: Service, bea: Therapist, location: Location, now: datetime, wish: Wish
) -> None:
    waits = add_wish(by=None, now=now, client=alice, wished=Wished([service]))
    offer = offer_time(by=None, now=now, wish=waits, match=Match(service, bea, location, at(10)))
    assert as_alice.get(reverse("booking:held", args=[offer.appointment_id])).status_code == 404
    as_alice.post(reverse("booking:give-up", args=[offer.appointment_id]))
    Visitor(service, as_alice).chooses(wish(at(15)))
    assert set(Appointment.objects.values_list("status", flat=True)) == {Status.HELD}
    assert Appointment.objects.count() == 2
