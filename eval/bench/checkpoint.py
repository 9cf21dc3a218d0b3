"""`python -m eval.bench.checkpoint FOLDER`: the encoder as the baselines want it.

A BERT sequence classifier of transformers, in single precision, with the embedded encoder's weights
and its tokenizer, and the same exported to ONNX. The head is random: its values cost nothing.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

import triage
from triage.labels import CLASSES

ENCODER: Final = Path(triage.__file__).parent / "models" / "encoder"
_WINDOW: Final = 256


class _Logits(torch.nn.Module):
    """The classifier with positional inputs and one output, for the export."""

    def __init__(self, model: BertForSequenceClassification) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits `[batch, classes]` of ids `[batch, length]`."""
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(ENCODER / "tokenizer.json"))
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    wrapped: Any = PreTrainedTokenizerFast  # transformers does not say its type
    wrapped(
        tokenizer_object=tokenizer,
        model_max_length=_WINDOW,
        pad_token="[PAD]",  # noqa: S106 - a token of text, no secret
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
    ).save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    # The name that every version of transformers knows.
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")


def write(folder: Path) -> None:
    """Write the checkpoint, its tokenizer and `model.onnx` into `folder`."""
    names = dict(enumerate(CLASSES))
    torch.manual_seed(0)
    model: BertForSequenceClassification = BertForSequenceClassification.from_pretrained(
        ENCODER,
        num_labels=len(names),
        id2label=names,
        label2id={name: number for number, name in names.items()},
        dtype=torch.float32,
    )
    model.train(False)
    model.save_pretrained(folder)
    _tokenizer(folder)
    ids = torch.randint(5, 100, (2, 24))
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", min=2, max=512)}
    with torch.no_grad():
        torch.onnx.export(
            _Logits(model),
            (ids, torch.ones_like(ids)),
            str(folder / "model.onnx"),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def main() -> None:
    """Write into the folder that the command names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    # The exporters advise their own authors; errors are raised all the same.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    write(folder)


if __name__ == "__main__":
    main()
