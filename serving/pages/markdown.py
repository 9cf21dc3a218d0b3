"""As much of Markdown as the guideline uses: headings, paragraphs, lists, tables, code, bold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_INLINE: Final = re.compile(
    r"\*\*(?P<strong>[^*]+)\*\*|`(?P<code>[^`]+)`|\[(?P<link>[^]]+)\]\([^)]*\)"
)
_RULE: Final = re.compile(r"\|[\s:|-]+\|")

Span = tuple[str, str]
"""How a run of text is shown (strong, code or empty), and the run. Links are shown as text."""


@dataclass(frozen=True, slots=True)
class Block:
    """`kind`: h2 to h4, p, list or table. Lines of a list, cells of a table: rows of spans."""

    kind: str
    rows: list[list[list[Span]]] = field(default_factory=list)


def spans(text: str) -> list[Span]:
    """A line in runs."""
    found: list[Span] = []
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            found.append(("", text[at : match.start()]))
        kind = match.lastgroup or ""
        found.append(("" if kind == "link" else kind, match[kind]))
        at = match.end()
    return [*found, ("", text[at:])] if at < len(text) else found


def blocks(text: str) -> list[Block]:
    """A document in blocks."""
    return list(_blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    block: Block | None = None
    for line in lines:
        kind, rows = _line(line)
        if kind == "" or (block and block.kind != kind) or kind.startswith("h"):
            if block:
                yield block
            block = None
        if kind:
            block = block or Block(kind)
            block.rows.extend(rows)
    if block:
        yield block


def _line(line: str) -> tuple[str, list[list[list[Span]]]]:
    bare = line.strip()
    if not bare:
        return "", []
    if bare.startswith("#"):
        level, _, words = bare.partition(" ")
        return f"h{len(level) + 1}", [[spans(words)]]
    if bare.startswith("- "):
        return "list", [[spans(bare[2:])]]
    if bare.startswith("|"):
        if _RULE.fullmatch(bare):
            return "table", []
        return "table", [[spans(cell.strip()) for cell in bare.strip("|").split("|")]]
    return "p", [[spans(bare)]]
