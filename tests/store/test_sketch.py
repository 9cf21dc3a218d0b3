"""Sketches are the same everywhere, tell how alike two texts are, and pass over courtesies."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from serving.store import sketch
from tests.store.matters import ALIKE, CLOSINGS, GREETINGS, MATTERS, RETOLD, variants


def alike(one: str, other: str) -> float:
    return float(
        sketch.similarity(
            sketch.signature(None, one), sketch.table([sketch.signature(None, other)])
        )[0]
    )


def is_same(one: str, other: str) -> bool:
    own, others = sketch.signature(None, one), sketch.table([sketch.signature(None, other)])
    return bool(sketch.similarity(own, others)[0] >= sketch.thresholds(own, others)[0])


def do_meet(one: str, other: str) -> bool:
    first = sketch.band_keys(sketch.signature(None, one))
    return not set(first).isdisjoint(sketch.band_keys(sketch.signature(None, other)))


@pytest.mark.parametrize("name", MATTERS)
def test_one_matter_written_in_other_ways_is_the_same(name: str) -> None:
    text = MATTERS[name]
    for seed in range(3):
        for way, other in variants(text, seed).items():
            assert is_same(text, other), way
            assert do_meet(text, other), way
    for other in RETOLD.get(name, ()):
        assert is_same(text, other)


def test_different_matters_in_the_same_polite_words_are_not_the_same() -> None:
    for greeting, closing in zip(GREETINGS, CLOSINGS, strict=True):
        for one, other in itertools.combinations(MATTERS.values(), 2):
            assert not is_same(greeting + one + closing, greeting + other + closing)
    for one, other in ALIKE:
        assert not is_same(one, other)


def test_short_questions_that_differ_in_what_they_ask_about_are_not_the_same() -> None:
    one, other = "请问盗窃罪的量刑标准是什么？", "请问诈骗罪的量刑标准是什么？"
    assert alike(one, other) > sketch.NEAR
    assert not is_same(one, other)
    assert is_same(one, "请问盗窃罪的量刑标准是什么")


def test_estimates_are_near_the_truth_without_leaning_to_a_side() -> None:
    errors = []
    for text in MATTERS.values():
        own = sketch.grams(None, text)
        for other in variants(text, 5).values():
            theirs = sketch.grams(None, other)
            truth = len(own & theirs) / len(own | theirs)
            errors.append(alike(text, other) - truth)
    assert abs(float(np.mean(errors))) < 0.01
    assert float(np.std(errors)) < 0.05


def test_a_title_counts_as_the_text_does() -> None:
    seen = "详情见附件，请查收。"
    one = sketch.signature("举报青石县鸿运采石场非法开采破坏耕地", seen)
    other = sketch.signature("反映云川市第三中学违规收取补课费用", seen)
    assert sketch.similarity(one, sketch.table([other]))[0] < sketch.NEAR


@pytest.mark.parametrize("text", ["", "！！！", "您好！", "尊敬的检察官：您好，谢谢您！", "\u200b"])
def test_what_says_nothing_is_like_nothing(text: str) -> None:
    empty = sketch.signature(None, text)
    assert (empty, sketch.band_keys(empty)) == (b"", [])
    others = sketch.table([empty, sketch.signature(None, MATTERS["milk"])])
    assert sketch.similarity(empty, others).tolist() == [0.0, 0.0]


def test_another_version_is_like_nothing() -> None:
    own = sketch.signature(None, MATTERS["milk"])
    later = (sketch.VERSION + 1).to_bytes(2, "little") + own[2:]
    assert sketch.similarity(own, sketch.table([own, later])).tolist() == [1.0, 0.0]
    assert sketch.band_keys(later) == []


def test_signatures_are_the_same_in_every_process_and_in_every_release() -> None:
    program = (
        "from serving.store.sketch import signature, band_keys\n"
        "found = signature('路灯', '花园小区的路灯坏了半年多')\n"
        "print(found.hex()[:24], len(found), band_keys(found)[:2])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    # A change here makes all stored sketches useless: it needs a new `VERSION`.
    golden = "02000b0051e9bab3590ee867 260 [36285334135901785, 36424521187268946]"
    assert told == {golden + "\n"}
