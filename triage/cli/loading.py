"""Options that several commands share, and the loading that waits until a command needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from triage.io import Chunk, Decided, Encode
    from triage.types import Decision, Message, Versions

Classify = Callable[["Message"], "Decision"]


class Classifier(Protocol):
    """Decides, and explains where asked to; see `Pipeline`."""

    @property
    def versions(self) -> Versions:
        """What decides."""
        ...

    def classify(self, message: Message, *, explain: bool = False) -> Decision:
        """Decide; raises `InvalidMessageError`."""
        ...


Loader = Callable[[Path | None, Path | None], Classifier]

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


def load_pipeline(bundle: Path | None, rulebook: Path | None) -> Classifier:
    """The classifier of a bundle and a rulebook, which uses one thread.

    Raises:
        BundleError, RulebookError: one of them cannot be used; the error says why.
    """
    from triage.pipeline import Pipeline

    return Pipeline.load(bundle, rulebook, threads=1)


@dataclass(frozen=True, slots=True)
class Task:
    """What is loaded, here or in another process, and what is done there with every chunk."""

    load: Loader
    bundle: Path | None
    rulebook: Path | None
    explain: bool

    def loaded(self) -> Loaded:
        """The task, ready; raises as `load_pipeline` does."""
        classifier = self.load(self.bundle, self.rulebook)
        explain = partial(classifier.classify, explain=True)
        return Loaded(classifier.versions, explain if self.explain else classifier.classify)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A classifier, and the versions that it decides by."""

    versions: Versions
    classify: Classify

    def decide(self, rows: Chunk, encode: Encode) -> Decided:
        """Decide and encode."""
        from triage.io import decide

        return decide(rows, self.classify, encode)
