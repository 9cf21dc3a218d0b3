"""Quantised graphs: each row of a table has its scale, and only products that widen are int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from training.export import quiet
from training.int8 import kept_products, quantise, quantise_tables

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
RNG = np.random.default_rng(0)
# One word has a vector a thousand times larger than the others.
TABLE = (
    RNG.normal(size=(300, 16)).astype(np.float32) * np.where(np.arange(300) == 7, 1e3, 1.0)[:, None]
)
WIDEN, NARROW, SQUARE = (
    RNG.normal(size=shape).astype(np.float32) for shape in ((16, 32), (32, 16), (16, 16))
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {"table": TABLE, "widen": WIDEN, "narrow": NARROW, "square": SQUARE}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"], name="lookup"),
        helper.make_node("MatMul", ["words", "square"], ["a"], name="attention"),
        helper.make_node("MatMul", ["a", "widen"], ["b"], name="first"),
        helper.make_node("MatMul", ["b", "narrow"], ["out"], name="second"),
    ]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [None])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 16])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in names.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    path = tmp_path_factory.mktemp("onnx") / "whole.onnx"
    onnx.save(model, path)
    return path


def ask(path: Path, ids: list[int]) -> np.ndarray:
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    answer: np.ndarray = session.run(["out"], {"ids": np.array(ids)})[0]
    return answer


def test_a_large_row_does_not_coarsen_the_others(whole: Path, tmp_path: Path) -> None:
    quantise_tables(whole, tmp_path / "tables.onnx")
    ids = [1, 7, 299]
    expected = ask(whole, ids)
    error = np.abs(ask(tmp_path / "tables.onnx", ids) - expected).max(axis=1)
    assert (error / np.abs(expected).max(axis=1) < 0.02).all()
    model = onnx.load(tmp_path / "tables.onnx")
    assert {w.name for w in model.graph.initializer} >= {"table_int8", "table_scale"}
    assert "table" not in {w.name for w in model.graph.initializer}


def test_only_the_product_that_widens_is_int8(whole: Path, tmp_path: Path) -> None:
    assert kept_products(whole) == ["attention", "second"]
    with quiet():
        quantise(whole, tmp_path / "int8.onnx")
    graph = onnx.load(tmp_path / "int8.onnx").graph
    assert [n.op_type for n in graph.node].count("MatMulInteger") == 1
    assert [n.op_type for n in graph.node].count("MatMul") == 2
    expected, answer = ask(whole, [1, 2, 3]), ask(tmp_path / "int8.onnx", [1, 2, 3])
    assert np.abs(answer - expected).max() < 0.05 * np.abs(expected).max()
