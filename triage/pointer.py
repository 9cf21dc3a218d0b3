"""Which bundle and rulebook of a registry decide: one small file, replaced in one step.

A reader finds the old file or the new one, never a half of either, and a full disk leaves the old
one. This module loads no model: a service reads the pointer every second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import RegistryError
from triage.host import replace_text

Kind = Literal["bundle", "rulebook"]

POINTER: Final = "current.json"
FOLDERS: Final[dict[Kind, str]] = {"bundle": "bundles", "rulebook": "rulebooks"}


class Choice(BaseModel):
    """What decides of one kind, and what did before, the latest last; None is the embedded one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    previous: tuple[str | None, ...] = ()


class Pointer(BaseModel):
    """`current.json`. `shadow` is a bundle that runs beside; "" is the embedded one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    bundle: Choice = Choice()
    rulebook: Choice = Choice()
    shadow: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths of what decides and of the shadow: "" for the embedded ones, None without a shadow."""

    bundle: str = ""
    rulebook: str = ""
    shadow: str | None = None


def read_pointer(directory: Path) -> Pointer:
    """The pointer of the registry in `directory`; the embedded ones where nothing was chosen.

    Raises:
        RegistryError: the pointer is damaged.
        OSError: it cannot be read.
    """
    file = directory / POINTER
    try:
        return Pointer.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Pointer()
    except ValidationError:
        raise RegistryError(
            f"{file} is damaged; delete it, then promote a bundle and a rulebook again"
        ) from None


def write_pointer(directory: Path, pointer: Pointer) -> None:
    """Replace the pointer of the registry in `directory`.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    replace_text(directory / POINTER, pointer.model_dump_json(indent=2) + "\n")


def select(directory: Path) -> Selection:
    """Where lies what the registry in `directory` chooses.

    Raises:
        RegistryError, OSError: as `read_pointer`.
    """
    pointer = read_pointer(directory)

    def path(kind: Kind, version: str | None) -> str:
        return str((directory / FOLDERS[kind] / version).absolute()) if version else ""

    shadow = pointer.shadow
    return Selection(
        path("bundle", pointer.bundle.current),
        path("rulebook", pointer.rulebook.current),
        None if shadow is None else path("bundle", shadow),
    )
