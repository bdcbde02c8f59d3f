"""Making two records of one person one, and taking that back."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.lib.prepared import planned_for_these_words
from clinic.people.access import ClinicRequest, client_for, for_roles, key_in, one_of
from clinic.people.consents import words_of_two
from clinic.people.duplicates import Given, twins_of
from clinic.people.forms.merging import MergeForm
from clinic.people.merging import Fate, Pair, merge_steps
from clinic.people.models import Client, Merge, clinic_zone
from clinic.people.searching import fitting
from clinic.people.services.merging import UNDO_WITHIN, merge_clients, obstacles, undo_merge

FOUND = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_merge(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show two records side by side, and make them one; without the other one, ask which it is."""
    kept = client_for(request.user, pk, _("merging two records"), now=request.now)
    other = key_in((request.POST or request.GET).get("with", ""))
    if other is None:
        return _choose(request, kept)
    gone = client_for(request.user, other, _("merging two records"), now=request.now)
    if gone == kept:
        messages.info(request, _("This is one record already."))
        return redirect("desk:client", kept.pk)
    pair = Pair(kept, gone, request.now)
    form = MergeForm(request.POST if request.method == "POST" else None, pair=pair)
    if form.is_valid():
        try:
            merge_clients(by=request.user, now=request.now, kept=kept, gone=gone, from_gone=form.from_gone)
        except ValidationError as refused:
            return _compare(request, form, refused.messages, HTTPStatus.CONFLICT)
        messages.success(request, _("%(name)s is one record now.") % {"name": kept.name})
        return redirect("desk:client", kept.pk)
    return _compare(request, form, obstacles(pair))


@planned_for_these_words()
def _choose(request: ClinicRequest, client: Client) -> HttpResponse:
    """Ask who the same person is: those who look alike, and a search."""
    words = request.GET.get("q", "").strip()
    context = {
        "client": client,
        "words": words,
        "twins": twins_of(_told_of(client), but=client),
        "found": fitting(words).exclude(pk=client.pk)[:FOUND] if words else [],
    }
    return render(request, "people/merge_choose.html", context)


def _told_of(client: Client) -> Given:
    return Given(client.legal_name, client.born_on, client.email, str(client.phone), str(client.other_phone))


def _compare(request: ClinicRequest, form: MergeForm, against: list[str], status: int = HTTPStatus.OK) -> HttpResponse:
    """Show both records and, in words, what becomes of what the one that goes has; health only to therapists."""
    is_therapist = request.user.is_therapist
    told = [part for step in merge_steps if step.tell for part in step.tell(form.pair)]
    seen = [part for part in told if is_therapist or not part.is_health]
    zone = clinic_zone()
    steps = [step.sum_up for step in merge_steps if step.sum_up]
    context = {
        "form": form,
        "records": [
            {"client": one, "holds": [words for sum_up in steps for words in sum_up(one, request.user, request.now)]}
            for one in (form.pair.kept, form.pair.gone)
        ],
        "kept": form.pair.kept,
        "gone": form.pair.gone,
        "against": against,
        "words_of_two": words_of_two(form.pair.kept, form.pair.gone, zone),
        "zone": zone,
        "comes": [part.words for part in seen if part.fate is Fate.COMES],
        "stays": [part.words for part in seen if part.fate is Fate.STAYS],
        "mind": [part.words for part in seen if part.fate is Fate.MIND],
        "tells_health": is_therapist,
        "days": UNDO_WITHIN.days,
    }
    return render(request, "people/merge.html", context, status=status)


@require_POST
@for_roles()
def merge_undo(request: ClinicRequest, pk: int) -> HttpResponse:
    """Make two records of what was merged, and say what stays with the kept one."""
    merge = one_of(Merge.objects.select_related("kept", "gone"), pk)
    try:
        stays = undo_merge(by=request.user, now=request.now, merge=merge)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s is a separate record again.") % {"name": merge.gone.name})
        for part in stays:
            if request.user.is_therapist or not part.is_health:
                messages.warning(request, part.words)
    return redirect("desk:client", merge.kept_id)
