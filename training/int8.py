"""Quantise the exported encoder to int8, where the labels survive it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

_LEAST_ROWS: Final = 256


def _weights(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    return {w.name: tuple(w.dims) for w in graph.initializer if len(w.dims) == 2}


def kept_products(source: Path) -> list[str]:
    """Names of the matrix products that stay in single precision.

    They are the square ones, which are the attention's query, key, value and output, and those that
    narrow, which are the second of each feed-forward layer: its inputs have the widest range.
    """
    graph = onnx.load(source).graph
    shapes = _weights(graph)
    kept = {name for name, (rows, columns) in shapes.items() if rows >= columns}
    return [n.name for n in graph.node if n.op_type == "MatMul" and kept & set(n.input)]


def quantise_tables(source: Path, target: Path) -> None:
    """Keep embedding tables of 256 rows and more in int8 with a scale for each row.

    ONNX Runtime's own quantiser has one scale for a whole table, and rare words then lose most of
    their vectors. A lookup multiplies nothing, so that all 8 bits can be used.
    """
    model = onnx.load(source)
    graph = model.graph
    shapes = _weights(graph)
    values = {w.name: w for w in graph.initializer}
    nodes, done = [], set()
    for node in graph.node:
        table = node.input[0] if node.op_type == "Gather" else None
        if table not in shapes or shapes[table][0] < _LEAST_ROWS:
            nodes.append(node)
            continue
        if table not in done:
            done.add(table)
            rows = numpy_helper.to_array(values[table])
            scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12) / 127
            small = np.round(rows / scales).astype(np.int8)
            graph.initializer.remove(values[table])
            graph.initializer.extend(
                [
                    numpy_helper.from_array(small, f"{table}_int8"),
                    numpy_helper.from_array(scales.astype(np.float32), f"{table}_scale"),
                ]
            )
        out, ids = node.output[0], node.input[1]
        nodes += [
            helper.make_node("Gather", [f"{table}_int8", ids], [f"{out}_int8"]),
            helper.make_node("Cast", [f"{out}_int8"], [f"{out}_wide"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Gather", [f"{table}_scale", ids], [f"{out}_scale"]),
            helper.make_node("Mul", [f"{out}_wide", f"{out}_scale"], [out]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, target)


def quantise(source: Path, target: Path, **changes: object) -> None:
    """Embeddings in int8 by rows; dynamic int8, per channel, of products that widen and the head.

    Weights keep 7 bits: processors without VNNI add pairs of products in 16 bits, and full 8-bit
    weights would overflow there and answer differently. The other products stay in single
    precision: nearly all label changes come from them (`training.quantisation`). `changes` are
    other settings of `quantize_dynamic`, to measure them.
    """
    settings = {
        "op_types_to_quantize": ["MatMul", "Gemm"],
        "per_channel": True,
        "reduce_range": True,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": kept_products(source),
    }
    with TemporaryDirectory() as between:
        tables = Path(between) / "tables.onnx"
        quantise_tables(source, tables)
        quantize_dynamic(tables, target, **(settings | changes))
