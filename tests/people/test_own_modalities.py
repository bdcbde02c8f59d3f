"""A modality of the clinic's own is changed and archived; lengths are said where they are chosen."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from clinic.people.models import Modality, Service
from clinic.people.services.archiving import archive
from clinic.people.services.catalogue import add_modality, add_service, update_modality, update_service
from tests.factories import ServiceFactory, TherapistFactory, modality

STRICT = {"is_deep": "on", "uses_static_compression": "on", "works_head_or_neck": "on"}


@pytest.fixture
def stones(clinic, olga, now) -> Modality:
    return add_modality(by=olga, now=now, name="Hot stones", code="HS", shortest_minutes=30, longest_minutes=90)


def typed(**changes: str) -> dict[str, str]:
    named = {"name": "Hot stones", "code": "HS", "shortest_minutes": "30", "longest_minutes": "90", "focus": ""}
    return named | STRICT | changes


def page_of(one: Modality) -> str:
    return f"/settings/modalities/{one.pk}/"


def test_the_owner_renames_a_modality_of_her_own(as_olga, stones):
    assert page_of(stones) in as_olga.get("/settings/services/").content.decode()
    assert as_olga.post(page_of(stones), typed(name="Warm stones", code="ws", focus="Warmth")).status_code == 302
    stones.refresh_from_db()
    assert (stones.name, stones.code, stones.focus, stones.slug) == ("Warm stones", "WS", "Warmth", "own-hs")


def test_letters_that_were_given_up_can_be_given_anew(olga, now, stones):
    update_modality(by=olga, now=now, modality=stones, code="WS")
    assert add_modality(by=olga, now=now, name="Salt", code="HS").slug == "own-hs-2"


def test_its_rules_are_loosened_only_after_a_word_of_caution(as_olga, stones):
    loose = {name: value for name, value in typed().items() if name != "is_deep"}
    page = as_olga.post(page_of(stones), loose).content.decode()
    assert "Looser safety rules?" in page
    stones.refresh_from_db()
    assert stones.is_deep
    as_olga.post(page_of(stones), loose | {"loosen_anyway": "1"})
    stones.refresh_from_db()
    assert not stones.is_deep
    page = as_olga.post(page_of(stones), loose | {"focus": "Warmth"})
    assert page.status_code == 302  # what is loose already is not asked about again


def test_its_lengths_keep_room_for_the_services_made_of_it(as_olga, stones):
    ServiceFactory(name="Stones, 90 min", modality=stones, minutes=90)
    page = as_olga.post(page_of(stones), typed(longest_minutes="60")).content.decode()
    assert "Stones, 90 min takes 90 minutes." in page
    stones.refresh_from_db()
    assert stones.longest_minutes == 90


def test_it_is_archived_when_nothing_of_it_is_offered_and_comes_back(as_olga, stones):
    service = ServiceFactory(name="Stones, 60 min", modality=stones, minutes=60)
    page = as_olga.post(f"{page_of(stones)}archive/", follow=True).content.decode()
    assert "It is still offered: first archive Stones, 60 min." in page
    as_olga.post(f"/settings/services/{service.pk}/archive/")
    as_olga.post(f"{page_of(stones)}archive/")
    assert "Hot stones (30" not in as_olga.get("/settings/services/new/").content.decode()
    ida = TherapistFactory(qualified_in=["swedish"])
    assert "Hot stones" not in as_olga.get(f"/settings/therapists/{ida.pk}/").content.decode()
    as_olga.post(f"{page_of(stones)}bring-back/")
    assert "Hot stones" in as_olga.get("/settings/services/new/").content.decode()


def test_what_came_with_the_program_is_shown_and_stays(as_olga, olga, now, clinic):
    swedish = modality("swedish")
    page = as_olga.post(page_of(swedish), typed(name="Mine")).content.decode()
    assert "It came with the program" in page
    assert "60 min" in page
    with pytest.raises(ValidationError, match="stays as it is"):
        update_modality(by=olga, now=now, modality=swedish, name="Mine")
    with pytest.raises(ValidationError, match="of your own"):
        archive(by=olga, now=now, thing=swedish)
    swedish.refresh_from_db()
    assert (swedish.name, swedish.archived_at) == ("Swedish", None)


def test_the_choice_of_a_modality_says_its_lengths_and_the_refusal_a_way_out(as_olga, olga, now, stones):
    page = as_olga.get("/settings/services/new/").content.decode()
    assert "Swedish (60 min)" in page
    assert "Hot stones (30–90 min)" in page
    with pytest.raises(ValidationError, match="add a modality of your own"):
        add_service(by=olga, now=now, name="x", modality=modality("swedish"), minutes=45, price_minor=1)
    with pytest.raises(ValidationError, match="Its own page sets other lengths"):
        add_service(by=olga, now=now, name="x", modality=stones, minutes=15, price_minor=1)


def test_another_length_is_offered_only_where_there_is_one(as_olga, clinic):
    fixed = ServiceFactory(name="Swedish, 60 min", modality=modality("swedish"), minutes=60)
    free = ServiceFactory(name="Deep, 60 min", modality=modality("deep_tissue"), minutes=60)
    assert "Add another length" not in as_olga.get(f"/settings/services/{fixed.pk}/").content.decode()
    assert "Add another length" in as_olga.get(f"/settings/services/{free.pk}/").content.decode()


def test_a_name_follows_the_length_it_tells(olga, now, clinic):
    service = ServiceFactory(name="Deep 145, 45 min", modality=modality("deep_tissue"), minutes=45)
    assert update_service(by=olga, now=now, service=service, minutes=60).name == "Deep 145, 60 min"
    assert update_service(by=olga, now=now, service=service, minutes=75, name="Deep, 60 min").name == "Deep, 60 min"
    assert Service.objects.get().minutes == 75
