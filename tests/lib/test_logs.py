"""Health data and keys stay out of the logs."""

import logging

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from clinic.lib.logs import DiscreetFormatter, without_tokens

TOKEN = "3dccaa838fa5423794aa2a255bd33ac3.-G2usbDDI2xMlNZ2kJLt0X323W_7sdTeq5BdPO_4Ysg"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/set-up/Jx3_k9vRq2mT7bYw5cZd8f/", "/set-up/…/"),
        ("/password/reset/key/1-cq2x5k-9f8e7d6c5b4a39281706f5e4d3c2b1a0/", "/password/reset/key/…/"),
        ("/n/550e8400-e29b-41d4-a716-446655440000/sign", "/n/…/sign"),
        ("/clients/1204/questionnaires-and-consents/", "/clients/1204/questionnaires-and-consents/"),
        ("/static/vendor/bootstrap-5.3.8/bootstrap.min.css", "/static/vendor/bootstrap-5.3.8/bootstrap.min.css"),
    ],
)
def test_a_token_in_the_path_is_not_logged(path: str, logged: str) -> None:
    assert without_tokens(path) == logged


def written(caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> str:
    for record in caplog.records:
        record.exc_text = None  # kept by whichever handler came first
    return "\n".join(formatter.format(record) for record in caplog.records)


@pytest.mark.parametrize("path", [f"/i/{TOKEN}/", f"/set-up/{TOKEN}/", f"/no/such/page/{TOKEN}"])
def test_no_logger_of_django_tells_a_token(path: str, caplog: pytest.LogCaptureFixture, db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    with caplog.at_level(logging.INFO):
        strict.post(path)
        strict.put(path)
        strict.get(path)
    assert TOKEN in written(caplog, logging.Formatter()), "the negative control: without ours it would be told"
    told = written(caplog, DiscreetFormatter())
    assert "3dccaa838fa5" not in told
    assert "-G2usbDDI2xM" not in told


def test_a_refused_row_is_not_quoted(caplog: pytest.LogCaptureFixture, db: None) -> None:
    told = "botulinum toxin\non 14 November"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE told (words text, CONSTRAINT never CHECK (false))")
        try:
            cursor.execute("INSERT INTO told VALUES (%s)", [told])
        except IntegrityError:
            logging.getLogger("test").exception("Not saved.")
    assert told in written(caplog, logging.Formatter()), "the negative control: PostgreSQL quotes the row"
    kept = written(caplog, DiscreetFormatter())
    assert "botulinum" not in kept
    assert "14 November" not in kept
    assert "never" in kept, "which rule was broken may be told"
