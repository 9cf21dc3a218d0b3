"""Let the exported classifier tell its pooled vector too: what a message is about, as it sees it.

The vector is what the heads are fed, mean and maximum over the tokens. It is in the graph anyway:
to give it out takes two dozen bytes, no time that can be measured, and changes no other output.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from triage.models.onnx import VECTOR


def add_vector(path: Path) -> None:
    """Give the model in this file the output `vector`, `[1, 2 * width]`.

    Raises:
        ValueError: it has no mean and maximum that are joined, as `TriageModel` joins them.
    """
    model = onnx.load(path)
    graph = model.graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    joined = [
        node.output[0]
        for node in graph.node
        if node.op_type == "Concat"
        and [makers.get(name) for name in node.input] == ["ReduceMean", "ReduceMax"]
    ]
    if len(joined) != 1:
        raise ValueError(f"{path.name} does not join one mean and one maximum")
    graph.node.append(helper.make_node("Identity", joined, [VECTOR], name=VECTOR))
    graph.output.append(helper.make_tensor_value_info(VECTOR, TensorProto.FLOAT, [1, None]))
    onnx.save(model, path)
