"""Keeping the pictures that the clinic shows."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile

from clinic.lib.images import MOST_BYTES, clean_image
from clinic.people.models import Picture

LOGO_SIDE = 600
PORTRAIT_SIDE = 800


def add_picture(*, now: datetime, upload: UploadedFile[bytes], longest_side: int) -> Picture:
    """Keep a picture, re-encoded; the same one twice is one. Raises ValidationError for what is none or too large.

    A picture that is replaced stays: the change history speaks of it.
    """
    # One byte more than is taken tells that it is too large, without reading the rest.
    image = clean_image(upload.read(MOST_BYTES + 1), longest_side=longest_side)
    picture, _made = Picture.objects.get_or_create(
        digest=hashlib.sha256(image.content).hexdigest(),
        defaults={
            "content": image.content,
            "media_type": image.media_type,
            "width": image.width,
            "height": image.height,
            "added_at": now,
        },
    )
    return picture
