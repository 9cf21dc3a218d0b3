"""Models: the protocol, the encoder in ONNX Runtime, and the linear voice."""

from triage.models.linear import LinearModel, LinearOutput, join_fields
from triage.models.onnx import OnnxModel
from triage.models.protocol import Model, ModelOutput, Occlusion, Span

__all__ = [
    "LinearModel",
    "LinearOutput",
    "Model",
    "ModelOutput",
    "Occlusion",
    "OnnxModel",
    "Span",
    "join_fields",
]
