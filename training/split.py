"""Grouped splits: near-duplicates of one message never stand on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash, RMinHashLSH

from training.data import Example

_PERMUTATIONS, _BANDS, _SHINGLE = 64, 16, 5
_SIMILAR = 0.6


def near_duplicate_groups(texts: Sequence[str]) -> list[int]:
    """A group number per text; texts whose 5-gram sets are alike (Jaccard ≥ 0.6) share one.

    MinHash with locality-sensitive hashing (Broder 1997), joined transitively.
    """
    parent = list(range(len(texts)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    index = RMinHashLSH(_SIMILAR, _PERMUTATIONS, _BANDS)
    sketches: list[RMinHash] = []
    for number, text in enumerate(texts):
        sketch = RMinHash(_PERMUTATIONS, 7)
        last = max(1, len(text) - _SHINGLE + 1)
        sketch.update(sorted({text[i : i + _SHINGLE] for i in range(last)}))
        for other in sorted(index.query(sketch)):
            if sketch.jaccard(sketches[other]) >= _SIMILAR:
                parent[root(number)] = root(other)
        index.insert(number, sketch)
        sketches.append(sketch)
    return [root(node) for node in range(len(texts))]


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the two sides, in ascending order."""

    train: list[int]
    validation: list[int]


def grouped_split(examples: Sequence[Example], share: float, seed: int) -> Split:
    """Put about `share` of every class, and of the urgent messages, into validation by groups."""
    groups: dict[int, list[int]] = {}
    for index, group in enumerate(near_duplicate_groups([e.body.text for e in examples])):
        groups.setdefault(group, []).append(index)
    members = list(groups.values())
    order = np.random.default_rng(seed).permutation(len(members))
    wanted: dict[tuple[int, bool], float] = {}
    for example in examples:
        key = (example.label, example.urgent)
        wanted[key] = wanted.get(key, 0.0) + share
    validation: list[int] = []
    for number in order:
        first = examples[members[number][0]]
        key = (first.label, first.urgent)
        if wanted[key] >= len(members[number]) / 2:
            validation += members[number]
            wanted[key] -= len(members[number])
    held = set(validation)
    return Split([i for i in range(len(examples)) if i not in held], sorted(held))


def apart(examples: Sequence[Example], held: Sequence[Example]) -> list[Example]:
    """Those of `examples` that are no near-duplicate of a message in `held`."""
    groups = near_duplicate_groups([e.body.text for e in [*held, *examples]])
    taken = set(groups[: len(held)])
    return [e for e, group in zip(examples, groups[len(held) :], strict=True) if group not in taken]
