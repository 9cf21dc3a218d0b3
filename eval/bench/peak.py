"""`python -m eval.bench.peak BUNDLE`: what one core multiplies at most, and what the encoder gets.

The peaks are those of ONNX Runtime's own matrix products of 1024³ on one thread, the kernels that
the encoder runs on: `MatMulInteger` (uint8 by int8) and `MatMul` in single precision.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from eval.bench.figures import PeakFigures
from eval.bench.texts import composed
from triage.bundle import MODEL, TOKENIZER, read_manifest
from triage.models import OnnxModel
from triage.normalise import normalise

SIDE: Final = 1024
TOKENS: Final = 160
_ROUNDS: Final = 15
_MATRICES: Final = ("MatMul", "MatMulInteger")
_RNG: Final = np.random.default_rng(0)

_Array = NDArray[np.generic]


def _session(graph: onnx.GraphProto) -> onnxruntime.InferenceSession:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _fastest(call: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs: a peak is what is possible, not what is usual."""
    call()
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took)


def gemm(integers: bool, side: int = SIDE) -> float:
    """Operations a second of a square product with constant weights, on one thread."""
    shape = (side, side)
    if integers:
        kinds = TensorProto.UINT8, TensorProto.INT32
        given: _Array = _RNG.integers(0, 255, shape, dtype=np.uint8)
        weights: _Array = _RNG.integers(-127, 127, shape, dtype=np.int8)
    else:
        kinds = TensorProto.FLOAT, TensorProto.FLOAT
        given = _RNG.standard_normal(shape, dtype=np.float32)
        weights = _RNG.standard_normal(shape, dtype=np.float32)
    node = helper.make_node(_MATRICES[integers], ["a", "b"], ["c"])
    graph = helper.make_graph(
        [node], "product",
        [helper.make_tensor_value_info("a", kinds[0], [side, side])],
        [helper.make_tensor_value_info("c", kinds[1], [side, side])],
        [numpy_helper.from_array(weights, "b")],
    )  # fmt: skip
    run = partial(_session(graph).run, None, {"a": given})
    return float(2 * side**3 / _fastest(run))


class Operations(NamedTuple):
    """Operations of the encoder's products on one message, by the precision they are done in."""

    int8: float
    fp32: float


def _weights(model: onnx.ModelProto) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    """Each matrix product: its operator, and the shape of its constant side, if it has one."""
    constants = {each.name: tuple(each.dims) for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in _MATRICES:
            yield node.op_type, constants.get(node.input[1])


def operations(model: onnx.ModelProto, tokens: int, hidden: int) -> Operations:
    """Count the operations on `tokens` tokens; `hidden` is the width of the encoder.

    Products without a constant side are those of attention: every token with every token, over
    all heads as wide as the encoder.
    """
    counts = dict.fromkeys(_MATRICES, 0.0)
    for operator, shape in _weights(model):
        if shape is None:
            counts[operator] += 2.0 * tokens * tokens * hidden
        else:
            # The heads see one pooled vector, not the tokens.
            rows = tokens if shape[0] == hidden or shape[1] == hidden else 1
            counts[operator] += 2.0 * rows * shape[0] * shape[1]
    return Operations(int8=counts["MatMulInteger"], fp32=counts["MatMul"])


def _hidden(model: onnx.ModelProto) -> int:
    """The width of the encoder: that of its square products."""
    squares = [s[0] for _, s in _weights(model) if s is not None and s[0] == s[1]]
    return min(squares)


def _encoder_ms(bundle: Path) -> float:
    """The median time of the encoder on messages cut to about `TOKENS` tokens, on one thread."""
    window = read_manifest(bundle).max_length
    encoder = OnnxModel(
        bundle / MODEL, bundle / TOKENIZER, max_length=min(TOKENS, window), threads=1
    )
    long = [normalise(text) for text in composed() if len(text) > 3 * TOKENS][:20]
    took = []
    for text in long * 3:
        began = time.perf_counter()
        encoder.predict(None, text)
        took.append(1_000 * (time.perf_counter() - began))
    return median(took[len(long) :])


def measure(bundle: Path) -> PeakFigures:
    """Measure the peaks of the machine and the encoder of a bundle."""
    model = onnx.load(str(bundle / MODEL))
    int8, fp32 = gemm(integers=True), gemm(integers=False)
    count = operations(model, TOKENS, _hidden(model))
    total = count.int8 + count.fp32
    return PeakFigures(
        int8_gops=int8 / 1e9,
        fp32_gops=fp32 / 1e9,
        tokens=TOKENS,
        encoder_gop=total / 1e9,
        int8_share=count.int8 / total,
        fp32_share=count.fp32 / total,
        encoder_ms=_encoder_ms(bundle),
        bound_ms=1_000 * (count.int8 / int8 + count.fp32 / fp32),
    )


if __name__ == "__main__":
    print(measure(Path(sys.argv[1])).model_dump_json())
