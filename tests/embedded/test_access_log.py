"""Health data and keys stay out of the access log."""

import pytest

from clinic.embedded.access_log import without_tokens


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
