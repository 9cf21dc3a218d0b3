"""The linear voice points at the clause that spoke."""

from __future__ import annotations

import numpy as np
import pytest

from triage.evidence import model_evidence
from triage.labels import CLASSES
from triage.models import LinearModel
from triage.models.linear import ngram_keys
from triage.normalise import normalise
from triage.types import Department, Message


def voice(*words: str) -> LinearModel:
    """A voice for `civil` that knows the n-grams of `words` and nothing else."""
    keys = np.unique(np.concatenate([ngram_keys(word) for word in words]))
    weights = np.zeros((len(keys), len(CLASSES) + 1), np.int8)
    weights[:, 0] = 100
    ones = np.ones(len(CLASSES) + 1, np.float32)
    return LinearModel(keys, np.ones(len(keys), np.float32), weights, ones, 0 * ones)


def test_the_attributions_add_up_to_the_score() -> None:
    model, text = voice("拖欠工资"), "老板拖欠工资，又拖欠工资"
    length = np.sqrt(sum((1 + np.log(text.count(g))) ** 2 for g in _known(text, "拖欠工资")))
    score = float(model.predict(text).classes[0])
    assert float(model.attribute(text, 0).sum()) / length == pytest.approx(score, rel=1e-5)


def _known(text: str, word: str) -> set[str]:
    grams = {word[i : i + n] for n in (1, 2, 3) for i in range(len(word) - n + 1)}
    return {gram for gram in grams if gram in text}


def test_the_right_clause_is_found_in_the_text_as_received() -> None:
    message = Message(title="諮詢", text="您好！今天天氣不錯，老闆拖．欠工資三個月，謝謝")
    title, body = normalise(message.title or ""), normalise(message.text)
    found = model_evidence(message, title, body, voice("拖欠工资"), Department.CIVIL)
    assert [e.text for e in found] == ["老闆拖．欠工資三個月"]
    assert message.text[found[0].start : found[0].end] == found[0].text
    assert found[0].source == "model"
    assert found[0].weight == pytest.approx(1.0, abs=0.01)


def test_a_title_is_evidence_too() -> None:
    message = Message(title="拖欠工资", text="请帮帮我")
    title, body = normalise(message.title or ""), normalise(message.text)
    (found,) = model_evidence(message, title, body, voice("拖欠工资"), Department.CIVIL)
    assert (found.field, found.start, found.end) == ("title", 0, 4)


def test_without_support_there_is_no_evidence() -> None:
    message = Message(text="今天天气不错")
    body = normalise(message.text)
    assert model_evidence(message, None, body, voice("拖欠工资"), Department.CIVIL) == []
