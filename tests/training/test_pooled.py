"""A model that gives its vector answers as before, and one without is as good."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from training.pooled import add_vector
from triage.bundle import MODEL, TOKENIZER, default_path
from triage.models import OnnxModel
from triage.normalise import normalise

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
TEXTS = ("小区路灯坏了半年没有人修", "公司拖欠二十七名农民工的工资，老板电话也不接了。" * 30)


def test_the_vector_comes_beside_the_same_answers(tmp_path: Path) -> None:
    words = default_path() / TOKENIZER
    path = Path(shutil.copy(default_path() / MODEL, tmp_path / MODEL))
    before = OnnxModel(path, words, max_length=256)
    size = path.stat().st_size
    add_vector(path)
    assert path.stat().st_size < size + 200
    after = OnnxModel(path, words, max_length=256)
    for text in TEXTS:
        one, other = (model.predict(None, normalise(text)) for model in (before, after))
        assert one.vector is None
        assert other.vector is not None
        assert other.vector.shape == (512,)
        # Maxima are no smaller than means.
        assert (other.vector[256:] >= other.vector[:256]).all()
        assert one.urgent == other.urgent
        assert np.array_equal(one.classes, other.classes)
        assert np.array_equal(one.reasons, other.reasons)


def test_a_model_with_other_outputs_is_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(default_path() / MODEL, tmp_path / MODEL))
    add_vector(path)
    graph = onnx.load(path)
    graph.graph.output[-1].name = graph.graph.node[-1].output[0] = "pooled"
    onnx.save(graph, path)
    with pytest.raises(ValueError, match=r"model\.onnx has outputs .*'pooled'"):
        OnnxModel(path, default_path() / TOKENIZER, max_length=256)


def test_a_graph_that_pools_otherwise_is_refused(tmp_path: Path) -> None:
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), tmp_path / MODEL)
    with pytest.raises(ValueError, match="does not join"):
        add_vector(tmp_path / MODEL)
