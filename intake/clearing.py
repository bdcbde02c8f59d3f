"""Clearances: asking a doctor for one by letter, recording what she allows, and taking it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.audit.services import record_change
from clinic.lib.body import Region
from clinic.lib.pdf import pdf_of
from clinic.lib.text import lines, one_line
from clinic.lib.times import day_bounds
from clinic.people.letterhead import letterhead
from clinic.people.models import Client, Modality, User, clinic_zone
from clinic.people.records import records_of
from clinic.people.services import lock_client, lock_kept
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.services import refresh_review_needed
from intake.documents import add_document, refuse_all_but_therapists
from intake.findings import consents_of
from intake.models import Effect, Finding
from intake.models_clearing import Clearance, Document, Letter
from intake.reading import finding_rows
from intake.safety import HIGHEST_PRESSURE
from intake.seeing import refuse_stale, seen_of
from intake.wall import today_at

# Her agreement that the clinic writes to her doctor.
MAY_WRITE = "physician"
LONGEST_NAME = 160
LONGEST_REASON = 240
# D: so many days before its end a clearance is open work; after it, for as long.
ENDS_SOON = timedelta(days=21)
ROWS_SHOWN = 50


# --- Recording


@transaction.atomic
def record_clearance(
    *,
    by: User,
    now: datetime,
    client: Client,
    findings: Collection[Finding],
    clinician: str,
    given_on: date,
    starts_on: date,
    ends_on: date,
    pressure_up_to: int,
    document: Document,
    modalities: Collection[str] = (),
    regions: Collection[str] = (),
) -> Clearance:
    """Record what a doctor allows, of findings as they are known now. No modality, or no region, named means any.

    Who records it knows of the findings. Raises ValidationError by field.
    """
    refuse_all_but_therapists(by)
    client = lock_kept(client.pk)
    held = _held_back(client, findings)
    clinician = one_line(clinician)
    _refuse_the_unnamed(clinician, modalities, regions, pressure_up_to)
    _refuse_days(given_on, starts_on, ends_on, today_at(now))
    if document.client_id not in _records(client):
        raise ValidationError({"document": _("This document is about somebody else.")})
    clearance = Clearance(
        client=client,
        clinician=clinician,
        given_on=given_on,
        modalities=sorted(modalities),
        regions=sorted(regions),
        pressure_up_to=pressure_up_to,
        starts_on=starts_on,
        ends_on=ends_on,
        document=document,
        recorded_at=now,
        recorded_by=by,
    )
    if sent_twice := _same_clearance(clearance, held):
        return sent_twice
    _make_known(held, by, now)
    clearance.save()
    clearance.findings.set(held)
    record_change(by=by.pk, client=client.pk, what=clearance, words=_("clearance recorded"), now=now)
    refresh_review_needed(client=client, now=now)
    return clearance


def _same_clearance(clearance: Clearance, findings: Sequence[Finding]) -> Clearance | None:
    """Return the clearance in force that says the same of these findings as they are now, if one was recorded."""
    said = ("client", "document", "clinician", "given_on", "starts_on", "ends_on", "pressure_up_to")
    same = Clearance.objects.filter(
        **{name: getattr(clearance, name) for name in said},
        modalities=clearance.modalities,
        regions=clearance.regions,
        revoked_at__isnull=True,
    )
    return next((one for one in same if _speaks_of(one, findings)), None)


def _speaks_of(clearance: Clearance, findings: Sequence[Finding]) -> bool:
    """Say whether it covers exactly these findings, none of which has grown since."""
    is_known = all(one.acknowledged_at and one.acknowledged_at <= clearance.recorded_at for one in findings)
    return is_known and set(clearance.findings.values_list("pk", flat=True)) == {one.pk for one in findings}


def _make_known(findings: Sequence[Finding], by: User, now: datetime) -> None:
    """Write down that a therapist knows of these findings, where none did."""
    for finding in findings:
        if finding.acknowledged_at is None:
            finding.acknowledged_at, finding.acknowledged_by = now, by
            finding.save(update_fields=["acknowledged_at", "acknowledged_by"])


@transaction.atomic
def revoke_clearance(*, by: User, now: datetime, clearance: Clearance, reason: str) -> Clearance:
    """Let a clearance count no longer, for a reason; what it opened is held back again at once."""
    refuse_all_but_therapists(by)
    reason = one_line(reason)
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise ValidationError({"reason": _("Say in a line why the clearance no longer counts.")})
    lock_client(clearance.client_id)
    clearance = Clearance.objects.select_for_update(of=("self",)).select_related("client").get(pk=clearance.pk)
    if clearance.revoked_at is not None:
        raise ValidationError(_("Somebody has taken this clearance back meanwhile."))
    clearance.revoked_at, clearance.revoked_by, clearance.revoking_reason = now, by, reason
    clearance.save(update_fields=["revoked_at", "revoked_by", "revoking_reason"])
    record_change(by=by.pk, client=clearance.client_id, what=clearance, words=_("clearance taken back"), now=now)
    refresh_review_needed(client=clearance.client, now=now)
    return clearance


def waiting_for_clearance(client_pk: int) -> QuerySet[Finding]:
    """Return what a clearance could open: findings in force that wait for one."""
    hers = Finding.objects.open().filter(client__among=records_of(client_pk), effect=Effect.CLEAR)
    return hers.select_related("rule_version", "acknowledged_by").order_by("raised_at", "pk")


def _held_back(client: Client, findings: Collection[Finding]) -> list[Finding]:
    """Return the findings as they are now, under her lock."""
    held = list(waiting_for_clearance(client.pk).filter(pk__in=[finding.pk for finding in findings]))
    if not held or len(held) < len(findings):
        raise ValidationError({"findings": _("Choose what the doctor has judged, among what waits for a clearance.")})
    seen = {finding.pk: seen_of(finding) for finding in findings}
    for finding in held:
        refuse_stale(finding, seen[finding.pk])
    return held


def _records(client: Client) -> set[int]:
    return {client.pk, *Client.objects.filter(merged_into=client).values_list("pk", flat=True)}


def _refuse_the_unnamed(
    clinician: str, modalities: Collection[str], regions: Collection[str], pressure_up_to: int
) -> None:
    if not 1 <= len(clinician) <= LONGEST_NAME:
        raise ValidationError({"clinician": _("Write the doctor’s name as it stands on the paper.")})
    if not 1 <= pressure_up_to <= HIGHEST_PRESSURE:
        raise ValidationError({"pressure_up_to": _("A pressure is 1 to 5.")})
    if not set(regions) <= set(Region):
        raise ValidationError({"regions": _("Choose among the regions of the body map.")})
    if set(modalities) - set(Modality.objects.filter(slug__in=modalities).values_list("slug", flat=True)):
        raise ValidationError({"modalities": _("Choose among the ways of working here.")})


def _refuse_days(given_on: date, starts_on: date, ends_on: date, today: date) -> None:
    if given_on > today:
        raise ValidationError({"given_on": _("This day is still to come.")})
    if starts_on < given_on:
        raise ValidationError({"starts_on": _("It cannot count before the day it was given.")})
    if ends_on < starts_on:
        raise ValidationError({"ends_on": _("It ends before it begins.")})
    if ends_on < today:
        raise ValidationError({"ends_on": _("It is over already; ask the doctor for a newer one.")})


# --- Asking by letter


@transaction.atomic
def write_letter(
    *, by: User, now: datetime, client: Client, findings: Collection[Finding], to_name: str, to_contact: str = ""
) -> Letter:
    """Make the letter that asks a doctor for a clearance, and keep a copy. It says no more than what is asked about.

    Where she has not agreed that we write to her doctor, the letter is hers to carry, and says so.
    """
    refuse_all_but_therapists(by)
    client = lock_kept(client.pk)
    held = _held_back(client, findings)
    to_name, to_contact = one_line(to_name), lines(to_contact)
    if not 1 <= len(to_name) <= LONGEST_NAME:
        raise ValidationError({"to_name": _("Write to whom the letter goes.")})
    letter = Letter(
        client=client,
        to_name=to_name,
        to_contact=to_contact,
        has_consent=may_write_to_doctor(client.pk),
        made_at=now,
        made_by=by,
    )
    if sent_twice := _same_letter(letter, held):
        return sent_twice
    with translation.override(client.language):
        sheet = pdf_of("intake/pdf/letter.typ", _letter_words(letter, held), now=now)
        name = _("Letter to %(name)s, %(day)s") % {"name": to_name, "day": today_at(now).isoformat()}
    letter.document = add_document(
        by=by, now=now, client=client, name=f"{name}.pdf", content=sheet, kind=Document.Kind.LETTER
    )
    letter.save()
    letter.findings.set(held)
    record_change(by=by.pk, client=client.pk, what=letter, words=_("letter to the doctor written"), now=now)
    return letter


def may_write_to_doctor(client_pk: int) -> bool:
    """Say whether she has agreed that we write to her doctor."""
    return MAY_WRITE in consents_of([client_pk]).get(client_pk, frozenset())


def _same_letter(letter: Letter, findings: Sequence[Finding]) -> Letter | None:
    """Return the letter that says the same of the same day, if one was written."""
    day = day_bounds(clinic_zone(), today_at(letter.made_at))
    same = letters_of(letter.client_id).filter(
        to_name=letter.to_name,
        to_contact=letter.to_contact,
        has_consent=letter.has_consent,
        made_by=letter.made_by,
        made_at__range=day,
    )
    asked = {finding.pk for finding in findings}
    return next((one for one in same if set(one.findings.values_list("pk", flat=True)) == asked), None)


def _letter_words(letter: Letter, findings: Sequence[Finding]) -> dict[str, object]:
    client, day = letter.client, today_at(letter.made_at)
    rows = finding_rows(findings)
    born = date_format(client.born_on, "j F Y") if client.born_on else _("not known to us")
    agreed = _("%(name)s has agreed that we write to you.")
    told = agreed if letter.has_consent else _("%(name)s brings you this letter in person.")
    return {
        "lang": translation.get_language() or "en",
        "clinic": letterhead(),
        "to": [letter.to_name, *letter.to_contact.splitlines()],
        "day": date_format(day, "j F Y"),
        "title": _("Request for a medical clearance"),
        "about": _("About %(name)s, born %(born)s") % {"name": client.legal_name, "born": born},
        "greeting": _("Dear %(name)s,") % {"name": letter.to_name},
        "why": _(
            "Our client comes to us for massage. Asked about health before a visit, our client told us something "
            "that we do not judge ourselves. Until you have, we hold back the work that it touches."
        ),
        "told": told % {"name": client.legal_name},
        "heads": {"what": _("What came up"), "where": _("Held back until you answer")},
        "findings": [{"title": row.words, "where": row.where or _("the whole body")} for row in rows],
        "asks": _("Please tell us, on this sheet or in your own words:"),
        "questions": [
            _("May massage be given?"),
            _("Where on the body, and where not?"),
            _("How firmly: 1 hold, 2 light, 3 moderate, 4 firm, 5 deep?"),
            _("From which day, and until when does this hold?"),
        ],
        "answers": {"yes": _("yes"), "no": _("no"), "signed": _("Date, name, signature, stamp")},
        "thanks": _("Massage here is complementary; it works alongside your care, and changes no medicine."),
        "by": letter.made_by.name,
        "foot": _("Confidential"),
    }


# --- Reading


def clearances_of(client_pk: int) -> QuerySet[Clearance]:
    """Return the clearances of a client, those that end last first."""
    hers = Clearance.objects.filter(client__among=records_of(client_pk))
    told = hers.select_related("document", "recorded_by", "revoked_by").prefetch_related("findings__rule_version")
    return told.order_by("-ends_on", "-pk")


def letters_of(client_pk: int) -> QuerySet[Letter]:
    """Return the letters that were written about a client, newest first."""
    hers = Letter.objects.filter(client__among=records_of(client_pk))
    return hers.select_related("document", "made_by").order_by("-made_at", "-pk")


# --- The worklist


def ending(now: datetime) -> QuerySet[Clearance]:
    """Return clearances that end soon, or have just ended, while what they open is still held back without them."""
    today = today_at(now)
    lasting = Clearance.objects.filter(findings=OuterRef("pk"), revoked_at__isnull=True, ends_on__gt=today + ENDS_SOON)
    left_over = Finding.objects.open().filter(clearances=OuterRef("pk"), effect=Effect.CLEAR).exclude(Exists(lasting))
    near = Clearance.objects.filter(revoked_at__isnull=True, ends_on__range=(today - ENDS_SOON, today + ENDS_SOON))
    # Records that were merged are archived, and speak for the one that was kept.
    theirs = Q(client__archived_at__isnull=True) | Q(client__merged_into__archived_at__isnull=True)
    return near.filter(theirs, Exists(left_over)).select_related("client__merged_into").order_by("ends_on", "pk")


def rows(user: User, now: datetime) -> list[WorkRow]:
    """Return one row for each clearance that ends, for therapists."""
    if not user.is_therapist:
        return []
    today = today_at(now)
    return [_row(clearance, today) for clearance in ending(now)[:ROWS_SHOWN]]


def _row(clearance: Clearance, today: date) -> WorkRow:
    client = clearance.client.merged_into or clearance.client
    day = date_format(clearance.ends_on, "D j M")
    over = clearance.ends_on < today
    detail = _("Clearance ended %(day)s") if over else _("Clearance ends %(day)s")
    url = reverse("intake:clearances", args=[client.pk])
    return WorkRow(title=client.name, detail=detail % {"day": day}, verb=_("Ask again"), url=url, is_urgent=False)


ENDING = Worklist(
    heading=gettext_lazy("Clearances that end"),
    empty=gettext_lazy("No clearance ends soon."),
    rows=rows,
)
