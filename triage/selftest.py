"""A bundle's own sample messages: whether it answers here as it answered where it was made.

The hashes prove that the files are whole, the samples that they also run: another ONNX Runtime,
processor, tokenizer library or normaliser may read the same bytes otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from triage.bundle import SAMPLES, Bundle
from triage.errors import BundleError
from triage.fusion import log_softmax
from triage.models import join_fields
from triage.normalise import normalise

# Int8 sums are exact, but the single-precision steps between them round differently on processors
# with other vector widths. Another model is off by far more.
_TOLERANCE: Final = 0.05
_DIGITS: Final = 4


class Sample(BaseModel):
    """A message and what the bundle said of it.

    `encoder` are the calibrated probabilities of `labels.CLASSES`, `urgent` is the encoder's
    calibrated score, `linear` are the raw scores of the linear voice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    text: str
    encoder: tuple[float, ...] = ()
    urgent: float = 0.0
    linear: tuple[float, ...] = ()


def read_samples(path: Path) -> list[Sample]:
    """The samples of a JSON lines file.

    Raises:
        BundleError: the file cannot be read or a line is no sample.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Sample.model_validate_json(line) for line in lines]
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        what = "is no file of samples" if isinstance(error, ValueError) else str(error)
        raise BundleError(f"{path}: {what}; copy the whole bundle again") from None


def answered(bundle: Bundle, sample: Sample) -> Sample:
    """The sample with what `bundle` says of it now."""
    title = normalise(sample.title) if sample.title else None
    body = normalise(sample.text)
    said = bundle.model.predict(title, body)
    linear = bundle.linear.predict(join_fields(title.text if title else None, body.text))
    manifest = bundle.manifest
    probabilities = np.exp(log_softmax(said.classes / manifest.temperature))
    return sample.model_copy(
        update={
            "encoder": tuple(round(float(p), _DIGITS) for p in probabilities),
            "urgent": round(said.urgent / manifest.urgent_temperature, _DIGITS),
            "linear": tuple(round(float(s), _DIGITS) for s in (*linear.classes, linear.urgent)),
        }
    )


def write_samples(bundle: Bundle, samples: Iterable[Sample], path: Path) -> None:
    """Write `samples` with what `bundle` says of them."""
    lines = (answered(bundle, sample).model_dump_json(exclude_none=True) for sample in samples)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def self_test(bundle: Bundle) -> int:
    """Ask `bundle` its own samples again; returns how many there are.

    A bundle from before there were samples has none and passes.

    Raises:
        BundleError: it answers otherwise than where it was made.
    """
    if SAMPLES not in bundle.manifest.files:
        return 0
    samples = read_samples(bundle.path / SAMPLES)
    for number, sample in enumerate(samples, start=1):
        now = answered(bundle, sample)
        before, after = ((*s.encoder, s.urgent, *s.linear) for s in (sample, now))
        # Two lengths that differ are other labels, which `read_manifest` refuses already.
        off = max((abs(a - b) for a, b in zip(before, after, strict=True)), default=0.0)
        if off > _TOLERANCE:
            raise BundleError(
                f"{bundle.path}: its sample {number} is answered otherwise here than where the "
                f"bundle was made (off by {off:.2f}); install the versions of onnxruntime, "
                "tokenizers and opencc that the lock names, or train the bundle again"
            )
    return len(samples)
