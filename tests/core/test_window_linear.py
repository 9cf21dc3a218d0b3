"""The model's window, and the linear voice's n-grams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from triage.models.linear import FIELDS, LinearModel, ngram_keys, term_frequencies
from triage.models.window import Windower

_CHARS = "法院企业工资拖欠起诉"
_VOCABULARY = {name: i for i, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_CHARS])}
CLS, SEP = 2, 3


@pytest.fixture
def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece(_VOCABULARY, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def test_title_and_body_are_two_segments(tokenizer: Tokenizer) -> None:
    window = Windower(tokenizer, 16)("法院", "工资拖欠")
    ids = [_VOCABULARY[c] for c in "法院工资拖欠"]
    assert window.ids == [CLS, *ids[:2], SEP, *ids[2:], SEP]
    assert window.segments == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert not window.truncated


def test_a_body_alone_is_the_first_segment(tokenizer: Tokenizer) -> None:
    window = Windower(tokenizer, 16)(None, "工资")
    assert window.segments == [0, 0, 0, 0]


def test_a_long_body_keeps_head_and_tail_and_says_so(tokenizer: Tokenizer) -> None:
    window = Windower(tokenizer, 16)(None, "法" * 50 + "院" * 50)
    assert window.truncated
    assert len(window.ids) == 16
    assert window.ids[1] == _VOCABULARY["法"]
    assert window.ids[-2] == _VOCABULARY["院"]


@given(st.text(st.sampled_from(_CHARS + " ，x"), max_size=600),
       st.text(st.sampled_from(_CHARS), max_size=60))  # fmt: skip
def test_no_window_is_longer_than_the_model(body: str, title: str) -> None:
    made = Tokenizer(models.WordPiece(_VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    window = Windower(made, 32)(title or None, body)
    assert len(window.ids) == len(window.segments) <= 32
    assert window.ids[0] == CLS
    assert window.ids[-1] == SEP


def test_a_tokenizer_of_another_family_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[CLS\]"):
        Windower(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")), 16)


def test_ngrams_are_counted_without_collisions() -> None:
    text = "工资工资欠"
    grams = [text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)]
    keys, counts = term_frequencies(text)
    assert len(ngram_keys(text)) == len(grams)
    assert len(keys) == len(set(grams))
    assert counts.sum() == pytest.approx(len(set(grams)) + 3 * np.log(2))


@given(st.text(max_size=30), st.text(max_size=30))
def test_different_texts_have_different_ngrams(a: str, b: str) -> None:
    a, b = (s.encode("utf-8", "ignore").decode() for s in (a, b))
    same = {*ngram_keys(a).tolist()} == {*ngram_keys(b).tolist()}
    grams = [{t[i : i + n] for n in (1, 2, 3) for i in range(len(t) - n + 1)} for t in (a, b)]
    assert same == (grams[0] == grams[1])


def _linear() -> dict[str, np.ndarray]:
    keys = np.sort(np.unique(ngram_keys("工资")))
    return {
        "keys": keys,
        "idf": np.ones(len(keys), np.float32),
        "weights": np.full((len(keys), 6), 127, np.int8),
        "scales": np.full(6, 1 / 127, np.float32),
        "bias": np.arange(6, dtype=np.float32),
    }


def test_linear_scores_are_weights_times_a_unit_vector() -> None:
    output = LinearModel(**_linear()).predict("工资")
    assert output.classes == pytest.approx(np.sqrt(3) + np.arange(5), rel=1e-5)
    assert output.urgent == pytest.approx(np.sqrt(3) + 5, rel=1e-5)


def test_a_text_of_unknown_ngrams_scores_the_bias() -> None:
    assert LinearModel(**_linear()).predict("x").classes.tolist() == [0, 1, 2, 3, 4]


def test_a_linear_file_without_an_array_is_refused(tmp_path: Path) -> None:
    arrays = _linear()
    del arrays["idf"]
    np.savez(tmp_path / "linear.npz", **arrays)
    with pytest.raises(KeyError):
        LinearModel.load(tmp_path / "linear.npz")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    arrays = _linear() | {"keys": np.array([object()])}
    np.savez(tmp_path / "linear.npz", allow_pickle=True, **arrays)
    with pytest.raises(ValueError, match="pickle"):
        LinearModel.load(tmp_path / "linear.npz")
    assert set(arrays) == set(FIELDS)
