"""LitServe around `transformers.pipeline`, one message at a time.

`python litserve_plain.py CHECKPOINT PORT`
"""

from __future__ import annotations

import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
from transformers import pipeline

WINDOW = 256


class Api(litserve.LitAPI):  # type: ignore[misc]
    """What LitServe calls: once `setup`, then for each request the other three."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__(api_path="/classify", max_batch_size=1)
        self._checkpoint = checkpoint
        self._classifier: Any = None

    def setup(self, device: str) -> None:
        """Load the model."""
        self._classifier = pipeline("text-classification", model=self._checkpoint, device=device)

    def decode_request(self, request: dict[str, str]) -> str:
        """The text of a request."""
        return request["text"]

    def predict(self, x: str) -> dict[str, Any]:
        """Classify a text."""
        answer: dict[str, Any] = self._classifier(x, truncation=True, max_length=WINDOW)[0]
        return answer

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Api(sys.argv[1]), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
