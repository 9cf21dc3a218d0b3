"""Which tokens to leave out, to see what each clause of a message does to the scores.

Occlusion (Zeiler & Fergus 2014; for texts Li, Monroe & Jurafsky 2016). A clause's tokens are
deleted, not replaced by `[MASK]`: what is left reads as a shorter message, a form that the model
was trained on, while a run of masks is one that it never saw. They are deleted from the window
that was scored, so that in a long text no unseen words move up into the gap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from triage.models.protocol import Span
from triage.models.window import Token

# Bounds the cost of an explanation: as much as scoring the message this many times more.
MOST_SEGMENTS: Final = 24


@dataclass(frozen=True, slots=True)
class Segment:
    """One clause or several neighbours: their span, and their tokens `[first, last)`.

    `clauses` are the numbers of its first clause and of the one after its last.
    """

    span: Span
    first: int
    last: int
    clauses: tuple[int, int]

    def without(self, tokens: Sequence[Token]) -> list[Token]:
        """All tokens but the segment's."""
        return [*tokens[: self.first], *tokens[self.last :]]


def _joined(one: Segment, two: Segment) -> Segment:
    return Segment(
        Span(one.span.field, one.span.start, two.span.end),
        one.first,
        two.last,
        (one.clauses[0], two.clauses[1]),
    )


def _neighbours(one: Segment, two: Segment) -> bool:
    """Whether they may be merged; not where a long text was cut and words are missing between."""
    return one.span.field == two.span.field and one.clauses[1] == two.clauses[0]


def segments(
    tokens: Sequence[Token], clauses: Sequence[Span], most: int = MOST_SEGMENTS
) -> list[Segment]:
    """The parts of a message to leave out in turn, at most `most`, in order.

    A clause takes the marks after it along. While there are too many, the two neighbours with the
    fewest tokens between them become one. `most` is at least 3: title, head and tail of a cut text
    cannot be merged.
    """
    begins = [(clause.field == "text", clause.start) for clause in clauses]
    found: list[Segment] = []
    for at, token in enumerate(tokens):
        number = bisect_right(begins, (token.field == "text", token.start)) - 1
        if number < 0 or clauses[number].field != token.field:
            continue
        if found and found[-1].clauses == (number, number + 1):
            found[-1] = Segment(clauses[number], found[-1].first, at + 1, (number, number + 1))
        elif token.start < clauses[number].end:
            found.append(Segment(clauses[number], at, at + 1, (number, number + 1)))
    while len(found) > most:
        at = min(
            (i for i in range(len(found) - 1) if _neighbours(found[i], found[i + 1])),
            key=lambda i: found[i + 1].last - found[i].first,
        )
        found[at : at + 2] = [_joined(found[at], found[at + 1])]
    return found
