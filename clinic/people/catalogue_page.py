"""What the pages about the catalogue show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Exists, F, OuterRef

from clinic.people.models import Modality, Service
from clinic.people.models.catalogue import OWN


@dataclass(frozen=True)
class ModalityGroup:
    """The services of one modality."""

    modality: Modality
    services: Sequence[Service]


def service_groups(*, archived: bool = False) -> list[ModalityGroup]:
    """Return the services by modality, the shortest first. One query."""
    found = Service.objects.filter(archived_at__isnull=not archived).select_related("modality")
    ordered = found.order_by("modality_id", "minutes", "name")
    runs = (list(run) for _modality, run in groupby(ordered, key=lambda service: service.modality_id))
    return [ModalityGroup(run[0].modality, run) for run in runs]


def modalities_not_offered() -> list[Modality]:
    """Return the clinic's own modalities of which nothing can be booked, those in use first. One query."""
    offered = Service.objects.filter(modality=OuterRef("pk"), archived_at__isnull=True)
    own = Modality.objects.filter(~Exists(offered), slug__startswith=OWN)
    return list(own.order_by(F("archived_at").asc(nulls_first=True), "pk"))
