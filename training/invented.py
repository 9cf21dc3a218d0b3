"""Invented messages: urgent ones beside close counterparts that are not, and one topic in several
departments (guideline, "Urgent" and "Borderlines").

Real urgent messages are few, and topic words mislead. The texts are kept beside this module in
`invented.txt`, one message a line: `department|second or -|reasons or -|text`, several reasons
divided by `;`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple


class Invented(NamedTuple):
    """An invented message with its labels; urgent where it has a reason."""

    department: str
    second: str | None
    reasons: tuple[str, ...]
    text: str


def _parse(content: str) -> tuple[Invented, ...]:
    """The messages of the file; blank lines and lines that start with `#` are left out."""
    messages: list[Invented] = []
    for line in content.splitlines():
        if line and not line.startswith("#"):
            department, second, reasons, text = line.split("|")
            messages.append(
                Invented(
                    department,
                    None if second == "-" else second,
                    () if reasons == "-" else tuple(reasons.split(";")),
                    text,
                )
            )
    return tuple(messages)


INVENTED: Final = _parse(Path(__file__).with_name("invented.txt").read_text(encoding="utf-8"))
