"""The same FastAPI around `transformers.pipeline`, laid out as well as it can be.

`python pipeline_tuned.py CHECKPOINT PORT PROCESSES` – so many uvicorn processes of one torch thread
each, and one message at a time in each: requests do not fight for the cores.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

WINDOW = 256
CHECKPOINT = "BENCH_CHECKPOINT"


class Message(BaseModel):
    """What is to be classified."""

    text: str


def create() -> FastAPI:
    """The application of one process."""
    torch.set_num_threads(1)
    app = FastAPI()
    classifier: Any = pipeline("text-classification", model=os.environ[CHECKPOINT], device="cpu")

    # Not handed to a thread: one message at a time, as long as it takes.
    @app.post("/classify")
    async def classify(message: Message) -> dict[str, Any]:
        answer: dict[str, Any] = classifier(message.text, truncation=True, max_length=WINDOW)[0]
        return answer

    return app


if __name__ == "__main__":
    os.environ[CHECKPOINT] = sys.argv[1]
    os.environ["OMP_NUM_THREADS"] = "1"
    uvicorn.run(
        "pipeline_tuned:create",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        workers=int(sys.argv[3]),
        # On a busy machine loading takes longer than the five seconds of silence it allows.
        timeout_worker_healthcheck=120,
    )
