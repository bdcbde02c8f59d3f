"""Documents about a client: kept as they came, told by their content, seen by therapists only."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.files import kept_file, remove_with_its_row
from clinic.lib.text import one_line
from clinic.lib.uploads import ENDINGS, MOST_BYTES, media_type_of, too_large
from clinic.people.models import Client, User
from clinic.people.records import records_of
from clinic.people.services import lock_client, lock_kept
from intake.models_clearing import LONGEST_FILE_NAME, Document


def content_of(upload: UploadedFile[bytes]) -> bytes:
    """Return what was uploaded. Raises ValidationError for more than is taken, without reading the rest."""
    content: bytes = upload.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise too_large()
    return content


def add_document(
    *,
    by: User,
    now: datetime,
    client: Client,
    name: str,
    content: bytes,
    kind: Document.Kind = Document.Kind.CAME,
) -> Document:
    """Keep a document. The same one twice is one. Raises ValidationError for what is not taken."""
    refuse_all_but_therapists(by)
    media_type = media_type_of(content)
    digest = hashlib.sha256(content).hexdigest()
    with kept_file(content) as file, transaction.atomic():
        client = lock_kept(client.pk)
        same = documents_of(client.pk).filter(digest=digest, kind=kind).first()
        if same is not None:
            remove_with_its_row(file)
            return same
        document = Document.objects.create(
            client=client,
            kind=kind,
            name=file_name(name, media_type),
            media_type=media_type,
            size=len(content),
            digest=digest,
            file=file,
            added_at=now,
            added_by=by,
        )
        record_change(by=by.pk, client=client.pk, what=document, words=_("document added"), now=now)
    return document


@transaction.atomic
def remove_document(*, by: User, now: datetime, document: Document) -> None:
    """Remove a document with its file. Raises ValidationError where a clearance or a letter rests on it."""
    refuse_all_but_therapists(by)
    lock_client(document.client_id)
    kept = Document.objects.filter(pk=document.pk).first()
    if kept is None:
        return
    if kept.kind == Document.Kind.LETTER:
        raise ValidationError(_("Copies of letters are kept."))
    if kept.clearances.exists():
        raise ValidationError(_("A clearance rests on this document; it stays with it."))
    record_change(by=by.pk, client=kept.client_id, what=kept, words=_("document removed"), now=now)
    remove_with_its_row(kept.file)
    kept.delete()


def documents_of(client_pk: int) -> QuerySet[Document]:
    """Return the documents of all records of a client, newest first."""
    return Document.objects.filter(client__among=records_of(client_pk)).order_by("-added_at", "-pk")


def file_name(name: str, media_type: str) -> str:
    """Return what a file is called here: what came, without folders and signs that steer, and its true ending."""
    ending = ENDINGS[media_type]
    plain = "".join(sign for sign in PurePath(name.replace("\\", "/")).name if sign.isprintable())
    stem = one_line(PurePath(plain).stem)[: LONGEST_FILE_NAME - len(ending) - 1].strip(". ")
    return f"{stem or _('document')}.{ending}"


def refuse_all_but_therapists(by: User) -> None:
    """Raise ValidationError for whoever does not treat."""
    if not by.is_therapist:
        raise ValidationError(_("Only a therapist keeps documents and clearances."))
