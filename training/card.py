"""Write a bundle: its files, its card, and a manifest with the hash of each."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

from triage.bundle import CARD, FILES, MANIFEST, SAMPLES, Bundle, Manifest, file_hash
from triage.models import LinearModel, Model
from triage.selftest import read_samples, write_samples

_OWN_SAMPLES: Final = Path(__file__).parent / "samples.jsonl"
_UNSTATED: Final = "The sources of the texts were not stated (`--data-card FILE`)."
_CARD: Final = Template("""\
# Model card: $name $version

**What it does.** Scores a citizen's message in Chinese for four departments of a procuratorate
(civil, administrative, public interest, complaints), for "nothing to handle", for urgency and its
reasons. It is one voice beside keyword rules; `triage` fuses them and sends doubtful messages to a
person.

**Use.** One voice beside a person: what is doubtful must be read before it is routed.

## Made from

$training

$data

Some messages with nothing to handle were invented and, unless `labels_only` is 1, messages of every
department too. No text is part of the bundle.

## Measured

$metrics

`validation_*` was used to fit fusion and thresholds; `dev_*` was not used for anything but this
measurement. The full report with intervals and baselines: `make eval DATA=…`.

## Limits

- Only $max_length tokens of a long message are read (head and tail); the rules read all of it.
- Dialects, other languages and pictures are not understood; damaged text is sent to a person.
""")


def _table(values: dict[str, str | int | float] | dict[str, float]) -> str:
    rows = "\n".join(f"| `{key}` | {value} |" for key, value in values.items())
    return f"| | |\n| --- | --- |\n{rows}"


def seal(directory: Path, manifest: Manifest, model: Model, linear: LinearModel,
         data_card: str | None) -> None:  # fmt: skip
    """Write card, samples and manifest of a bundle whose other files are in `directory`.

    `model` and `linear` are those files, loaded: they answer the samples. `data_card` is a file
    that says where the texts come from and what may be done with them.
    """
    bundle = Bundle(directory, manifest, model, linear)
    write_samples(bundle, read_samples(_OWN_SAMPLES), directory / SAMPLES)
    data = Path(data_card).read_text(encoding="utf-8") if data_card else _UNSTATED
    text = _CARD.substitute(
        data=data.strip(),
        name=manifest.name,
        version=manifest.version,
        training=_table(manifest.training),
        metrics=_table(manifest.metrics),
        max_length=manifest.max_length,
    )
    (directory / CARD).write_text(text, encoding="utf-8")
    hashes = {name: file_hash(directory / name) for name in (*FILES, SAMPLES)}
    sealed = manifest.model_copy(update={"files": hashes})
    (directory / MANIFEST).write_text(sealed.model_dump_json(indent=2) + "\n", encoding="utf-8")
