"""Booking by oneself: what, when, who; then the time is held.

What is wished stands in the address, so that two tabs keep apart; who she is never does.
"""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors, written
from clinic.lib.rates import is_too_often, where_from
from clinic.lib.times import local_date
from clinic.people import proving
from clinic.people.access import key_in
from clinic.people.models import Client, Clinic, User
from clinic.public.booking_answers import VisitorRequest, call_us, go, taken, times_page, too_often, while_open
from clinic.public.booking_forms import AddressForm, CodeForm, YouForm
from clinic.public.booking_wish import Wish, clients_of, first_place, known_one, service_of, wish_in
from clinic.scheduling.access import own_client_of
from clinic.scheduling.online import CallUs, come, hold_online, places_shown, services_open_to, therapists_shown
from clinic.scheduling.services import SlotTaken
from clinic.scheduling.waitlist import Wished, add_wish

AN_HOUR, A_DAY = 3600, 24 * 3600
MOST_HOLDS_AN_HOUR, MOST_NEWCOMERS_A_DAY = 20, 3
# A waiting room full of people shares one address.
MOST_LOOKS_A_MINUTE, MOST_HOLDS_FROM_ONE = 120, 60


# --- What and when


@require_safe
@while_open
def services(request: VisitorRequest, clinic: Clinic) -> HttpResponse:
    """Show what can be booked: to whoever is new only what is open to new clients."""
    client = known_one(request)
    context = {"services": services_open_to(client), "is_known": client is not None, "place": first_place()}
    return render(request, "public/booking_services.html", context)


@require_safe
@while_open
def times(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Show when it is free, with whom."""
    service = service_of(pk)
    if _looks_too_often(request):
        return too_often(request)
    if service not in services_open_to(known_one(request)):
        words = _("%(service)s is for clients who have been here before.") % {"service": service}
        return call_us(request, words, HTTPStatus.OK, may_sign_in=not request.user.is_authenticated)
    return times_page(request, clinic, service, request.GET)


@require_POST
@while_open
def hold(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Hold the chosen time for her who is known; ask everybody else who she is."""
    service = service_of(pk)
    wish = wish_in(service, request.POST)
    if wish is None:
        if _looks_too_often(request):
            return too_often(request)
        refused = _("Please choose a time first.")
        return times_page(request, clinic, service, request.POST, refused=refused)
    clients = clients_of(request)
    if request.user.is_authenticated and len(clients) == 1 and "for_another" not in request.POST:
        return _hold(request, request.user, clinic, wish, clients[0])
    return go(wish, "booking:who")


def _looks_too_often(request: VisitorRequest) -> bool:
    return is_too_often(f"times:{where_from(request)}", most=MOST_LOOKS_A_MINUTE, seconds=60, now=request.now)


@require_POST
@while_open
def wait(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Put a client on the waitlist for what she looked at."""
    service = service_of(pk)
    clients = clients_of(request)
    location = next((one for one in places_shown() if str(one.pk) == request.POST.get("location")), None)
    # Of a family it would have to be asked for whom.
    if len(clients) != 1 or location is None or not request.user.is_authenticated:
        return redirect("booking:times", pk)
    client = clients[0]
    if service not in services_open_to(client):
        # The page of times says why.
        return redirect("booking:times", pk)
    shown = therapists_shown(service, local_date(location.zone, request.now))
    therapists = [one for one in shown if str(one.pk) == request.POST.get("with")]
    wished = Wished(services=[service], therapists=therapists, locations=[location])
    add_wish(by=request.user, now=request.now, client=client, wished=wished)
    messages.success(request, _("You are on the waitlist: we tell you when a time becomes free."))
    return redirect("booking:times", pk)


# --- Who


@require_http_methods(["GET", "HEAD", "POST"])
@while_open
def who(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Ask for whom it is, or for the address to which a code is sent."""
    wish = wish_in(service_of(pk), request.GET)
    if wish is None:
        return redirect("booking:times", pk)
    if not request.user.is_authenticated:
        return _ask_address(request, wish)
    if request.user.is_staff_member:
        return render(request, "public/booking_staff.html", {"wish": wish})
    clients = clients_of(request)
    if not clients:
        return go(wish, "booking:you")
    if request.method == "POST":
        key = key_in(request.POST.get("client", ""))
        if key is not None:
            client = own_client_of(request.user, key, _("booking online"), now=request.now)
            return _hold(request, request.user, clinic, wish, client)
    return render(request, "public/booking_whom.html", {"wish": wish, "clients": clients})


def _ask_address(request: VisitorRequest, wish: Wish) -> HttpResponse:
    form = AddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        sent = written(form, _send_code, request, wish, form.cleaned_data["email"])
        if sent is not None:
            return sent
    return render(request, "public/booking_address.html", {"wish": wish, "form": form})


def _send_code(request: VisitorRequest, wish: Wish, email: str) -> HttpResponse:
    """Send a code and go on; raises ValidationError where the mail server does not take it."""
    is_sent = proving.send_code(request, email, now=request.now)
    return go(wish, "booking:code") if is_sent else too_often(request)


@require_http_methods(["GET", "HEAD", "POST"])
@while_open
def code(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Take the code that came; whoever has a sign-in is signed in, whoever has none says who she is."""
    wish = wish_in(service_of(pk), request.GET)
    email = proving.asked_address(request.session)
    if wish is None or not email or request.user.is_authenticated:
        return redirect("booking:times", pk) if wish is None else go(wish, "booking:who")
    if "resend" in request.POST:
        return _send_again(request, wish, email)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if proving.is_proven_by(request.session, form.cleaned_data["code"], now=request.now):
            return _enter(request, clinic, wish, email)
        is_spent = not proving.has_tries_left(request.session, now=request.now)
        form.add_error(
            "code",
            _("This code is no longer good. Ask for a new one.")
            if is_spent
            else _("That is not the code. Please look once more."),
        )
    return render(request, "public/booking_code.html", {"wish": wish, "form": form, "email": email})


def _send_again(request: VisitorRequest, wish: Wish, email: str) -> HttpResponse:
    try:
        return _send_code(request, wish, email)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return go(wish, "booking:code")


def _enter(request: VisitorRequest, clinic: Clinic, wish: Wish, email: str) -> HttpResponse:
    """Sign in whoever has proven her address, where it signs in a client."""
    user = proving.login_of(email)
    if user is None:
        return go(wish, "booking:you")
    if user.is_staff_member or not user.is_active:
        words = _("With this address one cannot book online. Please take another one.")
        return call_us(request, words, HTTPStatus.CONFLICT)
    proving.sign_in(request, user)
    clients = clients_of(request)
    if len(clients) != 1:
        return go(wish, "booking:who")
    return _hold(request, user, clinic, wish, clients[0])


@require_http_methods(["GET", "HEAD", "POST"])
@while_open
def you(request: VisitorRequest, clinic: Clinic, pk: int) -> HttpResponse:
    """Ask a new client who she is."""
    wish = wish_in(service_of(pk), request.GET)
    email = _proven_address(request)
    if wish is None or not email:
        return redirect("booking:times", pk) if wish is None else go(wish, "booking:who")
    form = YouForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if is_too_often(f"newcomer:{email}", most=MOST_NEWCOMERS_A_DAY, seconds=A_DAY, now=request.now):
            return too_often(request)
        try:
            came = come(now=request.now, newcomer=form.newcomer(email))
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            if not request.user.is_authenticated:
                proving.sign_in(request, came.user)
            return _hold(request, came.user, clinic, wish, came.client)
    return render(request, "public/booking_you.html", {"wish": wish, "form": form, "email": email})


def _proven_address(request: VisitorRequest) -> str:
    """Return the address with which she books: that of her sign-in, or one that she has proven a moment ago."""
    if not request.user.is_authenticated:
        return proving.proven_address(request.session, now=request.now)
    return "" if request.user.is_staff_member else request.user.email


def _hold(request: VisitorRequest, by: User, clinic: Clinic, wish: Wish, client: Client) -> HttpResponse:
    for whose, most in ((by.pk, MOST_HOLDS_AN_HOUR), (where_from(request), MOST_HOLDS_FROM_ONE)):
        if is_too_often(f"hold:{whose}", most=most, seconds=AN_HOUR, now=request.now):
            return too_often(request)
    try:
        held_one = hold_online(
            by=by,
            now=request.now,
            client=client,
            service=wish.service,
            therapist=wish.chosen.therapist,
            location=wish.location,
            starts_at=wish.chosen.starts_at,
        )
    except SlotTaken as refused:
        return taken(request, clinic, wish, refused)
    except CallUs as refused:
        return call_us(request, " ".join(refused.messages), HTTPStatus.CONFLICT, place=wish.location)
    return redirect("booking:held", held_one.pk)
