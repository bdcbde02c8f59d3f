"""Intake's part when two records of one person are made one.

Answers sent, consents, findings, clearances and documents stay where they are and hold for the whole person; what is
open goes on with the kept record. A consent that a later form of the other record took the place of no longer counts,
as on one record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Moved, Pair, Part
from clinic.people.records import records_of
from clinic.scheduling.services import refresh_review_needed
from intake.models import Consent, Finding, Invitation, Submission
from intake.models_clearing import Clearance, Document
from intake.questions import form_of

DRAFT = Submission.State.DRAFT


def tell(pair: Pair) -> list[Part]:
    """Say what comes and what stays; that a link is open the desk knows, all else is health."""
    links = _open_links(pair.gone.pk).count()
    parts = [_part(links, Fate.COMES, ngettext("%(n)d open link to the intake form", "%(n)d open links", links))]
    sent, theirs = (Submission.objects.filter(client=one).exclude(state=DRAFT) for one in (pair.gone, pair.kept))
    drafts = [Submission.objects.filter(client=one, state=DRAFT).exists() for one in (pair.gone, pair.kept)]
    findings = Finding.objects.open().filter(client=pair.gone).count()
    consents = Consent.objects.filter(client=pair.gone).count()
    papers = Document.objects.filter(client=pair.gone).count()
    clearances = Clearance.objects.filter(client=pair.gone, revoked_at__isnull=True).count()
    n = sent.count()
    health = [
        _part(n, Fate.STAYS, ngettext("%(n)d intake sent in", "%(n)d intakes sent in", n)),
        _part(findings, Fate.STAYS, ngettext("%(n)d open finding", "%(n)d open findings", findings)),
        _part(consents, Fate.STAYS, ngettext("%(n)d signed consent", "%(n)d signed consents", consents)),
        _part(papers, Fate.STAYS, ngettext("%(n)d document", "%(n)d documents", papers)),
        _part(clearances, Fate.STAYS, ngettext("%(n)d clearance", "%(n)d clearances", clearances)),
        _part(drafts == [True, False], Fate.COMES, _("The answers to the intake that were begun")),
        _part(all(drafts), Fate.MIND, _("Both have begun to answer the intake; those of the kept record go on.")),
        _part(
            sent.to_review().exists() and theirs.to_review().exists(),
            Fate.MIND,
            _("Both have an intake to review. Each is reviewed on its own."),
        ),
    ]
    parts += [part and Part(part.fate, part.words, is_health=True) for part in health]
    return [part for part in parts if part]


def _part(count: int | bool, fate: Fate, words: str) -> Part | None:  # noqa: FBT001  # how many, or whether
    return Part(fate, words % {"n": count}) if count else None


def _open_links(client_pk: int) -> QuerySet[Invitation]:
    """Return her links that were neither used nor taken back, also those that ran out: who signs in needs none."""
    return Invitation.objects.filter(client=client_pk, used_at__isnull=True, revoked_at__isnull=True)


def move(pair: Pair) -> Moved:
    """Move open links and the answers begun, and ask the gates anew for the whole person."""
    links = list(_open_links(pair.gone.pk).values_list("pk", flat=True))
    Invitation.objects.filter(pk__in=links).update(client=pair.kept)
    begun = Submission.objects.filter(client=pair.gone, state=DRAFT)
    has_own = Submission.objects.filter(client=pair.kept, state=DRAFT).exists()
    drafts = [] if has_own else list(begun.values_list("pk", flat=True))
    Submission.objects.filter(pk__in=drafts).update(client=pair.kept)
    consents = _replaced_consents(pair)
    Consent.objects.filter(pk__in=consents).update(revoked_at=pair.now)
    refresh_review_needed(client=pair.kept, now=pair.now)
    return {"links": links, "drafts": drafts, "consents": consents, "at": pair.now.isoformat()}


def _replaced_consents(pair: Pair) -> list[int]:
    """Return those in force that the newest form of the two asked about again, whatever she answered there."""
    newest = Submission.objects.filter(client__among=records_of(pair.kept.pk)).sent().first()
    if newest is None:
        return []
    asked = [question.code for question in form_of(newest.form_version_id).consents]
    before = Consent.objects.filter(client__among=records_of(pair.kept.pk), code__in=asked, revoked_at__isnull=True)
    return list(before.filter(signed_at__lt=newest.submitted_at).values_list("pk", flat=True))


def undo(pair: Pair, moved: Moved) -> Sequence[Part]:
    """Move back what is still open, let consents count again, and ask the gates anew for each."""
    _open_links(pair.kept.pk).filter(pk__in=moved["links"]).update(client=pair.gone)
    Submission.objects.filter(pk__in=moved["drafts"], client=pair.kept, state=DRAFT).update(client=pair.gone)
    again = Consent.objects.filter(client=OuterRef("client"), code=OuterRef("code"), revoked_at__isnull=True)
    revoked = Consent.objects.filter(pk__in=moved["consents"], revoked_at=datetime.fromisoformat(moved["at"]))
    revoked.exclude(Exists(again)).update(revoked_at=None)
    refresh_review_needed(client=pair.kept, now=pair.now)
    refresh_review_needed(client=pair.gone, now=pair.now)
    sent = Submission.objects.filter(pk__in=moved["drafts"], client=pair.kept).exclude(state=DRAFT)
    if sent.exists():
        words = _("The intake form was sent in meanwhile and stays with %(name)s.") % {"name": pair.kept.name}
        return [Part(Fate.STAYS, words, is_health=True)]
    return []


STEP = MergeStep(tell=tell, move=move, undo=undo)
