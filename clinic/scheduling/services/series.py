"""Book a series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.audit.services import record_change
from clinic.lib.prepared import add
from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.models import Appointment, Series
from clinic.scheduling.services.locks import expire_holds, lock_places, one_booking
from clinic.scheduling.services.plans import ChosenVisit, Plan, find_places
from clinic.scheduling.services.recording import step_of
from clinic.scheduling.services.refusals import used_form

MOST_VISITS = 104


def book_series(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    first_on: date,
    at_time: time,
    every_weeks: int,
    count: int,
    chosen: Sequence[ChosenVisit],
    idempotency_key: UUID,
    continues: Series | None = None,
) -> Series:
    """Book all the chosen visits of a series, or none. The same key with the same wishes returns the first booking.

    `continues` is the series that goes on in this one. Raises SlotTaken with one sentence for each visit that has been
    taken meanwhile.
    """
    series = Series(
        client=client,
        service=service,
        therapist=therapist,
        location=location,
        first_on=first_on,
        at_time=at_time,
        every_weeks=every_weeks,
        count=count,
        continues=continues,
        idempotency_key=idempotency_key,
        booked_by=by,
        booked_at=now,
    )
    series.wishes_digest = _digest_of(series, chosen)
    # What it points at has just been read.
    series.clean_fields(exclude={"booked_by", "client", "service", "therapist", "location", "continues"})
    if not 1 <= len(chosen) <= count <= MOST_VISITS:
        raise ValidationError(_("A series has 1 to %(most)d visits."), params={"most": MOST_VISITS})
    plans = [Plan(by, client, service, one.therapist, location, one.starts_at) for one in chosen]
    with one_booking():
        therapists = {plan.therapist.pk for plan in plans}
        lock_places(therapists, location)
        fresh = lock_client(client.pk)
        plans = [replace(plan, client=fresh) for plan in plans]
        if earlier := _series_before(series):
            return earlier
        expire_holds(therapists, location, now=now, client=fresh)
        series.save(force_insert=True)
        visits = [Appointment(client=fresh, series=series, booked_by=by, booked_at=now) for _plan in plans]
        find_places(visits, plans, now=now)
        add(*visits)
        add(*[step_of(visit, before="", by=by, at=now, batch=idempotency_key) for visit in visits])
        told = ngettext("%(n)d visit booked", "%(n)d visits booked", len(visits)) % {"n": len(visits)}
        record_change(by=by.pk if by else None, client=client.pk, what=series, words=told, now=now)
    return series


def _series_before(wished: Series) -> Series | None:
    earlier = Series.objects.filter(idempotency_key=wished.idempotency_key).first()
    if earlier and earlier.wishes_digest != wished.wishes_digest:
        raise used_form()
    return earlier


def _digest_of(series: Series, chosen: Sequence[ChosenVisit]) -> str:
    """Return the digest of all that a series form says: the rule, who sends it, and each visit with its therapist."""
    rule = [
        series.client_id,
        series.service_id,
        series.therapist_id,
        series.location_id,
        series.first_on.isoformat(),
        series.at_time.isoformat(),
        series.every_weeks,
        series.count,
        series.booked_by_id,
    ]
    visits = sorted((one.starts_at.astimezone(UTC).isoformat(), one.therapist.pk) for one in chosen)
    return sha256(json.dumps([rule, visits]).encode()).hexdigest()
