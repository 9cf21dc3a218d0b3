"""The encoder in ONNX Runtime: one message at a time, never padded, the same scores every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from triage.models.occlusion import segments
from triage.models.protocol import ModelOutput, Occlusion, Span
from triage.models.window import Window, Windower
from triage.normalise import Normalised

OUTPUTS: Final = ("classes", "urgent", "reasons")
VECTOR: Final = "vector"
"""An output that a model may have beside those: what its heads are fed."""


def feed(window: Window) -> dict[str, NDArray[np.int64]]:
    """The graph's inputs for one message, each `[1, length]`."""
    return {
        "input_ids": np.array([window.ids], dtype=np.int64),
        "token_type_ids": np.array([window.segments], dtype=np.int64),
    }


class OnnxModel:
    """A `Model` from `model.onnx` and `tokenizer.json`.

    Raises:
        OSError, ValueError: a file is missing or is not what its name says.
    """

    def __init__(self, model: Path, tokenizer: Path, *, max_length: int, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Its arena stops growing after the longest message. Without it the allocator of the
        # system keeps what it likes: as much or more, 40 MiB more at the peak of four threads.
        options.enable_cpu_mem_arena = True
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The fused operator is no vector code: it takes five times the time of its two parts.
        options.add_session_config_entry(
            "optimization.disable_specified_optimizers", "SkipLayerNormFusion"
        )
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            raise ValueError(f"{model.name} is no model that ONNX Runtime can load") from error
        names = tuple(output.name for output in self._session.get_outputs())
        if names not in (OUTPUTS, (*OUTPUTS, VECTOR)):
            raise ValueError(
                f"{model.name} has outputs {names}, expected {OUTPUTS}, and {VECTOR} or not"
            )
        self._outputs = list(names)
        try:
            loaded = Tokenizer.from_str(tokenizer.read_text(encoding="utf-8"))
        except Exception as error:  # the tokenizers library raises plain Exception
            raise ValueError(f"{tokenizer.name} is no tokenizer file") from error
        self._window = Windower(loaded, max_length)

    def predict(self, title: Normalised | None, body: Normalised) -> ModelOutput:
        """Score one message; see `ModelOutput`."""
        return self._score(self._window(title.text if title else None, body.text))

    def occlude(
        self, title: Normalised | None, body: Normalised, clauses: Sequence[Span]
    ) -> list[Occlusion]:
        """Score the message without each of its clauses; see `Model.occlude`.

        One after the other: int8 scores depend on what else is in a batch. At most
        `occlusion.MOST_SEGMENTS` (24) runs of the model, none longer than that of `predict`.
        """
        tokens = self._window.tokens(title.text if title else None, body.text)
        return [
            Occlusion(part.span, self._score(self._window.of_tokens(part.without(tokens))))
            for part in segments(tokens, clauses)
        ]

    def _score(self, window: Window) -> ModelOutput:
        classes, urgent, reasons, *vector = self._session.run(self._outputs, feed(window))
        return ModelOutput(
            classes[0],
            float(urgent[0]),
            reasons[0],
            window.truncated,
            vector[0][0] if vector else None,
        )
