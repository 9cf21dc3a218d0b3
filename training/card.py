"""Write a bundle: its files, its card, and a manifest with the hash of each."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

from triage.bundle import CARD, FILES, MANIFEST, Manifest, file_hash

_CARD: Final = Template("""\
# Model card: $name $version

**What it does.** Scores a citizen's message in Chinese for four departments of a procuratorate
(civil, administrative, public interest, complaints), for "nothing to handle", for urgency and its
reasons. It is one voice beside keyword rules; `triage` fuses them and sends doubtful messages to a
person.

**Use.** The code is Apache-2.0. These weights are **for research and evaluation only** until
retrained on your own labelled history (`make train DATA=…`): some of the texts they were trained on
state academic use or no licence. Do not route real messages without a person in the loop.

## Made from

$training

Sources of the texts: public message boards for local leaders (泰迪杯 2020 C; Hangzhou, Beijing,
Chongqing), public legal questions (lawyer-llama: academic use; LawBench, legalGPT, EQUALS, LegalQA:
Apache-2.0 repositories or none stated), and, for pre-training only, public general text (statutes,
case facts, news, short posts, reviews, patients' questions). Labels were given by language-model
annotators reading each message under the guideline; two of them agreed on 96 % of messages. A few
messages with nothing to handle were invented. No text is part of the bundle.

## Measured

$metrics

`validation_*` was used to fit fusion and thresholds; `dev_*` was not used for anything but this
measurement. The full report with intervals and baselines: `make eval DATA=…`.

## Limits

- Trained on messages to boards and on legal questions, not on a procuratorate's own inbox: expect
  another mix of matters, and retrain.
- Urgent messages are rare in the data; urgency leans on the rules.
- Only $max_length tokens of a long message are read (head and tail); the rules read all of it.
- Dialects, other languages and pictures are not understood; damaged text is sent to a person.
- Shares of classes in the training data are not natural ones.
""")


def _table(values: dict[str, str | int | float] | dict[str, float]) -> str:
    rows = "\n".join(f"| `{key}` | {value} |" for key, value in values.items())
    return f"| | |\n| --- | --- |\n{rows}"


def seal(directory: Path, manifest: Manifest) -> None:
    """Write the card and the manifest of a bundle whose other files are in `directory`."""
    text = _CARD.substitute(
        name=manifest.name,
        version=manifest.version,
        training=_table(manifest.training),
        metrics=_table(manifest.metrics),
        max_length=manifest.max_length,
    )
    (directory / CARD).write_text(text, encoding="utf-8")
    hashes = {name: file_hash(directory / name) for name in FILES}
    sealed = manifest.model_copy(update={"files": hashes})
    (directory / MANIFEST).write_text(sealed.model_dump_json(indent=2) + "\n", encoding="utf-8")
