"""Any Unicode text has a decision with finite numbers and true quotations, or is refused as blank."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.errors import InvalidMessageError
from triage.normalise import normalise
from triage.pipeline import Pipeline
from triage.types import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Message

CHARACTERS = st.characters(exclude_categories=["Cs"])
# Noise alone hits no rule; words in it do.
WORDS = st.sampled_from(
    [
        "拖欠工资",
        "拖.欠.工.资",
        "法院凍結賬戶",
        "没有受伤",
        "扬尘",
        "明天强拆",
        "ＡＢＣ",
        "。",
        "，",
        "\n",
        "\u200b",
        "e\u0301",
        "한",
    ]
)
TEXTS = (
    st.lists(WORDS | st.text(CHARACTERS, max_size=20), min_size=1, max_size=12)
    .map("".join)
    .filter(bool)
)

HOSTILE = {
    "one character": "冤",
    "companions": "刮。砸。",
    "denials": "没有人受伤",
    "parts of words": "不合法院落",
    "numbers": "一百名工人",
    "marks": "。！？",
    "quotation": "《“听说如果",
    "combining marks": "a" + "\u0301" * 40,
    "zero width": "工\u200b资\u2060",
    "jamo": "\u1112\u1161\u11ab",
    "expands": "\ufdfa",
    "emoji": "👩\u200d👩\u200d👧",
    "right to left": "\u202e资工欠拖\u202c",
    "letters": "a",
    "digits": "1",
    "spaces between": "拖 欠 ",
    "dots": "..拖.",
    "lines": "拖欠工资\n",
    "damaged": "ï¿½锟斤拷",
    "private use": "\ue000\U0010fffd",
    "not characters": "\uffff\U0010ffff",
}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    loaded = Pipeline.load()
    loaded.warm_up()
    return loaded


def _classify(pipeline: Pipeline, message: Message) -> None:
    if not normalise(message.text).text:
        with pytest.raises(InvalidMessageError):
            pipeline.classify(message)
        return
    decision = pipeline.classify(message)
    numbers = [*decision.probabilities.values(), decision.urgency.score]
    assert all(math.isfinite(number) and 0 <= number <= 1 for number in numbers)
    assert sum(decision.probabilities.values()) == pytest.approx(1, abs=1e-3)
    for evidence in decision.evidence:
        source = message.text if evidence.field == "text" else message.title
        assert source is not None
        assert 0 <= evidence.start < evidence.end
        assert source[evidence.start : evidence.end] == evidence.text
        assert math.isfinite(evidence.weight)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, title=st.none() | TEXTS.map(lambda text: text[:MAX_TITLE_CHARS]))
def test_any_text(pipeline: Pipeline, text: str, title: str | None) -> None:
    _classify(pipeline, Message(text=text, title=title))


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_longest_hostile_text(pipeline: Pipeline, unit: str) -> None:
    text = (unit * (MAX_TEXT_CHARS // len(unit) + 1))[:MAX_TEXT_CHARS]
    _classify(pipeline, Message(text=text, title=text[:MAX_TITLE_CHARS]))
