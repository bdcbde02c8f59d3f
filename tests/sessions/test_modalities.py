from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from clinic.lib.body import Region
from clinic.people.models import Modality
from intake.rules import TECHNIQUES
from sessions import modalities
from sessions.modalities import details_form, details_forms
from sessions.modalities.base import DetailsForm
from sessions.modalities.neuromuscular.form import MUSCLE_NAMES

# What each modality records: one complete answer, what it becomes, and its line under the block.
COMPLETE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "craniosacral": (
        {
            "technique": "cv4",
            "seconds": "300",
            "still_point": "yes",
            "still_point_seconds": "40",
            "rhythm": "slow, even",
            "symmetry": "left",
            "amplitude": "medium",
        },
        {
            "seconds": 300,
            "still_point": True,
            "still_point_seconds": 40,
            "rhythm": "slow, even",
            "symmetry": "left",
            "amplitude": "medium",
        },
        "CV4, still point, 300 s, still point, 40 s",
    ),
    "myofascial": (
        {
            "technique": "indirect",
            "direction": "towards the ear",
            "barrier_felt": "no",
            "hold_seconds": "120",
            "release": "partial",
            "tissue_before": "dense",
            "tissue_after": "softer",
        },
        {
            "direction": "towards the ear",
            "barrier_felt": False,
            "hold_seconds": 120,
            "release": "partial",
            "tissue_before": "dense",
            "tissue_after": "softer",
        },
        "indirect, held 120 s, release partial",
    ),
    "neuromuscular": (
        {
            "technique": "static_compression",
            "muscle": "upper_trapezius",
            "point": "active",
            "reproduces_headache": "yes",
            "refers_to": "temple",
            "tolerance": "6",
            "hold_seconds": "45",
            "repetitions": "3",
            "pain_before": "7",
            "pain_after": "0",
        },
        {
            "muscle": "upper_trapezius",
            "point": "active",
            "reproduces_headache": True,
            "refers_to": "temple",
            "tolerance": 6,
            "hold_seconds": 45,
            "repetitions": 3,
            "pain_before": 7,
            "pain_after": 0,
        },
        "upper trapezius, active point, held 45 s, usual headache felt",
    ),
    "swedish": ({"technique": "petrissage"}, {}, "petrissage"),
    "deep_tissue": (
        {"technique": "forearm", "layer": "middle", "direction": "downwards", "warm_up_done": "yes"},
        {"layer": "middle", "direction": "downwards", "warm_up_done": True},
        "forearm, middle layer, downwards",
    ),
    "reflexology": (
        {"technique": "thumb walk", "zone": "1", "tenderness": "0", "seconds": "30"},
        {"zone": 1, "tenderness": 0, "seconds": 30},
        "thumb walk, zone 1, 30 s, tenderness 0",
    ),
    "neck_shoulder": (
        {"technique": "kneading", "warm_compress": "yes", "cool_towel": "no"},
        {"warm_compress": True, "cool_towel": False},
        "kneading, warm compress before",
    ),
}
REQUIRED = {
    "craniosacral": {"technique"},
    "myofascial": {"technique"},
    "neuromuscular": {"technique", "muscle", "point"},
    "swedish": {"technique"},
    "deep_tissue": {"technique", "layer"},
    "reflexology": set(),
    "neck_shoulder": {"technique"},
}
# field → lowest and highest that may be recorded
LIMITS = [
    ("craniosacral", "seconds", 5, 1800),
    ("craniosacral", "still_point_seconds", 1, 600),
    ("myofascial", "hold_seconds", 90, 300),
    ("neuromuscular", "tolerance", 0, 10),
    ("neuromuscular", "hold_seconds", 30, 60),
    ("neuromuscular", "repetitions", 1, 20),
    ("neuromuscular", "pain_before", 0, 10),
    ("neuromuscular", "pain_after", 0, 10),
    ("reflexology", "zone", 1, 5),
    ("reflexology", "tenderness", 0, 10),
    ("reflexology", "seconds", 1, 600),
]
OPTIONS = {
    ("craniosacral", "technique"): 11,
    ("craniosacral", "symmetry"): 3,
    ("craniosacral", "amplitude"): 3,
    ("myofascial", "technique"): 4,
    ("myofascial", "release"): 3,
    ("neuromuscular", "technique"): 2,
    ("neuromuscular", "point"): 2,
    ("swedish", "technique"): 5,
    ("deep_tissue", "technique"): 3,
    ("deep_tissue", "layer"): 3,
    ("neck_shoulder", "technique"): 5,
}


def test_every_folder_has_a_test_here() -> None:
    assert set(details_forms()) == set(COMPLETE) == set(REQUIRED)


def test_every_modality_that_the_clinic_starts_with_has_a_folder(db: None) -> None:
    assert set(Modality.objects.values_list("slug", flat=True)) == set(details_forms())


@pytest.mark.parametrize("slug", COMPLETE)
def test_it_takes_a_complete_answer_and_says_it_in_one_line(slug: str) -> None:
    answer, details, line = COMPLETE[slug]
    form = details_form(slug)(answer)
    assert set(form.fields) == set(answer)
    assert form.is_valid(), form.errors
    assert form.details == details
    assert form.summary(form.cleaned_data["technique"], form.details) == line


@pytest.mark.parametrize("slug", COMPLETE)
def test_what_was_kept_can_be_read_back_into_the_form(slug: str) -> None:
    answer, details, _line = COMPLETE[slug]
    form_class = details_form(slug)
    again = form_class(form_class.as_data(answer["technique"], details))
    assert again.is_valid(), again.errors
    assert again.details == details


@pytest.mark.parametrize("slug", COMPLETE)
def test_it_asks_for_no_more_than_it_needs(slug: str) -> None:
    form = details_form(slug)({})
    form.is_valid()
    assert set(form.errors) == REQUIRED[slug]


@pytest.mark.parametrize(("slug", "field", "lowest", "highest"), LIMITS)
def test_it_keeps_numbers_within_their_limits(slug: str, field: str, lowest: int, highest: int) -> None:
    for value, is_taken in ((lowest - 1, False), (lowest, True), (highest, True), (highest + 1, False)):
        form = details_form(slug)(COMPLETE[slug][0] | {field: str(value)})
        assert form.is_valid() is is_taken, (value, form.errors)
        assert is_taken or set(form.errors) == {field}


def test_every_number_of_every_form_has_its_limits_tested() -> None:
    numbers = {
        (slug, name)
        for slug, form in details_forms().items()
        for name, field in form.base_fields.items()
        if hasattr(field, "max_value")
    }
    assert numbers == {(slug, field) for slug, field, _lowest, _highest in LIMITS}


@pytest.mark.parametrize(("slug", "field"), OPTIONS)
def test_it_takes_each_option_and_no_other(slug: str, field: str) -> None:
    form_class = details_form(slug)
    options = [value for value, _words in form_class.base_fields[field].choices if value]  # type: ignore[attr-defined]
    assert len(options) == OPTIONS[slug, field]
    for value in (*options, "nonsense"):
        form = form_class(COMPLETE[slug][0] | {field: value})
        assert form.is_valid() is (value != "nonsense"), form.errors


def test_it_knows_the_muscles_of_the_domain_page() -> None:
    assert len(MUSCLE_NAMES) == 21
    for muscle in MUSCLE_NAMES:
        assert details_form("neuromuscular")(COMPLETE["neuromuscular"][0] | {"muscle": muscle}).is_valid()
    assert not details_form("neuromuscular")(COMPLETE["neuromuscular"][0] | {"muscle": "heart"}).is_valid()


def test_a_still_point_has_a_time_only_where_there_was_one() -> None:
    form = details_form("craniosacral")({"technique": "cv4", "still_point": "no", "still_point_seconds": "40"})
    assert not form.is_valid()
    assert set(form.errors) == {"still_point_seconds"}


def test_reflexology_works_on_feet_and_hands() -> None:
    assert details_form("reflexology").regions == {Region.FOOT, Region.HAND}


@pytest.mark.parametrize("phase", ["prodrome", "aura", "attack", "postdrome"])
def test_deep_tissue_is_given_only_between_attacks(phase: str) -> None:
    assert "only between attacks" in details_form("deep_tissue").objection(phase=phase)
    assert not details_form("deep_tissue").objection(phase="interictal")
    assert not details_form("swedish").objection(phase=phase)


@pytest.mark.parametrize(
    ("slug", "technique", "called"),
    [
        ("craniosacral", "cv4", set()),
        ("craniosacral", "ear_pull", {"traction"}),
        ("myofascial", "direct", set()),
        ("neuromuscular", "static_compression", {"static_compression"}),
        ("neuromuscular", "pincer", {"pincer"}),
        ("swedish", "tapotement", {"tapotement"}),
        ("swedish", "friction", {"friction"}),
        ("deep_tissue", "elbow", {"elbow"}),
        ("reflexology", "", set()),
        ("neck_shoulder", "stretch", {"stretch"}),
        ("neck_shoulder", "static_compression", {"static_compression"}),
        ("neck_shoulder", "kneading", set()),
    ],
)
def test_it_says_in_the_rules_words_what_hands_do(slug: str, technique: str, called: set[str]) -> None:
    assert details_form(slug).techniques(technique, {}) == called


def test_a_modality_without_a_folder_gets_the_common_form_and_the_strictest_words() -> None:
    form_class = details_form("hot_stones")
    assert form_class is DetailsForm
    form = form_class({"technique": "stones along the spine"})
    assert form.is_valid()
    assert form.summary("stones along the spine", {}) == "stones along the spine"
    assert (
        form.techniques("", {}) == {"static_compression", "friction", "tapotement", "stretch", "traction"} <= TECHNIQUES
    )


def test_adding_a_modality_touches_no_other_code() -> None:
    folder = Path(modalities.__file__).parent
    outside = [path for path in folder.parent.rglob("*.py") if not path.is_relative_to(folder)]
    named = re.compile("|".join(rf"modalities\.{slug}" for slug in COMPLETE))
    assert not [path for path in outside if named.search(path.read_text("utf-8"))]
