from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.markup import Raw, bounds, share, table
from eval.results import IntervalFigures
from eval.svg import Axis, Line, chart

points = st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), max_size=5)


@settings(max_examples=50, deadline=None)
@given(st.lists(points, max_size=7), st.text(alphabet="a<>&\"'中", max_size=8))
def test_chart_is_well_formed_and_stays_in_its_frame(
    lines: list[list[tuple[float, float]]], name: str
) -> None:
    drawn = chart(name, [Line(name, each, marked=True) for each in lines], Axis(name), Axis("y"))
    root = ElementTree.fromstring(drawn)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    circles = root.findall("circle")
    assert len(circles) == sum(map(len, lines))
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= width
        assert 0 <= float(circle.attrib["cy"]) <= height
    assert root.attrib["aria-label"] == name


def test_axis_clips_and_ticks() -> None:
    axis = Axis("x", 0.2, 0.7)
    assert (axis.share(0.0), axis.share(0.2), axis.share(0.7), axis.share(1.0)) == (0, 0, 1, 1)
    assert axis.ticks() == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7])


def test_cells_are_escaped_unless_they_are_markup() -> None:
    drawn = table(("<h>",), [("<b>", Raw("<i>x</i>"), 3)])
    assert "&lt;h&gt;" in drawn
    assert "<td>&lt;b&gt;</td><td><i>x</i></td><td>3</td>" in drawn


def test_undefined_figures_are_dashes() -> None:
    assert share(None) == "–"
    assert share(0.12345) == "0.123"
    undefined = IntervalFigures(value=float("nan"), low=float("nan"), high=float("nan"))
    assert undefined.value is None
    assert bounds(undefined) == "–"
    assert bounds(IntervalFigures(value=0.5, low=0.4, high=0.6), sign=True) == (
        "+0.500 [+0.400, +0.600]"
    )
