"""The words for what a constraint refuses."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db.models.constraints import BaseConstraint

from clinic.people.models import Client, Location
from tests.factories import BEFORE, LocationFactory


def test_a_constraint_without_words_of_its_own_says_its_rule(db: None) -> None:
    client = Client(legal_name="Ana Reis", born_on=date(1850, 1, 1), created_at=BEFORE)
    with pytest.raises(ValidationError) as refused:
        client.full_clean()
    assert refused.value.messages == ["What was typed breaks this rule: client was born since 1900."]


def test_a_constraint_with_words_of_its_own_says_them(db: None) -> None:
    place = LocationFactory(name="Hillside")
    twin = Location(name="HILLSIDE", time_zone=place.time_zone)
    with pytest.raises(ValidationError, match="Another location has this name"):
        twin.validate_constraints()


def test_migrations_keep_what_django_says() -> None:
    assert "is violated" in str(BaseConstraint.default_violation_error_message)
