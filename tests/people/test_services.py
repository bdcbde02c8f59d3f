from datetime import date, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.audit.models import Change
from clinic.audit.services import label_of
from clinic.people.models import Client, ClientAccess, Clinic, Modality, Role, User
from clinic.people.services import (
    add_location,
    add_room,
    add_service,
    add_staff,
    add_therapist,
    consenting,
    create_client,
    give_client_login,
    has_contact_consent,
    issue_set_up_token,
    record_contact_consent,
    set_up_clinic,
    take_client_login,
    update_client,
)
from clinic.scheduling.services import add_time_off, add_weekly_hours
from tests.factories import BEFORE, PASSWORD, ClientFactory, UserFactory

CLINIC = {
    "name": "Quiet Rooms",
    "currency": "eur",
    "owner_name": "Olga Novak",
    "owner_email": "Olga@Example.org",
    "owner_password": PASSWORD,
    "location_name": "Harbour Street",
    "time_zone": "Europe/Lisbon",
}


def told_of(tracked):
    """Return what the change history tells of one thing: (what happened, whose login, when), oldest first."""
    events = tracked.pgh_event_model.objects.filter(pgh_obj=tracked.pk).order_by("pgh_id")
    return [
        (
            e.pgh_label,
            e.pgh_context and e.pgh_context["by"],
            e.pgh_context and datetime.fromisoformat(e.pgh_context["at"]),
        )
        for e in events
    ]


def test_the_seven_modalities_come_with_the_database(db):
    rows = Modality.objects.values_list("code", "slug", "is_deep", "uses_static_compression", "works_head_or_neck")
    assert list(rows) == [
        ("CS", "craniosacral", False, False, True),
        ("MF", "myofascial", False, False, True),
        ("NM", "neuromuscular", False, True, True),
        ("SW", "swedish", False, False, True),
        ("DT", "deep_tissue", True, False, True),
        ("RX", "reflexology", False, False, False),
        ("NS", "neck_shoulder", False, False, True),
    ]


def test_a_clinics_own_modality_gets_the_strictest_safety_attributes(db):
    own = Modality.objects.create(slug="own", name="Our own", code="XX")
    assert (own.is_deep, own.uses_static_compression, own.works_head_or_neck) == (True, True, True)


def test_a_new_client_is_written_down_with_who_and_when(now, dana):
    client = create_client(by=dana, now=now, legal_name=" Ana Reis ", email="Ana@Example.org")
    assert (client.legal_name, client.email, client.created_by, client.created_at) == (
        "Ana Reis",
        "ana@example.org",
        dana,
        now,
    )
    assert told_of(client) == [("insert", dana.pk, now)]


def test_a_client_may_come_by_herself(now, clinic):
    assert create_client(by=None, now=now, legal_name="Ana Reis").created_by is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"legal_name": " "}, "legal_name"),
        ({"legal_name": "Ana", "born_on": date(2027, 1, 1)}, "born_on"),
        ({"legal_name": "Ana", "email": "nowhere"}, "email"),
        ({"legal_name": "Ana", "phone": "912"}, "phone"),
    ],
)
def test_a_client_who_cannot_be_is_refused(now, dana, facts, field):
    with pytest.raises(ValidationError) as refused:
        create_client(by=dana, now=now, **facts)
    assert field in refused.value.error_dict
    assert not Client.objects.exists()


def test_an_update_writes_and_records_only_what_changed(now, dana, alice):
    update_client(by=dana, now=now, client=alice, legal_name="Alice Marques", email="New@example.org", phone="")
    alice.refresh_from_db()
    assert alice.email == "new@example.org"
    assert told_of(alice)[-1] == ("update", dana.pk, now)


def test_an_update_that_changes_nothing_is_not_recorded(now, dana, alice):
    update_client(by=dana, now=now, client=alice, legal_name=alice.legal_name)
    assert [what for what, _by, _at in told_of(alice)] == ["insert"]


def test_nobody_is_written_to_without_consent(now, alice):
    assert not has_contact_consent(alice, "email")


def test_the_latest_word_on_a_channel_counts(now, dana, alice):
    record_contact_consent(by=dana, now=now, client=alice, channel="email", is_given=True, source="in person")
    assert has_contact_consent(alice, "email")
    assert not has_contact_consent(alice, "text")
    later = now + timedelta(minutes=1)
    record_contact_consent(by=dana, now=later, client=alice, channel="email", is_given=False, source="on the phone")
    assert not has_contact_consent(alice, "email")
    assert alice.contact_consents.count() == 2


def test_of_two_words_in_the_same_moment_the_second_counts(now, dana, alice):
    for is_given in (True, False):
        record_contact_consent(by=dana, now=now, client=alice, channel="text", is_given=is_given, source="in person")
    assert not has_contact_consent(alice, "text")


def test_consent_of_many_is_asked_in_one_query(now, dana, alice, django_assert_num_queries):
    others = ClientFactory.create_batch(5)
    for client in (alice, others[0]):
        record_contact_consent(by=dana, now=now, client=client, channel="email", is_given=True, source="in person")
    with django_assert_num_queries(1):
        assert consenting([alice.pk, *(one.pk for one in others)], "email") == {alice.pk, others[0].pk}


def test_a_login_is_made_once_and_serves_a_family(now, dana, clinic):
    mother, child = ClientFactory(email="family@example.org"), ClientFactory(email="family@example.org")
    first = give_client_login(by=dana, now=now, client=mother, email="Family@example.org")
    second = give_client_login(by=dana, now=now, client=child, email="family@example.org", relation="guardian")
    again = give_client_login(by=dana, now=now, client=child, email="family@example.org")
    assert first == second == again
    assert not first.has_usable_password()
    assert first.roles == []
    assert sorted(ClientAccess.objects.values_list("relation", flat=True)) == ["guardian", "self"]


def test_a_client_cannot_share_the_sign_in_of_staff(now, dana, alice):
    with pytest.raises(ValidationError, match="member of staff"):
        give_client_login(by=dana, now=now, client=alice, email="DANA@example.org")


def test_a_closed_sign_in_is_not_opened_again_by_the_way(now, dana, alice, carl):
    carl.is_active = False
    carl.save()
    with pytest.raises(ValidationError, match="closed"):
        give_client_login(by=dana, now=now, client=alice, email=carl.email)


def test_a_sign_in_taken_away_reaches_the_client_no_longer(now, dana, alice, alice_user):
    take_client_login(by=dana, now=now, access=alice.accesses.get())
    assert not Client.objects.visible_to(alice_user).exists()
    taken = ClientAccess.pgh_event_model.objects.get(pgh_label="delete")
    assert (taken.client_id, taken.user_id, taken.pgh_context["by"]) == (alice.pk, alice_user.pk, dana.pk)


def test_staff_need_a_role_and_a_password_worth_the_name(clinic):
    with pytest.raises(ValidationError) as refused:
        add_staff(by=None, now=BEFORE, email="x@example.org", name="X", roles=[], password=PASSWORD)
    assert "roles" in refused.value.error_dict
    with pytest.raises(ValidationError) as refused:
        add_staff(by=None, now=BEFORE, email="x@example.org", name="X", roles=[Role.THERAPIST], password="password")
    assert "password" in refused.value.error_dict
    with pytest.raises(ValidationError):
        add_staff(by=None, now=BEFORE, email="x@example.org", name="X", roles=["king"], password=PASSWORD)
    assert not User.objects.exists()


def test_two_logins_never_differ_only_in_case(dana):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="DANA@example.org", name="Other")])


def test_only_a_therapist_can_be_booked(dana):
    with pytest.raises(ValidationError, match="role of therapist"):
        add_therapist(
            by=None,
            now=BEFORE,
            user=dana,
            licence_number="1",
            licence_expires_on=None,
            usual_room=None,
            qualifications=[],
        )


def test_a_therapist_holds_each_qualification_once(room):
    user = UserFactory(roles=[Role.THERAPIST])
    swedish = Modality.objects.get(slug="swedish")
    therapist = add_therapist(
        by=None,
        now=BEFORE,
        user=user,
        licence_number="PT-1",
        licence_expires_on=date(2028, 1, 1),
        usual_room=room,
        locations=[room.location],
        qualifications=[(swedish, "Diploma", None)],
    )
    assert list(therapist.modalities.all()) == [swedish]


def test_setting_up_makes_the_clinic_its_owner_and_its_location(now, db):
    clinic = set_up_clinic(now=now, token=issue_set_up_token(now=now), **CLINIC)
    owner = User.objects.get()
    assert (clinic.name, clinic.currency, owner.email, owner.roles) == (
        "Quiet Rooms",
        "EUR",
        "olga@example.org",
        ["owner"],
    )
    assert owner.check_password(PASSWORD)


def test_a_set_up_key_works_once(now, db):
    token = issue_set_up_token(now=now)
    set_up_clinic(now=now, token=token, **CLINIC)
    with pytest.raises(ValidationError, match="used"):
        set_up_clinic(now=now, token=token, **CLINIC)
    with pytest.raises(ValidationError, match="already"):
        issue_set_up_token(now=now)


@pytest.mark.parametrize("hours", [24, 25])
def test_a_set_up_key_ends_after_a_day(now, db, hours):
    token = issue_set_up_token(now=now)
    with pytest.raises(ValidationError, match="run out"):
        set_up_clinic(now=now + timedelta(hours=hours), token=token, **CLINIC)
    assert not Clinic.objects.exists()


def test_a_new_set_up_key_replaces_the_old_one(now, db):
    old, new = issue_set_up_token(now=now), issue_set_up_token(now=now)
    with pytest.raises(ValidationError):
        set_up_clinic(now=now, token=old, **CLINIC)
    assert set_up_clinic(now=now, token=new, **CLINIC)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"currency": "E"}, "currency"),
        ({"owner_password": "short"}, "owner_password"),
        ({"owner_email": "nowhere"}, "owner_email"),
    ],
)
def test_a_set_up_that_is_refused_leaves_nothing_behind_and_names_the_field(now, db, wrong, field):
    token = issue_set_up_token(now=now)
    with pytest.raises(ValidationError) as refused:
        set_up_clinic(now=now, token=token, **{**CLINIC, **wrong})
    assert field in refused.value.error_dict
    assert not Clinic.objects.exists()
    assert not User.objects.exists()
    assert set_up_clinic(now=now, token=token, **CLINIC)


def test_there_is_only_one_clinic(clinic, now):
    with pytest.raises(IntegrityError), transaction.atomic():
        Clinic.objects.create(pk=2, name="Second", currency="EUR", set_up_at=now)


def test_who_hired_and_who_was_given_which_roles_leaves_a_trace(olga, now):
    user = add_staff(
        by=olga,
        now=now,
        email="eva@example.org",
        name="Eva Horn",
        roles=[Role.OWNER, Role.THERAPIST],
        password=PASSWORD,
    )
    swedish = Modality.objects.get(slug="swedish")
    therapist = add_therapist(
        by=olga,
        now=now,
        user=user,
        licence_number="PT-1",
        licence_expires_on=None,
        usual_room=None,
        qualifications=[(swedish, "", None)],
    )
    assert told_of(user) == told_of(therapist) == [("insert", olga.pk, now)]
    assert told_of(therapist.qualifications.get()) == [("insert", olga.pk, now)]
    assert User.pgh_event_model.objects.get(pgh_obj=user).roles == ["owner", "therapist"]


def test_places_services_and_hours_leave_a_trace_of_who_added_them(olga, now, bea):
    location = add_location(by=olga, now=now, name="Lake Road", time_zone="Europe/Lisbon")
    swedish = Modality.objects.get(slug="swedish")
    tracked = [
        location,
        add_room(by=olga, now=now, location=location, name="Garden room"),
        add_service(by=olga, now=now, name="Hour", modality=swedish, minutes=60, price_minor=6000),
    ]
    assert [told_of(one) for one in tracked] == [[("insert", olga.pk, now)]] * 3
    facts = {"therapist": bea, "location": location}
    week = {"weekday": 0, "opens": time(9), "closes": time(13), "valid_from": now.date()}
    add_weekly_hours(by=olga, now=now, **facts, **week)
    add_time_off(by=olga, now=now, **facts, starts_at=now, ends_at=now + timedelta(hours=3))
    told = Change.objects.filter(by=olga, client_pk=None, what=label_of(bea), what_pk=bea.pk, at=now).order_by("pk")
    assert list(told.values_list("words", flat=True)) == [
        "working hours added from Thu 19 Nov 2026 on",
        "absence entered: Thu 19 Nov, 09:00 to Thu 19 Nov, 12:00",
    ]
