"""Scheduling's part when two records of one person are made one: what is to come goes on with the kept record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.lib.times import local_date
from clinic.people.merging import Fate, MergeStep, Moved, Pair, Part
from clinic.people.models import Client, Room, Therapist, User, clinic_zone
from clinic.people.records import records_of
from clinic.scheduling.models import NOT_BEGUN, TAKING, Appointment, AppointmentQuerySet, Series, Status
from clinic.scheduling.services import one_booking
from clinic.scheduling.words import moment_words

# Treated, or being treated: there is a note, which stays with the record that it was written for.
BEGUN = (Status.IN_SESSION, Status.COMPLETED)


def to_come(clients: Collection[int | Client], now: datetime) -> AppointmentQuerySet:
    """Return the visits that nobody has begun and that may still take place, cancelled ones too: they may come back."""
    open_ones = Q(status__in=NOT_BEGUN) | Q(ends_at__gt=now)
    return Appointment.objects.filter(open_ones, client__in=clients).exclude(status__in=BEGUN)


def lock(client_pks: Collection[int], now: datetime) -> None:
    """Lock the therapists and the rooms of their visits to come, in the order in which a booking does."""
    visits = to_come(client_pks, now)
    therapists = Therapist.objects.filter(pk__in=visits.values("therapist"))
    rooms = Room.objects.filter(pk__in=visits.values("room"))
    for rows in (therapists, rooms):
        list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def refuse(pair: Pair) -> list[str]:
    """Say where both have a visit at the same time: the database lets one person have only one."""
    hers = to_come([pair.gone], pair.now).filter(status__in=TAKING)
    meeting = hers.filter(starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"))
    both = Appointment.objects.filter(Exists(meeting), client=pair.kept, status__in=TAKING)
    return [
        _("Both have a visit on %(when)s. Cancel or move one of the two first.")
        % {"when": moment_words(visit.starts_at, visit.location.zone)}
        for visit in both.select_related("location").order_by("starts_at")
    ]


def sum_up(client: Client, _reader: User, now: datetime) -> list[str]:
    """Say how many visits there were and when the last was, and how many are to come."""
    hers = Appointment.objects.filter(client__among=records_of(client.pk), status__in=(Status.REQUESTED, *TAKING))
    found = hers.aggregate(
        was=Count("pk", filter=Q(starts_at__lt=now)),
        last=Max("starts_at", filter=Q(starts_at__lt=now)),
        to_come=Count("pk", filter=Q(starts_at__gte=now)),
    )
    if not found["was"]:
        words = [_("no visits yet")]
    else:
        day = date_format(local_date(clinic_zone(), found["last"]), "j M Y")
        told = ngettext("%(n)d visit, on %(day)s", "%(n)d visits, the last on %(day)s", found["was"])
        words = [told % {"n": found["was"], "day": day}]
    if found["to_come"]:
        words.append(ngettext("%(n)d to come", "%(n)d to come", found["to_come"]) % {"n": found["to_come"]})
    return words


def tell(pair: Pair) -> list[Part]:
    """Count what comes and what stays."""
    coming = to_come([pair.gone], pair.now)
    visits = coming.filter(status__in=NOT_BEGUN).count()
    series = _series(pair.gone, coming).count()
    earlier = Appointment.objects.filter(client=pair.gone).exclude(pk__in=coming.values("pk")).count()
    said = [
        (visits, Fate.COMES, ngettext("%(n)d visit to come", "%(n)d visits to come", visits)),
        (series, Fate.COMES, ngettext("%(n)d series", "%(n)d series", series)),
        (earlier, Fate.STAYS, ngettext("%(n)d earlier visit", "%(n)d earlier visits", earlier)),
    ]
    return [Part(fate, words % {"n": n}) for n, fate, words in said if n]


def _series(client: Client, visits: AppointmentQuerySet) -> QuerySet[Series]:
    return Series.objects.filter(client=client, pk__in=visits.filter(status__in=NOT_BEGUN).values("series"))


def move(pair: Pair) -> Moved:
    """Move the visits to come, and the series they belong to."""
    coming = to_come([pair.gone], pair.now)
    series = list(_series(pair.gone, coming).values_list("pk", flat=True))
    visits = _locked(coming)
    with one_booking():
        Appointment.objects.filter(pk__in=visits).update(client=pair.kept)
    Series.objects.filter(pk__in=series).update(client=pair.kept)
    return {"visits": visits, "series": series}


def undo(pair: Pair, moved: Moved) -> Sequence[Part]:
    """Move back what is still to come, wherever it was moved in time; what was begun meanwhile stays."""
    theirs = Appointment.objects.filter(pk__in=moved["visits"], client=pair.kept)
    visits = _locked(theirs.exclude(status__in=BEGUN))
    with one_booking():
        Appointment.objects.filter(pk__in=visits).update(client=pair.gone)
    Series.objects.filter(pk__in=moved["series"], client=pair.kept).update(client=pair.gone)
    return [
        Part(
            Fate.STAYS,
            _("The visit on %(when)s was begun meanwhile and stays with %(name)s.")
            % {"when": moment_words(visit.starts_at, visit.location.zone), "name": pair.kept.name},
        )
        for visit in theirs.exclude(pk__in=visits).select_related("location").order_by("starts_at")
    ]


def _locked(visits: AppointmentQuerySet) -> list[int]:
    return list(visits.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


STEP = MergeStep(sum_up=sum_up, tell=tell, move=move, undo=undo, refuse=refuse, lock=lock)
