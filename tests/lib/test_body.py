"""Regions, sides and groups are those of the clinic's list, and the drawings agree with them."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from clinic.lib import body, drawing
from clinic.lib.body import GROUPS, Group, Region, Side

DRAWN = json.loads((drawing.DRAWINGS / "regions.json").read_text("utf-8"))


def test_the_head_runs_from_the_forehead_to_behind_the_ear() -> None:
    assert [r.value for r in body.REGIONS if r in GROUPS[Group.HEAD]] == [
        "forehead", "brow", "eye_orbit", "temple", "cheek", "jaw_masseter", "tmj", "ear_periauricular",
        "vertex", "parietal", "occiput", "suboccipital", "mastoid",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (
            "neck",
            "neck_posterior_upper neck_posterior_lower neck_lateral neck_anterior scm scalene c7_junction "
            "suboccipital upper_trapezius",
        ),
        ("pulse_line", "neck_anterior neck_lateral scm scalene supraclavicular"),
        ("spine", "c7_junction thoracic_upper thoracic_lower lumbar sacrum"),
        ("chest", "clavicle_pectoral sternum"),
        ("legs", "hip leg foot"),
    ],
)
def test_a_group_holds_what_the_rules_mean_by_it(group: str, words: str) -> None:
    assert body.regions_in(group) == set(words.split())


def test_all_means_every_region() -> None:
    assert body.regions_in("all") == set(Region)
    assert len(Region) == 39


def test_the_base_of_the_skull_belongs_to_head_and_neck() -> None:
    assert {group for group in Group if Region.SUBOCCIPITAL in body.regions_in(group)} == {
        Group.HEAD,
        Group.NECK,
        Group.ALL,
    }


def test_a_word_that_no_rule_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="torso"):
        body.regions_in("torso")


def test_the_drawings_show_every_region_but_the_four_that_are_not_drawn() -> None:
    assert set(DRAWN) == set(Region) - body.NOT_DRAWN


def test_the_drawings_and_the_list_name_regions_alike() -> None:
    assert {key: entry["name"] for key, entry in DRAWN.items()} == {
        region.value: str(region.label) for region in Region if region not in body.NOT_DRAWN
    }


def test_the_drawings_hatch_what_is_never_pressed() -> None:
    assert {key for key, entry in DRAWN.items() if entry["no_pressure"]} == body.NO_PRESSURE


def test_left_and_right_are_drawn_where_they_exist() -> None:
    for key, entry in DRAWN.items():
        sides = {Side.MIDDLE if side == "mid" else Side(side) for side in entry["sides"]}
        assert sides == set(body.sides_of(key))


@pytest.mark.parametrize("view", drawing.VIEWS)
def test_two_drawings_of_one_view_share_no_id(view: str) -> None:
    first = drawing.inline_body_map(view, prefix="before", with_muscles=True)
    second = drawing.inline_body_map(view, prefix="after", with_muscles=True)
    ElementTree.fromstring(first)  # noqa: S314 -- our own file
    ids, others = (set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second))
    assert len(ids) > 10
    assert ids & others == set()
    for named in re.findall(r'aria-labelledby="([^"]+)"', first):
        assert named in ids


def test_a_state_is_written_on_its_region_and_on_no_other() -> None:
    svg = drawing.inline_body_map("head-neck-front", states={"temple--left": "is-level-2"})
    marked = re.findall(r'<path id="([^"]+)" class="[^"]*is-level-2', svg)
    assert marked == ["head-neck-front--temple--left"]


def test_muscles_lie_below_the_lines() -> None:
    svg = drawing.inline_body_map("head-neck-back", with_muscles=True)
    assert 0 < svg.index("muscle-layer") < svg.index('class="lines"')
    assert "muscle-layer" not in drawing.inline_body_map("head-neck-back")


@pytest.mark.parametrize("prefix", ['"><script>', "UPPER", "-a", "a b"])
def test_a_prefix_cannot_leave_its_attribute(prefix: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        drawing.inline_body_map("body-front", prefix=prefix)


def test_a_state_cannot_leave_its_attribute() -> None:
    with pytest.raises(ValueError, match="not a class"):
        drawing.inline_body_map("body-front", states={"temple--left": '" onload="x'})


def test_a_view_that_is_not_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="No drawing"):
        drawing.inline_body_map("../settings")
