"""`pipeline(batch_size=32)` over a list of texts, as its documentation shows it.

`python pipeline_batches.py CHECKPOINT TEXTS OUT` – writes the seconds that the texts took.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from transformers import pipeline

WINDOW = 256
BATCH = 32

if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    classifier: Any = pipeline("text-classification", model=sys.argv[1], device="cpu")

    def answers(some: list[str]) -> list[Any]:
        """The labels of some texts."""
        return list(classifier(some, batch_size=BATCH, truncation=True, max_length=WINDOW))

    answers(texts[:BATCH])
    began = time.perf_counter()
    count = len(answers(texts))
    seconds = time.perf_counter() - began
    Path(sys.argv[3]).write_text(json.dumps({"rows": count, "seconds": seconds}), encoding="utf-8")
