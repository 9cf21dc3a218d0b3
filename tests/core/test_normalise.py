"""Normalisation folds spellings and keeps exact offsets."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.normalise import Normalised, normalise

MIXED = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("拆迁补偿企業賬戶凍結 ．.·•-＊　\u200b\u0301\u3099ＡＢｃ１２①！！。、\t\n"),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("ＡＢＣ　１２３", "abc 123"),
        ("企業賬戶被凍結", "企业账户被冻结"),
        ("拆.迁", "拆迁"),
        ("拆 迁 补 偿", "拆迁补偿"),
        ("强  拆", "强拆"),
        ("强\u200b拆\ufeff", "强拆"),
        ("强\x00拆\x07", "强拆"),
        ("救命！！！！！", "救命!"),
        ("拖欠……工资", "拖欠.工资"),
        ("急急急", "急急急"),
        ("你好 我是张三", "你好 我是张三"),
        ("e\u0301", "é"),
        ("㈱①", "(株)1"),
        ("  \n\t ", ""),
        ("100.5元", "100.5元"),
        ("2020-01-02", "2020-01-02"),
    ],
)
def test_folds_the_ways_to_write_one_thing(received: str, expected: str) -> None:
    assert normalise(received).text == expected


def test_a_hit_maps_back_to_the_text_as_received() -> None:
    received = "请看：企業賬\u200b戶．被凍結！！"
    text = normalise(received)
    start = text.text.index("账户被冻结")
    assert received[slice(*text.span(start, start + 5))] == "賬\u200b戶．被凍結"


@given(MIXED)
def test_offsets_are_exact_ordered_and_inside(received: str) -> None:
    result = normalise(received)
    assert len(result.text) == len(result.starts) == len(result.ends)
    spans = list(zip(result.starts, result.ends, strict=True))
    assert all(0 <= start < end <= len(received) for start, end in spans)
    assert spans == sorted(spans)


@given(MIXED)
def test_every_character_comes_from_its_span(received: str) -> None:
    """A kept character is what its own span alone folds to, but for the script."""
    result = normalise(received)
    for char, start, end in zip(result.text, result.starts, result.ends, strict=True):
        folded = unicodedata.normalize("NFKC", received[start:end]).lower()
        assert char == " " or char in folded or char in normalise(received[start:end]).text or (
            len(folded) == 1 and folded >= "\u3400"
        )  # fmt: skip


@given(MIXED, st.data())
def test_spans_are_half_open_and_monotonic(received: str, data: st.DataObject) -> None:
    result = normalise(received)
    if not result.text:
        return
    start = data.draw(st.integers(0, len(result.text) - 1))
    end = data.draw(st.integers(start + 1, len(result.text)))
    begin, finish = result.span(start, end)
    assert 0 <= begin < finish <= len(received)
    assert begin <= result.span(end - 1, end)[0]


@given(st.text(st.sampled_from("拆迁补偿法院企业公司，。abc 12"), max_size=40))
def test_clean_simplified_text_keeps_its_letters(received: str) -> None:
    letters = [c for c in unicodedata.normalize("NFKC", received) if c.isalnum()]
    assert [c for c in normalise(received).text if c.isalnum()] == letters


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-1, 1), (1, 3), (2, 1)])
def test_a_span_outside_the_text_is_refused(start: int, end: int) -> None:
    text: Normalised = normalise("法院")
    with pytest.raises(ValueError, match="outside a text of 2"):
        text.span(start, end)


def test_time_grows_linearly_with_hostile_input() -> None:
    assert normalise("e" + "\u0301" * 20_000).text.startswith("é")
    assert normalise("." * 20_000).text == "."
