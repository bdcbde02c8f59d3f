"""Two at once, with real transactions."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from clinic.people.models import Clinic, User
from clinic.people.services import issue_set_up_token, set_up_clinic
from tests.factories import PASSWORD


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hold_the_same_link_one_founds_the_clinic():
    now = timezone.now()
    token = issue_set_up_token(now=now)
    together = Barrier(2)

    def found(number: int) -> bool:
        together.wait()
        try:
            set_up_clinic(
                now=now,
                token=token,
                name=f"Clinic {number}",
                currency="EUR",
                owner_name="Olga Novak",
                owner_email=f"olga{number}@example.org",
                owner_password=PASSWORD,
                location_name="Harbour Street",
                time_zone="Europe/Lisbon",
            )
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(found, (1, 2))) == [False, True]
    assert Clinic.objects.count() == 1
    assert User.objects.count() == 1
