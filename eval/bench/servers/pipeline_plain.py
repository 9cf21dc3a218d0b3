"""FastAPI around `transformers.pipeline`, as its documentation shows it.

`python pipeline_plain.py CHECKPOINT PORT` – one process, the library's own threads.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

WINDOW = 256


class Message(BaseModel):
    """What is to be classified."""

    text: str


def create(checkpoint: str) -> FastAPI:
    """The application."""
    app = FastAPI()
    classifier: Any = pipeline("text-classification", model=checkpoint, device="cpu")

    @app.post("/classify")
    def classify(message: Message) -> dict[str, Any]:
        answer: dict[str, Any] = classifier(message.text, truncation=True, max_length=WINDOW)[0]
        return answer

    return app


if __name__ == "__main__":
    uvicorn.run(create(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
