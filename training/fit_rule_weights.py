"""Propose weights for a rulebook's department rules from labelled messages.

`python -m training.fit_rule_weights DATA.jsonl [--rulebook FOLDER]` prints, for every department
rule, its present and proposed weight, how often it hits and how often rightly. It writes nothing:
a rule owner decides. Rules that propose 0 add nothing beside the others.

Method: multinomial logistic regression over rule hits in which a rule may speak only for its own
class and never against it (weights ≥ 0, no intercept), so that the proposed weights mean what the
engine does with them: add up, highest sum wins. Classes are weighted against their frequency.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize

from triage.labels import CLASSES
from triage.normalise import normalise
from triage.rules import DEFAULT_RULEBOOK, RuleEngine

_L2 = 2.0
_MAX_WEIGHT = 4.0
_BALANCE = 0.7  # 1 would give every class the same total; rare classes are also the noisiest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`hits` counts messages; `precision` is the share of them labelled with the rule's class."""

    rule: str
    label: str
    present: float
    proposed: float
    hits: int
    precision: float


def fit_weights(
    hits: sp.csr_matrix, rule_class: npt.NDArray[np.int64], gold: npt.NDArray[np.int64]
) -> Floats:
    """Weights ≥ 0, shape (rules,), for `hits` (messages, rules) and class indices of both."""
    classes = len(CLASSES)
    owner = np.eye(classes)[rule_class]
    target = np.eye(classes)[gold]
    count = np.maximum(np.bincount(gold, minlength=classes), 1)
    balance = np.minimum((len(gold) / (classes * count)) ** _BALANCE, 8.0)[gold]
    own = (np.arange(len(rule_class)), rule_class)

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = np.asarray(hits @ (owner * weights[:, None]))
        logits -= logits.max(axis=1, keepdims=True)
        exponents = np.exp(logits)
        total = exponents.sum(axis=1)
        likelihood = np.log(total) - (logits * target).sum(axis=1)
        slope = (exponents / total[:, None] - target) * balance[:, None]
        gradient = np.asarray(hits.T @ slope)[own] + 2 * _L2 * weights
        return float((balance * likelihood).sum() + _L2 * (weights**2).sum()), gradient

    start = np.full(len(rule_class), 0.5)
    bounds = [(0.0, _MAX_WEIGHT)] * len(start)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def propose(engine: RuleEngine, records: list[dict[str, object]]) -> list[Proposal]:
    """One proposal for every rule of a department or `none`, rounded to tenths.

    `records` have `text`, `title` (or null) and `department` (one of `labels.CLASSES`).
    """
    rules = [c.rule for c in engine.rules if c.rule.label.value in CLASSES]
    column = {rule.id: index for index, rule in enumerate(rules)}
    rows: list[tuple[int, int]] = []
    for row, record in enumerate(records):
        title = normalise(str(record["title"])) if record.get("title") else None
        outcome = engine.apply(title, normalise(str(record["text"])))
        rows.extend((row, column[hit.rule]) for hit in outcome.hits if hit.rule in column)
    at = np.array(rows, dtype=np.int64).reshape(-1, 2)
    shape = (len(records), len(rules))
    hits = sp.csr_matrix((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=shape)
    gold = np.array([CLASSES.index(str(record["department"])) for record in records])
    rule_class = np.array([CLASSES.index(rule.label.value) for rule in rules])
    weights = fit_weights(hits, rule_class, gold)
    count = np.asarray(hits.sum(axis=0)).ravel()
    right = np.asarray(hits.T @ np.eye(len(CLASSES))[gold])[np.arange(len(rules)), rule_class]
    return [
        Proposal(
            rule=rule.id,
            label=rule.label.value,
            present=rule.weight,
            proposed=round(float(weight), 1),
            hits=int(n),
            precision=float(good / n) if n else 0.0,
        )
        for rule, weight, n, good in zip(rules, weights, count, right, strict=True)
    ]


def main(arguments: list[str] | None = None) -> None:
    """Print the proposals as a table."""
    parser = argparse.ArgumentParser(prog="training.fit_rule_weights", description=__doc__)
    parser.add_argument("data", type=Path, help="labelled messages, JSONL")
    parser.add_argument("--rulebook", type=Path, default=DEFAULT_RULEBOOK)
    options = parser.parse_args(arguments)
    with options.data.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    engine = RuleEngine.load(options.rulebook)
    engine.warm_up()
    print("present  proposed   hits  precision  rule")
    for p in propose(engine, records):
        print(f"{p.present:7.1f}  {p.proposed:8.1f}  {p.hits:5d}  {p.precision:9.2f}  {p.rule}")


if __name__ == "__main__":
    main()
