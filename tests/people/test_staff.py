"""Who works here: invitations, roles, and the end of a sign-in, which ends all that is open."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.audit.models import Change
from clinic.people.models import ClientAccess, Clinic, Invitation, Role, Therapist, User
from clinic.people.services import (
    INVITATION_LASTS,
    add_therapist,
    change_staff,
    deactivate_staff,
    give_client_login,
    invite_staff,
    reactivate_staff,
    withdraw_invitation,
)
from clinic.people.services import invitations as invitations_service
from clinic.people.services import staff as staff_service
from clinic.people.services.clinic import update_clinic
from tests.factories import PASSWORD, UserFactory, modality

STAFF = "/settings/staff/"
INVITE = "/settings/staff/invite/"
EVA = {"name": "Eva Brandt", "email": "Eva@Example.org", "roles": ["therapist", "front_desk"]}


def told(answer: object) -> str:
    """Return what the page that was led to says in its toasts."""
    return " ".join(str(message) for message in answer.context["messages"])  # type: ignore[attr-defined]


def link_in_the_mail() -> str:
    return re.search(r"https?://[^/\s]+(/invitations/\S+/)", mail.outbox[-1].body)[1]


def accept(link: str, password: str = PASSWORD) -> object:
    """Open a link and choose a password where it leads; return what came of it."""
    browser = Browser()
    page = browser.get(link, follow=True)
    return browser.post("/invitations/accept/", {"password": password}) if page.status_code == 200 else page


@pytest.fixture
def second_owner(clinic) -> User:
    return UserFactory(name="Otto Berg", email="otto@example.org", roles=[Role.OWNER])


@pytest.fixture
def link(as_olga: Browser, now: datetime) -> str:
    as_olga.post(INVITE, EVA)
    return link_in_the_mail()


# --- Invitations


def test_an_invited_person_chooses_a_password_and_is_signed_in(as_olga, now):
    answer = as_olga.post(INVITE, EVA, follow=True)
    assert "the link has gone to eva@example.org" in told(answer)
    browser = Browser()
    page = browser.get(link_in_the_mail(), follow=True)
    assert page.status_code == 200
    assert "Olga Novak has invited you to Harbour Clinic" in page.content.decode()
    assert browser.post("/invitations/accept/", {"password": PASSWORD})["Location"] == "/"
    eva = User.objects.get(email="eva@example.org")
    assert browser.session["_auth_user_id"] == str(eva.pk)
    assert (eva.name, eva.roles) == ("Eva Brandt", ["therapist", "front_desk"])
    assert eva.check_password(PASSWORD)


def test_the_letter_names_who_invites_and_is_from_the_clinic(link):
    (letter,) = mail.outbox
    assert letter.to == ["eva@example.org"]
    assert letter.from_email.startswith("Harbour Clinic <")
    assert "Olga Novak invites you" in letter.body
    assert "until Thursday 26 November" in letter.body
    assert "24 hours before" not in letter.body  # the clients' cancellation policy is none of hers
    assert link in letter.alternatives[0].content


def test_the_key_of_the_link_is_never_kept(link):
    token = link.split("/")[-2]
    assert len(token) >= 22  # 128 bits
    assert token not in str(list(Invitation.objects.values()))


def test_a_mail_scanner_that_opens_the_link_spends_nothing(link):
    for _ in range(3):
        assert Browser().get(link, follow=True).status_code == 200
        assert Browser().head(link).status_code == 302
    assert accept(link).status_code == 302


def test_the_key_stands_in_no_address_once_the_link_was_opened(link):
    browser = Browser()
    assert browser.get(link)["Location"] == "/invitations/accept/"
    page = browser.get("/invitations/accept/")
    assert link.split("/")[-2] not in page.content.decode()
    assert link.split("/")[-2] not in str(dict(browser.session))
    assert browser.post(link, {"password": PASSWORD}).status_code == 405
    assert Browser().get("/invitations/accept/").status_code == 404


def test_whoever_opened_the_link_before_it_was_withdrawn_comes_in_no_more(link, as_olga):
    browser = Browser()
    browser.get(link)
    as_olga.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/withdraw/")
    assert browser.post("/invitations/accept/", {"password": PASSWORD}).status_code == 404
    assert not User.objects.filter(email="eva@example.org").exists()


def test_a_line_break_in_a_name_stops_no_letter(as_olga, olga, clinic, dana, now):
    update_clinic(by=olga, now=now, name="Harbour\r\nClinic", cancellation_policy="Tell us\n24 hours before.")
    clinic.refresh_from_db()
    assert (clinic.name, clinic.cancellation_policy) == ("Harbour Clinic", "Tell us 24 hours before.")
    assert change_staff(by=olga, now=now, member=dana, name="Dana\nSilva", roles=dana.roles).name == "Dana Silva"
    answer = as_olga.post(INVITE, EVA | {"name": "Eva\nBrandt"}, follow=True)
    assert "the link has gone to eva@example.org" in told(answer)
    assert Invitation.objects.get().name == "Eva Brandt"


def test_a_letter_whose_head_cannot_be_written_could_not_be_sent(as_olga, clinic):
    Clinic.objects.update(name="Harbour\nClinic")
    answer = as_olga.post(INVITE, EVA, follow=True)
    assert "the mail could not be sent. Send it again" in told(answer)


def test_the_link_works_once(link):
    accept(link)
    assert Browser().get(link).status_code == 404
    again = accept(link, "another quiet morning")
    assert again.status_code == 404
    assert "This invitation is over" in again.content.decode()
    assert User.objects.get(email="eva@example.org").check_password(PASSWORD)


def test_the_link_works_for_seven_days(link, now):
    with time_machine.travel(now + INVITATION_LASTS - timedelta(seconds=1), tick=False):
        assert Browser().get(link, follow=True).status_code == 200
    with time_machine.travel(now + INVITATION_LASTS, tick=False):
        assert Browser().get(link).status_code == 404
        assert accept(link).status_code == 404


def test_a_weak_password_is_said_beside_the_field_and_spends_nothing(link):
    page = accept(link, "evabrandt")
    assert page.status_code == 200
    assert page.context["form"].errors.keys() == {"password"}
    assert not User.objects.filter(email="eva@example.org").exists()
    assert accept(link).status_code == 302


def test_a_withdrawn_link_opens_nothing(link, as_olga):
    pk = Invitation.objects.get().pk
    answer = as_olga.post(f"/settings/staff/invitations/{pk}/withdraw/", follow=True)
    assert "is withdrawn" in told(answer)
    assert Browser().get(link).status_code == 404
    assert as_olga.post(f"/settings/staff/invitations/{pk}/withdraw/").status_code == 404


def test_sending_again_makes_a_new_link_and_the_old_one_dies(link, as_olga):
    answer = as_olga.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/again/", follow=True)
    assert "the link has gone to" in told(answer)
    assert link_in_the_mail() != link
    assert Browser().get(link).status_code == 404
    assert Browser().get(link_in_the_mail(), follow=True).status_code == 200
    assert Invitation.objects.open().count() == 1


def test_an_invitation_that_has_run_out_can_be_sent_again_or_written_anew(link, as_olga, olga, now):
    later = now + INVITATION_LASTS + timedelta(days=1)
    with time_machine.travel(later, tick=False):
        as_olga.force_login(olga)
        assert "has run out" in as_olga.get(STAFF).content.decode()
        assert as_olga.post(INVITE, EVA).status_code == 302
        assert Browser().get(link_in_the_mail(), follow=True).status_code == 200
    assert Invitation.objects.open().count() == 1


def test_where_the_mail_cannot_be_sent_the_page_says_so_and_the_invitation_stays(as_olga, now, monkeypatch):
    def no_server(self: object, messages: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", no_server)
        answer = as_olga.post(INVITE, EVA, follow=True)
    assert "the mail could not be sent. Send it again" in told(answer)
    text = answer.content.decode()
    assert "Eva Brandt" in text
    assert "Send again" in text
    assert "the link has gone" in told(
        as_olga.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/again/", follow=True)
    )


def refusal_of(browser: Browser, **typed: object) -> dict[str, list[str]]:
    page = browser.post(INVITE, EVA | typed)
    assert page.status_code == 200
    assert f'value="{(EVA | typed)["name"]}"' in page.content.decode()
    assert not mail.outbox
    return page.context["form"].errors


def test_whoever_works_here_is_not_invited(as_olga, dana):
    assert refusal_of(as_olga, email="DANA@example.org") == {
        "email": ["Dana Silva works here already, with this address."]
    }


def test_whoever_has_worked_here_gets_the_old_sign_in_back(as_olga, olga, dana, now):
    deactivate_staff(by=olga, now=now, member=dana)
    (sentence,) = refusal_of(as_olga, email=dana.email)["email"]
    assert "let the old sign-in work again" in sentence


def test_a_clients_address_is_not_invited(as_olga, alice_user):
    (sentence,) = refusal_of(as_olga, email=alice_user.email)["email"]
    assert "A client signs in with this address" in sentence


def test_an_address_is_invited_once(link, as_olga):
    mail.outbox.clear()
    assert "has an open invitation" in refusal_of(as_olga, email="eva@EXAMPLE.org")["email"][0]


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"roles": []}, "roles"), ({"roles": ["chief"]}, "roles"), ({"email": "eva"}, "email"), ({"name": ""}, "name")],
)
def test_what_is_missing_is_said_beside_its_field_and_nobody_is_invited(as_olga, typed, field):
    page = as_olga.post(INVITE, EVA | typed)
    assert page.context["form"].errors.keys() == {field}
    assert not Invitation.objects.exists()


def test_an_address_given_to_a_client_meanwhile_is_refused_when_the_link_is_opened(link, alice, dana, now):
    give_client_login(by=dana, now=now, client=alice, email="eva@example.org")
    page = accept(link)
    assert "A client signs in with this address" in page.content.decode()
    login = User.objects.get(email="eva@example.org")
    assert login.roles == []
    assert not login.has_usable_password()
    assert Invitation.objects.open().exists()


def test_the_history_tells_who_invited_and_what_came_of_it(link, olga):
    accept(link)
    eva = User.objects.get(email="eva@example.org")
    told_of = Change.objects.filter(what="people.invitation").order_by("pk").values_list("words", "by")
    assert list(told_of) == [("sent", olga.pk), ("accepted", eva.pk)]


def in_two_threads(first: Callable[[], object], second: Callable[[], object]) -> list[bool]:
    """Do both at once, and tell which were not refused."""
    together = Barrier(2)

    def attempt(act: Callable[[], object]) -> bool:
        together.wait(timeout=10)
        try:
            act()
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(attempt, (first, second)))


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_invite_one_address_at_once_one_is_refused(olga, second_owner, monkeypatch):
    together = Barrier(2)
    issue = invitations_service._issue

    def issue_together(**facts: object) -> object:
        together.wait(timeout=10)
        return issue(**facts)

    monkeypatch.setattr(invitations_service, "_issue", issue_together)
    now = timezone.now()
    won = in_two_threads(
        lambda: invite_staff(by=olga, now=now, **EVA), lambda: invite_staff(by=second_owner, now=now, **EVA)
    )
    assert sorted(won) == [False, True]
    assert Invitation.objects.open().count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_one_link_at_once_one_gets_the_sign_in(olga):
    invitation, _token = invite_staff(by=olga, now=timezone.now(), **EVA)
    won = in_two_threads(
        *(
            lambda word=word: invitations_service.accept_invitation(
                by=None, now=timezone.now(), invitation=invitation, password=f"{PASSWORD} {word}"
            )
            for word in ("one", "two")
        )
    )
    assert sorted(won) == [False, True]


# --- Roles


def member_page(member: User) -> str:
    return f"{STAFF}{member.pk}/"


def test_a_change_of_roles_counts_from_the_next_request(as_olga, dana, as_dana):
    assert as_dana.get(STAFF).status_code == 404
    as_olga.post(member_page(dana), {"name": dana.name, "roles": ["front_desk", "owner"]})
    assert as_dana.get(STAFF).status_code == 200
    as_olga.post(member_page(dana), {"name": dana.name, "roles": ["front_desk"]})
    assert as_dana.get(STAFF).status_code == 404


def test_a_member_keeps_at_least_one_role(as_olga, dana):
    page = as_olga.post(member_page(dana), {"name": "Dana Silva"})
    assert page.context["form"].errors == {"roles": ["A member of staff has at least one role."]}
    dana.refresh_from_db()
    assert dana.roles == [Role.FRONT_DESK]


def test_the_last_owner_stays_one(as_olga, olga):
    page = as_olga.post(member_page(olga), {"name": olga.name, "roles": ["therapist"]})
    assert "is the only owner" in page.context["form"].errors["roles"][0]
    olga.refresh_from_db()
    assert olga.roles == [Role.OWNER]


def test_an_owner_who_may_not_sign_in_does_not_count_as_one(olga, second_owner, now):
    deactivate_staff(by=olga, now=now, member=second_owner)
    with pytest.raises(ValidationError, match="is the only owner"):
        change_staff(by=olga, now=now, member=olga, name=olga.name, roles=["therapist"])


def test_an_owner_may_step_back_where_another_stays(as_olga, olga, second_owner):
    answer = as_olga.post(member_page(olga), {"name": olga.name, "roles": ["front_desk"]})
    assert answer["Location"] == "/"
    assert as_olga.get(STAFF).status_code == 404


def test_a_therapist_who_can_be_booked_keeps_her_role(as_olga, bea):
    page = as_olga.post(member_page(bea.user), {"name": bea.user.name, "roles": ["front_desk"]})
    assert "can be booked" in page.context["form"].errors["roles"][0]
    bea.user.refresh_from_db()
    assert bea.user.is_therapist


def demote_each_other(olga: User, otto: User) -> list[bool]:
    def demote(by: User, member: User) -> User:
        return change_staff(by=by, now=timezone.now(), member=member, name=member.name, roles=["front_desk"])

    return in_two_threads(lambda: demote(olga, otto), lambda: demote(otto, olga))


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_demote_each_other_at_once_one_stays(olga, second_owner):
    assert sorted(demote_each_other(olga, second_owner)) == [False, True]
    assert User.objects.filter(roles__contains=[Role.OWNER], is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_race_leaves_no_owner(olga, second_owner, monkeypatch):
    together = Barrier(2)

    def unlocked(member: User) -> tuple[User, list[User]]:
        owners = list(User.objects.filter(is_active=True, roles__contains=[Role.OWNER]).order_by("pk"))
        together.wait(timeout=10)
        return User.objects.get(pk=member.pk), owners

    monkeypatch.setattr(staff_service, "_locked_with_owners", unlocked)
    assert demote_each_other(olga, second_owner) == [True, True]
    assert not User.objects.filter(roles__contains=[Role.OWNER]).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_end_each_others_sign_in_at_once_one_stays(olga, second_owner):
    def end(by: User, member: User) -> User:
        return deactivate_staff(by=by, now=timezone.now(), member=member)

    assert sorted(in_two_threads(lambda: end(olga, second_owner), lambda: end(second_owner, olga))) == [False, True]
    assert User.objects.filter(roles__contains=[Role.OWNER], is_active=True).count() == 1


# --- The end of a sign-in


def end_of(member: User) -> str:
    return f"{STAFF}{member.pk}/deactivate/"


def test_the_next_request_of_an_open_session_is_out(as_olga, dana, as_dana):
    assert as_dana.get("/day/").status_code == 200
    answer = as_olga.post(end_of(dana), follow=True)
    assert "Dana Silva can no longer sign in" in told(answer)
    out = as_dana.get("/day/")
    assert out.status_code == 302
    assert out["Location"].startswith("/login/")


def test_every_session_of_hers_is_deleted_and_nobody_elses(olga, dana, bea, signed_in, now):
    for member in (dana, dana, bea.user, olga):
        signed_in(member)
    deactivate_staff(by=olga, now=now, member=dana)
    left = [session.get_decoded()["_auth_user_id"] for session in Session.objects.all()]
    assert sorted(left) == sorted([str(bea.user.pk), str(olga.pk)])


def test_a_link_for_a_new_password_dies_with_the_sign_in(as_olga, dana):
    Browser().post("/password/reset/", {"email": dana.email})
    reset = re.search(r"(/password/reset/key/\S+)", mail.outbox[0].body)[1]
    as_olga.post(end_of(dana))
    browser = Browser()
    page = browser.get(reset, follow=True)
    assert "This link is used up" in page.content.decode()
    mail.outbox.clear()
    Browser().post("/password/reset/", {"email": dana.email})
    # Whoever asks gets a mail; this one leads nowhere.
    assert [re.search(r"/password/reset/key/", letter.body) for letter in mail.outbox] == [None]


def test_she_cannot_sign_in_any_more(as_olga, dana):
    as_olga.post(end_of(dana))
    browser = Browser()
    browser.post("/login/", {"login": dana.email, "password": PASSWORD})
    assert "_auth_user_id" not in browser.session


def test_invitations_she_sent_are_withdrawn(olga, second_owner, now):
    mine, _token = invite_staff(by=second_owner, now=now, **EVA)
    others, _token = invite_staff(by=olga, now=now, **EVA | {"email": "ida@example.org"})
    deactivate_staff(by=olga, now=now, member=second_owner)
    assert list(Invitation.objects.open()) == [others]
    mine.refresh_from_db()
    assert mine.withdrawn_at == now


def test_an_owner_who_steps_back_leaves_no_invitation_by_which_to_return(olga, second_owner, now):
    back, token = invite_staff(by=second_owner, now=now, **EVA | {"roles": ["owner"]})
    change_staff(by=olga, now=now, member=second_owner, name=second_owner.name, roles=[Role.FRONT_DESK])
    back.refresh_from_db()
    assert back.withdrawn_at == now
    assert accept(f"/invitations/{token}/").status_code == 404


@pytest.mark.parametrize("fate", [{"roles": [Role.FRONT_DESK]}, {"is_active": False}])
def test_an_invitation_is_accepted_only_while_an_owner_stands_behind_it(second_owner, now, fate):
    invitation, token = invite_staff(by=second_owner, now=now, **EVA)
    User.objects.filter(pk=second_owner.pk).update(**fate)
    assert accept(f"/invitations/{token}/").status_code == 404
    with pytest.raises(ValidationError, match="withdrawn, or has run out"):
        invitations_service.accept_invitation(by=None, now=now, invitation=invitation, password=PASSWORD)


def test_nobody_ends_her_own_sign_in(as_olga, olga, second_owner):
    page = as_olga.post(end_of(olga))
    assert "You cannot end your own sign-in" in page.content.decode()
    olga.refresh_from_db()
    assert olga.is_active
    assert end_of(olga) not in as_olga.get(member_page(olga)).content.decode()


def test_a_therapist_whose_sign_in_ends_is_booked_no_more_and_her_visits_are_next(as_olga, bea):
    assert "to be booked anew" in as_olga.get(end_of(bea.user)).content.decode()
    answer = as_olga.post(end_of(bea.user))
    assert answer["Location"] == f"/settings/therapists/{bea.pk}/visits/"
    bea.refresh_from_db()
    assert bea.archived_at is not None


def test_a_member_comes_back_by_a_password_she_chooses_anew(as_olga, dana):
    as_olga.post(end_of(dana))
    answer = as_olga.post(f"{STAFF}{dana.pk}/reactivate/", follow=True)
    assert "may sign in, after choosing a new password" in told(answer)
    browser = Browser()
    browser.post("/login/", {"login": dana.email, "password": PASSWORD})
    assert "_auth_user_id" not in browser.session
    Browser().post("/password/reset/", {"email": dana.email})
    form = browser.get(re.search(r"(/password/reset/key/\S+)", mail.outbox[0].body)[1], follow=True)
    browser.post(
        form.request["PATH_INFO"], {"password1": "a new morning in Porto", "password2": "a new morning in Porto"}
    )
    browser.post("/login/", {"login": dana.email, "password": "a new morning in Porto"})
    assert browser.get("/day/").status_code == 200


def test_the_history_keeps_the_end_and_the_coming_back(olga, dana, now):
    deactivate_staff(by=olga, now=now, member=dana)
    reactivate_staff(by=olga, now=now, member=dana)
    events = User.pgh_event_model.objects.filter(pgh_obj=dana, pgh_label="update").order_by("pgh_id")
    assert [(event.is_active, event.pgh_context["by"]) for event in events] == [(False, olga.pk), (True, olga.pk)]


# --- The list, and who comes in


def test_the_list_shows_members_roles_state_and_invitations(as_olga, olga, dana, bea, now):
    invite_staff(by=olga, now=now, **EVA)
    deactivate_staff(by=olga, now=now, member=dana)
    text = as_olga.get(STAFF).content.decode()
    for words in (
        "Bea Lindqvist",
        "Dana Silva",
        "may not sign in",
        "Eva Brandt",
        "until Thu 26 Nov",
        "therapist, front desk",
    ):
        assert words in text


def test_the_list_costs_the_same_for_few_and_for_many(as_olga, olga, now, django_assert_num_queries):
    def fill() -> None:
        for _ in range(4):
            user = UserFactory(roles=[Role.THERAPIST])
            Therapist.objects.create(user=user, licence_expires_on=date(2026, 12, 1))
            invite_staff(by=olga, now=now, **EVA | {"email": f"{user.pk}@example.net"})

    fill()
    as_olga.get(STAFF)  # the first page of a session notes when it began
    with CaptureQueriesContext(connection) as few:
        as_olga.get(STAFF)
    fill()
    with django_assert_num_queries(len(few)):
        as_olga.get(STAFF)


def test_a_clients_login_is_no_member(as_olga, alice_user):
    assert as_olga.get(member_page(alice_user)).status_code == 404
    assert as_olga.post(end_of(alice_user)).status_code == 404
    assert ClientAccess.objects.filter(user=alice_user).exists()


def test_an_owner_makes_herself_a_therapist_who_can_be_booked(as_olga, olga):
    as_olga.post(member_page(olga), {"name": olga.name, "roles": ["owner", "therapist"]})
    assert "Make bookable" in as_olga.get(STAFF).content.decode()
    kind = modality("craniosacral")
    typed = {"licence_number": "PT-9", "colour": "iris", f"held_{kind.pk}": "on"}
    answer = as_olga.post(f"{STAFF}{olga.pk}/bookable/", typed)
    therapist = Therapist.objects.get(user=olga)
    assert answer["Location"] == f"/settings/therapists/{therapist.pk}/hours/"
    assert list(therapist.modalities.all()) == [kind]
    assert "Make bookable" not in as_olga.get(STAFF).content.decode()


def test_whoever_is_no_therapist_is_not_made_bookable(as_olga, dana, bea):
    assert as_olga.get(f"{STAFF}{dana.pk}/bookable/").status_code == 404
    assert as_olga.get(f"{STAFF}{bea.user.pk}/bookable/").status_code == 404
    with pytest.raises(ValidationError, match="role of therapist"):
        add_therapist(
            by=None, now=timezone.now(), user=dana, licence_number="", licence_expires_on=None, usual_room=None,
            qualifications=[],
        )  # fmt: skip


def test_only_an_open_invitation_is_withdrawn(olga, now):
    invitation, _token = invite_staff(by=olga, now=now, **EVA)
    withdraw_invitation(by=olga, now=now, invitation=invitation)
    with pytest.raises(ValidationError, match="no longer open"):
        withdraw_invitation(by=olga, now=now, invitation=invitation)
