"""FastAPI around plain ONNX Runtime in single precision.

`python onnx_plain.py CHECKPOINT PORT` – one process, the library's own threads; the checkpoint's
folder holds `model.onnx` and `tokenizer.json`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

WINDOW = 256


class Message(BaseModel):
    """What is to be classified."""

    text: str


def create(checkpoint: Path) -> FastAPI:
    """The application."""
    app = FastAPI()
    session = onnxruntime.InferenceSession(
        str(checkpoint / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.enable_truncation(WINDOW)

    @app.post("/classify")
    def classify(message: Message) -> dict[str, float | int]:
        encoded = tokenizer.encode(message.text)
        ids = np.array([encoded.ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        logits = session.run(None, given)[0][0]
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        return {"label": int(shares.argmax()), "score": float(shares.max())}

    return app


if __name__ == "__main__":
    uvicorn.run(create(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]))
