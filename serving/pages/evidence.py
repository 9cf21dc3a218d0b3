"""Why the machine decided as it did, for people: evidence by name, probabilities in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from serving.chooser import Chooser
from serving.masking import mask
from serving.pages.marking import Piece, pieces
from serving.pages.words import label_word
from serving.settings import Settings
from serving.store.items import Item
from triage.errors import TriageError
from triage.types import Evidence

_REFERENCE: Final = re.compile(r"[。；;].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ground:
    """One piece of evidence, by name: what it speaks for, and how much."""

    source: str
    name: str
    label: str
    quote: list[Piece]
    weight: float


@dataclass(frozen=True, slots=True)
class Explained:
    """Title and text with evidence marked, the grounds, and probabilities, likeliest first."""

    title: list[Piece]
    text: list[Piece]
    grounds: list[Ground]
    probabilities: list[tuple[str, float]]


def explained(settings: Settings, item: Item) -> Explained:
    """A message's text and the machine's reasons; without them where they were purged."""
    decision = item.decision
    found = decision.evidence if decision else ()
    names = rule_names(settings) if any(each.rule for each in found) else {}
    title = [each for each in found if each.field == "title"]
    text = [each for each in found if each.field == "text"]
    likely = decision.probabilities if decision else {}
    return Explained(
        title=pieces(item.title or "", title, [_about(each, names) for each in title]),
        text=pieces(item.text or "", text, [_about(each, names) for each in text]),
        grounds=_grounds(item, found, names),
        probabilities=sorted(
            ((code.value, share) for code, share in likely.items()), key=lambda each: -each[1]
        ),
    )


def rule_names(settings: Settings) -> dict[str, str]:
    """What the rules are called, by id: the first words of their notes. Empty if unreadable.

    It is the rulebook that decides now; a rule it does not know is shown by its id.
    """
    try:
        path = Chooser(settings).choice()[0].rulebook
        return _names(path, _changed(path))
    except (TriageError, OSError):
        return {}


def _changed(path: str) -> int:
    return Path(path).stat().st_mtime_ns if path else 0


@lru_cache(maxsize=2)
def _names(path: str, _at: int) -> dict[str, str]:
    # Imported where it is needed: the front answers messages without any rules.
    from triage.rules import DEFAULT_RULEBOOK
    from triage.rules.loading import read_rulebook

    book, _ = read_rulebook(Path(path) if path else DEFAULT_RULEBOOK)
    return {rule.id: _REFERENCE.sub("", rule.note) for rule in book.rules}


def _grounds(item: Item, found: tuple[Evidence, ...], names: dict[str, str]) -> list[Ground]:
    # Masked as a whole: what a quote cuts out of a number no longer looks like one.
    whole = {"title": mask(item.title or ""), "text": mask(item.text or "")}
    ordered = sorted(found, key=lambda each: (each.source != "rule", -each.weight))
    return [
        Ground(
            each.source,
            _name(each, names),
            label_word(each.label),
            pieces(whole[each.field][each.start : each.end], [], []),
            each.weight,
        )
        for each in ordered
    ]


def _name(each: Evidence, names: dict[str, str]) -> str:
    return names.get(each.rule, each.rule) if each.rule else "模型"


def _about(each: Evidence, names: dict[str, str]) -> str:
    kind = "规则" if each.source == "rule" else "模型"
    told = f"“{_name(each, names)}”" if each.rule else ""
    return f"{kind}{told} → {label_word(each.label)}"
