from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, connection
from django.db.models import BigIntegerField
from django.test.utils import CaptureQueriesContext

from clinic.audit.models import Change
from clinic.lib.prepared import Given, Prepared, add
from clinic.people.models import Client, Therapist
from clinic.scheduling.models import TimeOff
from tests.factories import ClientFactory, TherapistFactory

pytestmark = pytest.mark.django_db

HERS = Prepared(
    lambda: (
        Client.objects.filter(primary_therapist=Given("therapist", BigIntegerField()), archived_at__isnull=True)
        .select_related("primary_therapist__user")
        .order_by("pk")
    )
)


def test_a_prepared_query_finds_what_its_words_say_each_time_with_what_is_given():
    bea, dora = TherapistFactory(), TherapistFactory()
    hers, others = ClientFactory(primary_therapist=bea), ClientFactory(primary_therapist=dora)
    assert [HERS.all(therapist=one.pk) for one in (bea, dora)] == [[hers], [others]]
    assert HERS.first(therapist=0) is None


def test_what_it_brings_along_needs_no_other_query():
    bea = TherapistFactory()
    ClientFactory(primary_therapist=bea)
    with CaptureQueriesContext(connection) as asked:
        found = HERS.first(therapist=bea.pk)
        assert found.primary_therapist.user.name == bea.user.name
    assert len(asked) == 1


def test_nobody_comes_along_where_nobody_is_named():
    someone = ClientFactory(primary_therapist=None)
    by_key = Prepared(
        lambda: Client.objects.filter(pk=Given("pk", BigIntegerField())).select_related("primary_therapist__user")
    )
    assert by_key.first(pk=someone.pk).primary_therapist is None


def test_a_prepared_query_for_values_gives_rows():
    bea = TherapistFactory()
    names = Prepared(
        lambda: Therapist.objects.filter(pk=Given("pk", BigIntegerField())).values_list("pk", "user__name")
    )
    assert names.all(pk=bea.pk) == [(bea.pk, bea.user.name)]


def test_a_row_that_is_found_is_changed_and_not_written_a_second_time():
    someone = ClientFactory(primary_therapist=TherapistFactory())
    found = HERS.first(therapist=someone.primary_therapist_id)
    found.alert = "rings twice"
    found.save(update_fields=["alert"])
    assert Client.objects.get().alert == "rings twice"


def change(now, **more) -> Change:
    return Change(
        **{"client_pk": 1, "what": "people.client", "what_pk": 1, "words": "changed: phone", "at": now} | more
    )


def test_rows_are_added_in_their_order_by_one_statement_and_know_their_keys(now):
    rows = [change(now, words=f"changed: {number}") for number in range(40)]
    with CaptureQueriesContext(connection) as asked:
        add(*rows)
    assert len(asked) == 1
    assert list(Change.objects.order_by("pk").values_list("pk", "words")) == [(row.pk, row.words) for row in rows]


def test_a_row_that_was_added_is_changed_by_its_key(now):
    absence = TimeOff(therapist=TherapistFactory(), starts_at=now, ends_at=now + timedelta(hours=1), reason="course")
    add(absence)
    absence.reason = "holiday"
    absence.save()
    assert TimeOff.objects.get().reason == "holiday"


def test_what_is_too_long_for_its_column_is_refused_and_not_cut(now):
    with pytest.raises(DataError):
        add(change(now, words="x" * 201))


def test_what_points_at_nobody_is_refused(now):
    add(change(now, by_id=987654321))
    with pytest.raises(IntegrityError):
        connection.check_constraints()
