"""From a message to a decision: normalise, ask model and rules, fuse, decide, give evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triage.bundle import Bundle, load_bundle
from triage.decision import Verdict, decide
from triage.errors import InvalidMessageError
from triage.evidence import DIGITS, encoder_evidence, model_evidence, rule_evidence
from triage.fusion import Floats64, Fused, Voices, fuse, log_softmax, sigmoid
from triage.labels import DEPARTMENTS
from triage.models import join_fields
from triage.normalise import NORMALISER_VERSION, Normalised, is_damaged, normalise
from triage.rules import RuleEngine
from triage.selftest import self_test
from triage.types import Decision, Evidence, Message, Urgency, Versions


@dataclass(frozen=True, slots=True)
class Analysis:
    """A decision with everything that led to it, for evaluation and explanation.

    `model_probabilities` `[5]` and `model_urgent` are the encoder's alone, calibrated.
    """

    voices: Voices
    fused: Fused
    model_probabilities: Floats64
    model_urgent: float
    decision: Decision


def _normalised(text: str, field: str) -> Normalised:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidMessageError(
            "the text holds half of a surrogate pair; send valid Unicode", field=field
        ) from None
    return normalise(text)


class Pipeline:
    """A bundle and a rulebook, ready to classify; thread-safe and deterministic."""

    def __init__(self, bundle: Bundle, rules: RuleEngine) -> None:
        self._bundle = bundle
        self._rules = rules
        self.versions = Versions(
            model=bundle.version, rulebook=rules.version, normaliser=NORMALISER_VERSION
        )

    @classmethod
    def load(
        cls, bundle: Path | None = None, rulebook: Path | None = None, *, threads: int = 1
    ) -> Pipeline:
        """Load a bundle and a rulebook; without paths the embedded ones.

        Raises:
            BundleError, RulebookError: one of them cannot be used; the error says why.
        """
        engine = RuleEngine.load(rulebook) if rulebook else RuleEngine.default()
        return cls(load_bundle(bundle, threads=threads), engine)

    def warm_up(self) -> None:
        """Load jieba's dictionary and run every stage, so that the first answer is fast and right.

        Raises:
            BundleError: the bundle answers its own samples otherwise than where it was made.
        """
        self._rules.warm_up()
        self_test(self._bundle)
        self.classify(Message(title="预热", text="请问如何办理？"))

    def voices(self, title: Normalised | None, body: Normalised) -> Voices:
        """What the encoder, the linear voice and the rules say, unfused."""
        return Voices(
            model=self._bundle.model.predict(title, body),
            linear=self._bundle.linear.predict(
                join_fields(title.text if title else None, body.text)
            ),
            rules=self._rules.apply(title, body),
        )

    def analyse(self, message: Message, *, explain: bool = False) -> Analysis:
        """Classify and keep the intermediate results; `explain` as in `classify`.

        Raises:
            InvalidMessageError: the text is blank or not valid Unicode.
        """
        body = _normalised(message.text, "text")
        title = _normalised(message.title, "title") if message.title else None
        if not body.text:
            raise InvalidMessageError("the text is blank; send what the citizen wrote")
        if title is not None and not title.text:
            title = None
        voices = self.voices(title, body)
        manifest = self._bundle.manifest
        fused = fuse(voices, manifest.fusion)
        damaged = is_damaged(body) or (title is not None and is_damaged(title))
        verdict = decide(voices, fused, manifest.thresholds, damaged=damaged)
        evidence = [rule_evidence(message, hit) for hit in voices.rules.hits]
        if explain:
            evidence += encoder_evidence(
                message, title, body, self._bundle, voices.model, verdict.department
            )
        else:
            evidence += model_evidence(
                message, title, body, self._bundle.linear, verdict.department
            )
        return Analysis(
            voices=voices,
            fused=fused,
            model_probabilities=np.exp(log_softmax(voices.model.classes / manifest.temperature)),
            model_urgent=sigmoid(voices.model.urgent / manifest.urgent_temperature),
            decision=self._decision(message, verdict, voices, evidence),
        )

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        """The decision for one message; the same text always gives the same bytes.

        With `explain`, the clauses of its evidence are those that the encoder leaned on, found by
        leaving each out in turn, instead of the linear voice's. That scores the message up to 24
        times more; nothing else of the decision changes.

        Raises:
            InvalidMessageError: the text is blank or not valid Unicode.
        """
        return self.analyse(message, explain=explain).decision

    def _decision(
        self, message: Message, verdict: Verdict, voices: Voices, evidence: list[Evidence]
    ) -> Decision:
        return Decision(
            id=message.id,
            department=verdict.department,
            second=verdict.second,
            probabilities={
                department: round(float(value), DIGITS)
                for department, value in zip(DEPARTMENTS, verdict.probabilities, strict=True)
            },
            department_set=verdict.department_set,
            urgent=verdict.urgent,
            urgency=Urgency(score=round(verdict.urgency, DIGITS), reasons=verdict.reasons),
            needs_review=bool(verdict.review),
            review_reasons=verdict.review,
            evidence=tuple(evidence),
            truncated=voices.model.truncated,
            versions=self.versions,
        )
