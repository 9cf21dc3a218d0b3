"""A model bundle: a directory with everything a model needs, verified before it is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from zipfile import BadZipFile

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.decision import Thresholds
from triage.errors import BundleError
from triage.fusion import FusionWeights
from triage.labels import CLASSES, REASONS
from triage.models import LinearModel, Model, OnnxModel
from triage.normalise import NORMALISER_VERSION

MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
LINEAR: Final = "linear.npz"
CARD: Final = "MODEL_CARD.md"
# Messages with the bundle's own answers (`triage.selftest`); older bundles have none.
SAMPLES: Final = "samples.jsonl"
FILES: Final = (MODEL, TOKENIZER, LINEAR, CARD)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """`manifest.json`: what the bundle is, how it decides, what it was measured at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    version: str
    created: str
    classes: tuple[str, ...]
    reasons: tuple[str, ...]
    max_length: Annotated[int, Field(ge=16, le=512)]
    normaliser: str
    temperature: Annotated[float, Field(gt=0)]
    urgent_temperature: Annotated[float, Field(gt=0)]
    fusion: FusionWeights
    thresholds: Thresholds
    rulebook: str
    training: dict[str, str | int | float]
    metrics: dict[str, float]
    files: dict[str, Sha256]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, loaded."""

    path: Path
    manifest: Manifest
    model: Model
    linear: LinearModel

    @property
    def version(self) -> str:
        """`name@version+hash`; the hash covers the manifest and through it every file."""
        return version_of(self.path)


def default_path() -> Path:
    """The bundle that is part of the package."""
    return Path(__file__).parent / "models" / "default"


def version_of(path: Path) -> str:
    """`name@version+hash` of the bundle at `path`; the hash covers the manifest.

    Raises:
        BundleError: see `read_manifest`.
    """
    manifest = read_manifest(path)
    return f"{manifest.name}@{manifest.version}+{file_hash(path / MANIFEST)[:8]}"


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read and validate the manifest of the bundle at `path`.

    Raises:
        BundleError: there is no bundle, or its manifest does not follow the format.
    """
    file = path / MANIFEST
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{path} is no bundle: {MANIFEST} is missing") from None
    except OSError as error:
        raise BundleError(f"{file} cannot be read: {error}") from None
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BundleError(f"{file} does not follow the format: {where}") from None
    if manifest.classes != CLASSES or manifest.reasons != tuple(REASONS):
        raise BundleError(f"{file} has other labels than this version; retrain the bundle")
    if manifest.normaliser != NORMALISER_VERSION:
        raise BundleError(
            f"{file} was trained with normaliser {manifest.normaliser}, this version has "
            f"{NORMALISER_VERSION}; retrain the bundle or install the version it was made with"
        )
    return manifest


def verify(path: Path) -> Manifest:
    """Check that every file of the bundle is there and unaltered.

    Raises:
        BundleError: names the first file that is missing, altered or not in the manifest.
    """
    manifest = read_manifest(path)
    absent = set(FILES) - set(manifest.files)
    if absent:
        raise BundleError(f"{path / MANIFEST} does not list {', '.join(sorted(absent))}")
    for name, expected in manifest.files.items():
        file = path / name
        if Path(name).name != name or not file.is_file():
            raise BundleError(f"{file} is missing; copy the whole bundle again")
        if file_hash(file) != expected:
            raise BundleError(f"{file} was altered: its SHA-256 is not the manifest's")
    return manifest


def load_bundle(path: Path | None = None, *, threads: int = 1) -> Bundle:
    """Verify and load a bundle; without a path the embedded one.

    Raises:
        BundleError: the bundle is missing, altered, or holds a file that does not load.
    """
    path = path or default_path()
    manifest = verify(path)
    try:
        model = OnnxModel(
            path / MODEL, path / TOKENIZER, max_length=manifest.max_length, threads=threads
        )
        linear = LinearModel.load(path / LINEAR)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise BundleError(f"{path}: {error}") from error
    return Bundle(path, manifest, model, linear)
