from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from plans.charts import PainVisit, PhaseMark, goal_line, pain_chart, phase_line

FIRST = date(2026, 9, 3)


def visits(count: int) -> list[PainVisit]:
    return [PainVisit(FIRST + timedelta(weeks=n), before=6 - n % 3, after=3) for n in range(count)]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  # drawn by us


@pytest.mark.parametrize("count", [1, 3, 8, 9, 40])
def test_the_pain_chart_has_both_points_of_every_visit_inside_its_frame(count: int) -> None:
    svg = parsed(pain_chart(visits(count)))
    circles = svg.findall("circle")
    assert len(circles) == 2 * count
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert all(0 < float(c.attrib["cx"]) < width and 0 < float(c.attrib["cy"]) < height for c in circles)


def test_the_pain_chart_prints_at_most_eight_dates() -> None:
    dates = [text for text in parsed(pain_chart(visits(40))).findall("text") if text.attrib["y"] == "230"]
    assert 4 <= len(dates) <= 8


def test_a_visit_without_pain_after_has_only_its_first_point() -> None:
    svg = parsed(pain_chart([PainVisit(FIRST, before=5, after=None)]))
    assert [c.attrib["class"] for c in svg.findall("circle")] == ["c-dot"]


def test_the_names_of_the_two_series_never_lie_on_each_other() -> None:
    svg = parsed(pain_chart([PainVisit(FIRST, before=5, after=5)] * 3))
    before, after = (float(t.attrib["y"]) for t in svg.findall("text") if t.attrib.get("class") == "lbl")
    assert abs(after - before) >= 18


def test_no_chart_carries_a_style_of_its_own() -> None:
    line = goal_line(baseline=Decimal(11), now=Decimal(6), target=Decimal(5), highest=28, words="6, of 11")
    assert "style=" not in pain_chart(visits(3)) + line


def test_words_of_people_are_escaped() -> None:
    svg = goal_line(baseline=Decimal(9), now=None, target=Decimal(4), highest=28, words='"<b>')
    assert "<b>" not in svg
    assert parsed(svg).attrib["aria-label"] == '"<b>'


def test_the_goal_line_has_no_point_while_there_are_too_few_data() -> None:
    svg = parsed(goal_line(baseline=Decimal(9), now=None, target=Decimal(4), highest=28, words="too little"))
    assert not [c for c in svg.findall("circle") if c.attrib["class"] == "sl-dot"]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_phase_line_marks_where_she_is(count: int) -> None:
    marks = [PhaseMark(f"phase {n}", FIRST + timedelta(weeks=6 * n), n < 1, n == 1) for n in range(count)]
    svg = parsed(phase_line(marks, words="where"))
    assert len(svg.findall("circle")) == count
    assert len([c for c in svg.findall("circle") if c.attrib["class"] == "sl-dot"]) == (1 if count > 1 else 0)
