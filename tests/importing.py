"""An owner with a file, and a worker that works at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client as Browser

from clinic.people.importing.working import go_on
from clinic.people.models import Import

Bring = Callable[..., Import]


def problems(job: Import) -> list[tuple[int, str, str]]:
    """Return row, column and sentence of everything that stands against a row."""
    wrong = job.lines.filter(fate="wrong").order_by("number")
    return [(line.number, column, sentence) for line in wrong for column, sentence in line.reasons]


def doubts(job: Import) -> list[tuple[int, str]]:
    """Return row and sentence of what has to be decided."""
    doubtful = job.lines.filter(fate="doubtful").order_by("number")
    return [(line.number, sentence) for line in doubtful for _column, sentence in line.reasons]


@pytest.fixture
def worker(monkeypatch) -> Callable[[datetime], None]:
    """Return a function that does what the worker was asked for since the last time."""
    asked: list[int] = []
    monkeypatch.setattr("clinic.people.tasks.go_on_with_import", SimpleNamespace(delay=asked.append))

    def work(now: datetime) -> None:
        while asked:
            go_on(asked.pop(0), now)

    return work


@pytest.fixture
def send(as_olga: Browser, worker, now, django_capture_on_commit_callbacks) -> Callable[..., HttpResponse]:
    """Return a function that posts as Olga, and lets the worker do what that asked for."""

    def post(address: str, data: object = None, *, works: bool = True) -> HttpResponse:
        with django_capture_on_commit_callbacks(execute=True):
            answer = as_olga.post(address, data or {})
        if works:
            worker(now)
        return answer

    return post


@pytest.fixture
def bring(send) -> Iterator[Bring]:
    """Return a function that uploads a file and brings it as far as its check; what is chosen of columns is given."""

    def do(content: bytes | str, kind: str = "clients", *, name: str = "people.csv", **choices: object) -> Import:
        data = content.encode() if isinstance(content, str) else content
        answer = send(f"/settings/import/new/{kind}/", {"file": SimpleUploadedFile(name, data)})
        assert answer.status_code == 302, answer.context["form"].errors
        job = Import.objects.latest("pk")
        if job.state == Import.State.UPLOADED:
            columns = {f"column_{index}": field for index, field in enumerate(choices.pop("columns", job.columns))}
            said = {"day_first": "1" if job.day_first else "0", "region": job.region} | choices
            answer = send(f"/settings/import/{job.pk}/columns/", columns | said)
            assert answer.status_code == 302, answer.context["form"].errors
        job.refresh_from_db()
        return job

    return do


@pytest.fixture
def take(send) -> Callable[..., Import]:
    """Return a function that has a checked file taken over, rows with problems left out."""

    def do(job: Import, *, doubtful: bool = False) -> Import:
        if doubtful:
            send(f"/settings/import/{job.pk}/decide/", {"all": "yes"})
        answer = send(f"/settings/import/{job.pk}/take-over/", {"leaves_wrong": "on"})
        assert answer.status_code == 302, answer.context["form"].errors
        job.refresh_from_db()
        return job

    return do
