"""`python -m training.quantisation`: what each way of quantising costs and saves.

Takes the unquantised model that a training left in its working directory, quantises it in every
way that ONNX Runtime offers for a processor, and measures size, time, and parity on the messages
of a labelled file. The choice that came out of it is `training.int8.quantise`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import typer
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from training.batching import windows
from training.data import Example, read_labelled
from training.export import compare, quiet, run
from training.int8 import quantise
from training.measure import strict
from triage.bundle import TOKENIZER
from triage.models import OnnxModel
from triage.models.onnx import feed
from triage.models.window import Window, Windower

_CALIBRATION, _TIMED, _TOKENS = 200, 60, 160


class _Messages(CalibrationDataReader):  # type: ignore[misc]
    """Windows of messages, for the ranges of static quantisation."""

    def __init__(self, inputs: Sequence[Window]) -> None:
        self._feeds = map(feed, inputs)

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        return next(self._feeds, None)


def _dynamic(**changes: object) -> Callable[[Path, Path], None]:
    return lambda source, target: quantise(source, target, **changes)


def _weights_only(source: Path, target: Path) -> None:
    quantiser = MatMulNBitsQuantizer(onnx.load(source), bits=8, block_size=64)
    quantiser.process()
    quantiser.model.save_model_to_file(str(target))


def variants(calibration: _Messages) -> dict[str, Callable[[Path, Path], None]]:
    """Ways to quantise a model, by name."""
    return {
        "embeddings by rows, widening products dynamic, 7 bits (shipped)": quantise,
        "the same, 8 bits": _dynamic(reduce_range=False),
        "all products, 7 bits": _dynamic(nodes_to_exclude=[]),
        "all products, 8 bits": _dynamic(nodes_to_exclude=[], reduce_range=False),
        "all products, one scale a matrix": _dynamic(nodes_to_exclude=[], per_channel=False),
        "no products": _dynamic(op_types_to_quantize=["Gemm"]),
        "weights only, 8 bits": _weights_only,
        "static, QDQ": lambda a, b: quantize_static(
            a, b, calibration, quant_format=QuantFormat.QDQ, op_types_to_quantize=["MatMul"],
            per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
        ),
    }  # fmt: skip


def _milliseconds(model: OnnxModel, examples: Sequence[Example]) -> float:
    times = []
    for example in examples:
        began = time.perf_counter()
        model.predict(example.title, example.body)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1e3


def main(
    data: Annotated[Path, typer.Option(help="Labelled messages to measure on.")],
    work: Annotated[Path, typer.Option(help="Working directory of a training.")] = Path(
        "build/train"
    ),
    max_length: Annotated[int, typer.Option(help="Tokens of a message the model reads.")] = 256,
) -> None:
    """Print size, time of a message of about 160 tokens, and parity of every way."""
    whole, words, out = work / "whole.onnx", work / "bundle" / TOKENIZER, work / "quantisation"
    out.mkdir(exist_ok=True)
    plain = OnnxModel(whole, words, max_length=max_length)
    examples = strict(read_labelled(data, work / "datasets"))
    windower = Windower(Tokenizer.from_file(str(words)), max_length)
    lengths = [len(window.ids) for window in windows(examples, windower)]
    order = sorted(range(len(examples)), key=lambda i: abs(lengths[i] - _TOKENS))
    near = [examples[i] for i in order[:_TIMED]]
    expected = run(plain, examples)
    table = Table("way", "MB", "ms", "agreement", "macro-F1 lost", "largest difference")
    rows = {"fp32": whole}
    reader = _Messages(windows(examples[:_CALIBRATION], windower))
    for name, make in variants(reader).items():
        rows[name] = out / f"{len(rows)}.onnx"
        with quiet():
            make(whole, rows[name])
    for name, path in rows.items():
        model = OnnxModel(path, words, max_length=max_length)
        parity = compare(expected, run(model, examples), examples)
        table.add_row(
            name, f"{path.stat().st_size / 1e6:.1f}", f"{_milliseconds(model, near):.1f}",
            f"{parity.agreement:.2%}", f"{parity.macro_f1_loss:.4f}",
            f"{parity.largest_difference:.2f}",
        )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    typer.run(main)
