"""Invented messages that are urgent, and close counterparts that are not (guideline, "Urgent").

Real urgent messages are few. The texts are kept beside this module in `invented_urgency.txt`, one
message a line: `department|reasons or -|text`, several reasons divided by `;`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple


class Invented(NamedTuple):
    """An invented message with its labels; urgent where it has a reason."""

    department: str
    reasons: tuple[str, ...]
    text: str


def _parse(content: str) -> tuple[Invented, ...]:
    """The messages of the file; blank lines and lines that start with `#` are left out."""
    messages: list[Invented] = []
    for line in content.splitlines():
        if line and not line.startswith("#"):
            department, reasons, text = line.split("|")
            messages.append(
                Invented(department, () if reasons == "-" else tuple(reasons.split(";")), text)
            )
    return tuple(messages)


URGENCY: Final = _parse(
    Path(__file__).with_name("invented_urgency.txt").read_text(encoding="utf-8")
)
