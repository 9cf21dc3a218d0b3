"""Which clauses are left out, how many at most, and what evidence that makes; on small fakes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from tests.eval.fakes import manifest
from triage.bundle import Bundle, default_path
from triage.evidence import encoder_evidence, model_evidence
from triage.fusion import log_softmax
from triage.labels import CLASSES, REASONS
from triage.models import LinearModel, ModelOutput, Occlusion, Span
from triage.models.linear import ngram_keys
from triage.models.occlusion import MOST_SEGMENTS, segments
from triage.models.window import Token, Windower
from triage.normalise import Normalised, normalise
from triage.types import Department, Message

_CHARS = "法院企业工资拖欠起诉"
_VOCABULARY = {name: i for i, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_CHARS, ","])}
CLS, SEP = 2, 3


def _windower(length: int) -> Windower:
    made = Tokenizer(models.WordPiece(_VOCABULARY, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return Windower(made, length)


def _spans(*fields: tuple[str, str]) -> list[Span]:
    """The clauses of (field, text) pairs, divided by commas."""
    spans = []
    for field, text in fields:
        at = 0
        for clause in text.split(","):
            if clause:
                spans.append(Span("title" if field == "title" else "text", at, at + len(clause)))
            at += len(clause) + 1
    return spans


def _tokens(text: str) -> list[Token]:
    return [Token(_VOCABULARY.get(char, 1), "text", at) for at, char in enumerate(text)]


@given(st.text(st.sampled_from(_CHARS + ",x"), max_size=900),
       st.none() | st.text(st.sampled_from(_CHARS + ","), max_size=60))  # fmt: skip
def test_the_tokens_are_those_of_the_window(body: str, title: str | None) -> None:
    windower = _windower(32)
    tokens = windower.tokens(title, body)
    window = windower(title, body)
    assert [t.id for t in tokens] == [i for i in window.ids if i not in (CLS, SEP)]
    for token in tokens:
        source = body if token.field == "text" else title or ""
        if token.id > SEP:
            assert source.startswith(list(_VOCABULARY)[token.id], token.start)
    if tokens and (not title or {t.field for t in tokens} == {"title", "text"}):
        whole = windower.of_tokens(tokens)
        assert (whole.ids, whole.segments) == (window.ids, window.segments)


def test_what_is_left_of_title_or_body_alone_is_one_segment() -> None:
    windower = _windower(16)
    tokens = windower.tokens("法院", "工资")
    for part in (tokens[:2], tokens[2:]):
        window = windower.of_tokens(part)
        assert window.ids == [CLS, *(t.id for t in part), SEP]
        assert window.segments == [0] * 4
    assert windower.of_tokens([]).ids == [CLS, SEP]


def test_a_clause_takes_the_marks_after_it_along() -> None:
    text = ",法院,,工资,起诉"
    tokens = _tokens(text)
    left = [
        "".join(text[t.start] for t in part.without(tokens))
        for part in segments(tokens, _spans(("text", text)))
    ]
    assert left == [",工资,起诉", ",法院,,起诉", ",法院,,工资,"]


def test_title_and_body_are_never_merged() -> None:
    windower = _windower(64)
    spans = _spans(("title", "法院,起诉"), ("text", "工资,拖欠,企业"))
    tokens = windower.tokens("法院,起诉", "工资,拖欠,企业")
    found = [part.span for part in segments(tokens, spans, most=3)]
    assert found == [Span("title", 0, 5), Span("text", 0, 2), Span("text", 3, 8)]


def test_the_shortest_neighbours_are_merged_first() -> None:
    text = "法院企业工资,法,院,拖欠起诉"
    found = [part.span for part in segments(_tokens(text), _spans(("text", text)), most=3)]
    assert [text[s.start : s.end] for s in found] == ["法院企业工资", "法,院", "拖欠起诉"]


def test_clauses_that_were_not_seen_are_passed_over_and_nothing_is_merged_across_them() -> None:
    text = ",".join(["法院"] * 40)
    tokens = [t for t in _tokens(text) if t.start < 30 or t.start >= 90]
    found = segments(tokens, _spans(("text", text)), most=3)
    assert [part.span.end <= 30 or part.span.start >= 90 for part in found] == [True] * 3
    assert sum(part.last - part.first for part in found) == len(tokens)


def test_of_a_clause_whose_words_were_cut_off_the_marks_alone_do_not_count() -> None:
    text = "法院,工资"
    assert [p.span.start for p in segments(_tokens(text)[2:], _spans(("text", text)))] == [3]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=200), st.integers(0, 400))
def test_the_work_is_bounded_and_every_token_seen_is_left_out_once(
    lengths: list[int], cut: int
) -> None:
    text = ",".join("法" * length for length in lengths)
    tokens = [t for t in _tokens(text) if not cut <= t.start < cut + 100]
    found = segments(tokens, _spans(("text", text)))
    assert len(found) <= MOST_SEGMENTS
    for one, two in itertools.pairwise(found):
        assert one.last <= two.first
        assert one.span.end < two.span.start
    assert sum(part.last - part.first for part in found) >= len(tokens) - 1


class WordModel:
    """Believes in `civil` by the words that it knows; reads what `occlude` leaves, as a text."""

    version = "words"

    def __init__(self, **words: float) -> None:
        self.words = words
        self.calls = 0

    def _score(self, text: str) -> ModelOutput:
        classes = np.zeros(len(CLASSES), np.float32)
        classes[0] = sum(weight for word, weight in self.words.items() if word in text)
        return ModelOutput(classes, 0.0, np.zeros(len(REASONS), np.float32), False)

    def predict(self, title: Normalised | None, body: Normalised) -> ModelOutput:
        return self._score((title.text if title else "") + "\n" + body.text)

    def occlude(
        self, title: Normalised | None, body: Normalised, clauses: Sequence[Span]
    ) -> list[Occlusion]:
        self.calls += 1
        results = []
        for span in clauses:
            texts = {"title": title.text if title else "", "text": body.text}
            text = texts[span.field]
            texts[span.field] = text[: span.start] + text[span.end :]
            results.append(Occlusion(span, self._score("\n".join(texts.values()))))
        return results


def _bundle(model: WordModel) -> Bundle:
    keys, columns = np.unique(ngram_keys("的")), len(CLASSES) + 1
    ones = np.ones(columns, np.float32)
    weights = np.zeros((len(keys), columns), np.int8)
    linear = LinearModel(keys, np.ones(len(keys), np.float32), weights, ones, ones)
    return Bundle(default_path(), manifest(), model, linear)


def _evidence(model: WordModel, message: Message) -> list[tuple[str, str, float]]:
    title = normalise(message.title) if message.title else None
    body = normalise(message.text)
    found = encoder_evidence(
        message, title, body, _bundle(model), model.predict(title, body), Department.CIVIL
    )
    for one in found:
        source = message.text if one.field == "text" else message.title or ""
        assert source[one.start : one.end] == one.text
        assert (one.source, one.label, one.rule) == ("model", "civil", None)
    return [(one.field, one.text, one.weight) for one in found]


def test_weights_are_falls_of_the_calibrated_log_probability() -> None:
    model = WordModel(欠款=3.0, 利息=1.0)
    message = Message(text="您好，朋友欠款五万，也不付利息，谢谢")
    with_all, without = (log_softmax(np.array([x, 0, 0, 0, 0]) / 2.0)[0] for x in (4.0, 1.0))
    found = _evidence(model, message)
    assert [text for _, text, _ in found] == ["朋友欠款五万", "也不付利息"]
    assert found[0][2] == round(float(with_all - without), 4)
    assert model.calls == 1


def test_only_what_speaks_for_the_department_counts() -> None:
    found = _evidence(WordModel(欠款=3.0, 污水=-2.0), Message(text="河里有污水，朋友欠款"))
    assert [text for _, text, _ in found] == ["朋友欠款"]


def test_at_most_three_the_strongest_first_and_equals_in_order() -> None:
    model = WordModel(甲=1.0, 乙=2.0, 丙=1.0, 丁=1.0, 戊=0.5)
    message = Message(title="戊，丁", text="甲，乙，丙")
    found = [(field, text) for field, text, _ in _evidence(model, message)]
    assert found == [("text", "乙"), ("title", "丁"), ("text", "甲")]


def test_a_clause_that_is_said_twice_is_not_missed_once() -> None:
    assert _evidence(WordModel(欠款=3.0), Message(text="朋友欠款，就是欠款")) == []


@pytest.mark.parametrize("text", ["老闆欠．款不還，謝謝", "老\u200b闆欠款不還，謝謝"])
def test_offsets_survive_normalisation(text: str) -> None:
    found = _evidence(WordModel(欠款=3.0), Message(text=text))
    assert [clause for _, clause, _ in found] == [text.split("，")[0]]


def test_the_linear_voice_is_not_asked() -> None:
    message = Message(text="朋友欠款")
    body = normalise(message.text)
    linear = _bundle(WordModel(欠款=3.0)).linear
    assert model_evidence(message, None, body, linear, Department.CIVIL) == []
    assert _evidence(WordModel(欠款=3.0), message)
