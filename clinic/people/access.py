"""The only road from a view to a person. It decides, answers 404 to strangers, and logs the look."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxDetails

from clinic.audit.kinds import record_kinds
from clinic.audit.services import record_look
from clinic.lib.prepared import Prepared
from clinic.people.models import Client, ClientQuerySet, Clinic, Picture, Role, User, clinic_with_logo
from clinic.people.records import BITS_OF_A_KEY, records_given_one, records_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

A_KEY = re.compile(r"[0-9]{1,18}")

# Staff see all; each page about a client begins with her.
ANY_CLIENT = Prepared(
    lambda: Client.objects.filter(pk__among=records_given_one("key"), merged_into__isnull=True)
    .select_related("primary_therapist__user")
)  # fmt: skip

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


class ClinicRequest(HttpRequest):
    """A request behind a sign-in, with the moment at which it came."""

    user: User
    now: datetime
    htmx: HtmxDetails


View = Callable[Concatenate[ClinicRequest, P], HttpResponseBase]


def _ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Ask to sign in, and lead back to the page that was open: what only takes forms would answer 405."""
    if request.method in {"GET", "HEAD"}:
        return redirect_to_login(request.get_full_path())
    open_page = urlsplit(request.headers.get("Referer", ""))
    return redirect_to_login(f"{open_page.path or '/'}{open_page.query and '?'}{open_page.query}")


def for_roles(*roles: Role) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]]:
    """Open a view to staff with one of these roles; with none named, to every member of staff.

    Whoever is not signed in is asked to; everybody else gets 404.
    """

    def decorate(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _ask_to_sign_in(request)
            if not set(request.user.roles) & set(roles or Role):
                raise Http404
            return view(cast("ClinicRequest", request), *args, **kwargs)  # the middleware has set `now`

        return wrapper

    return decorate


def signed_in(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Open a view to everybody who has signed in; what they see is decided by the roads below."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _ask_to_sign_in(request)
        return view(cast("ClinicRequest", request), *args, **kwargs)  # the middleware has set `now`

    return wrapper


def one_of(found: QuerySet[M], pk: int) -> M:
    """Return the object with this key among what may be seen, or raise Http404."""
    try:
        return found.get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404 from None


def key_in(typed: str) -> int | None:
    """Return the key that an address or a form gives, or None where it is none: the database has no longer ones."""
    return int(typed) if A_KEY.fullmatch(typed) else None


def the_clinic() -> Clinic:
    """Return the clinic, with what is told of its logo, or raise Http404 while there is none."""
    clinic = clinic_with_logo()
    if clinic is None:
        raise Http404
    return clinic


def shown_picture(digest: str) -> Picture:
    """Return a picture, for everybody who knows its digest, or raise Http404."""
    try:
        return Picture.objects.get(digest=digest)
    except Picture.DoesNotExist:
        raise Http404 from None


def record_with_history(kind: str, pk: int) -> tuple[Model, StrOrPromise]:
    """Return a record whose history has a page, and what people call its kind. Some have a road of their own."""
    if kind not in record_kinds or record_kinds[kind].is_of_clients or record_kinds[kind].page:
        raise Http404
    found = record_kinds[kind]
    return one_of(found.model._default_manager.all(), pk), found.title  # noqa: SLF001  # public by Django's documentation


def kept_one(found: ClientQuerySet, pk: int) -> Client:
    """Return the record that was kept of the person with this key, among those that may be seen, or raise Http404."""
    client = found.filter(pk__among=records_of(pk), merged_into__isnull=True).first()
    if client is None:
        raise Http404
    return client


def client_for(user: User, pk: int, why: str, *, now: datetime) -> Client:
    """Return a client whom this login may see, and log the look. Raises Http404 for strangers.

    The key of a record that was merged leads to the one that was kept.
    """
    if user.is_staff_member:
        client = ANY_CLIENT.first(key=pk) if pk.bit_length() < BITS_OF_A_KEY else None
        if client is None:
            raise Http404
    else:
        client = kept_one(Client.objects.visible_to(user).select_related("primary_therapist__user"), pk)
    record_look(by=user.pk, client=client.pk, what=client, why=why, now=now)
    return client


def health_record_for(user: User, pk: int, why: str, *, now: datetime) -> Client:
    """Return a client whose health data this login may see: the clinic's therapists, and she herself or her guardian.

    The front desk and an owner who does not treat get 404, as strangers do.
    """
    if user.is_staff_member and not user.is_therapist:
        raise Http404
    return client_for(user, pk, why, now=now)


def log_look(user: User, client_pk: int, what: Model, why: str, *, now: datetime) -> None:
    """Log that `user` opened `what`; for the access.py of the upper rooms."""
    record_look(by=user.pk, client=client_pk, what=what, why=why, now=now)


def own_clients(user: User) -> ClientQuerySet:
    """Return the clients for whom a client's login may act."""
    return Client.objects.active().filter(accesses__user=user)
