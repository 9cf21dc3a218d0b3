"""Options that several commands share, and the loading that waits until a command needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from triage.types import Decision, Message

Classify = Callable[["Message"], "Decision"]


class Explaining(Protocol):
    """Decides, and explains where asked to; see `Pipeline.classify`."""

    def __call__(self, message: Message, *, explain: bool = False) -> Decision:
        """Decide; raises `InvalidMessageError`."""
        ...


Loader = Callable[[Path | None, Path | None], Explaining]

BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        envvar="TRIAGE_BUNDLE",
        help="Model bundle directory 模型包目录 [default: the embedded one]",
        show_default=False,
    ),
]
RulebookOption = Annotated[
    Path | None,
    typer.Option(
        "--rulebook",
        envvar="TRIAGE_RULEBOOK",
        help="Rulebook file or directory 规则库文件或目录 [default: the embedded one]",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="JSON, also in a terminal (it is the default in a pipe).")
]


def load_pipeline(bundle: Path | None, rulebook: Path | None) -> Explaining:
    """The classifier of a bundle and a rulebook.

    Raises:
        BundleError, RulebookError: one of them cannot be used; the error says why.
    """
    from triage.pipeline import Pipeline

    return Pipeline.load(bundle, rulebook).classify
