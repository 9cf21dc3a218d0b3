"""Runs the real server around the fake classifier, as a process of its own."""

from __future__ import annotations

import sys

from serving import logs
from serving.run import run
from serving.settings import Settings
from tests.fakes import FakeClassifier

if __name__ == "__main__":
    chosen = Settings(port=int(sys.argv[1]), threads=2)
    logs.configure(chosen.log_level)
    run(chosen, FakeClassifier(warm_up_seconds=0.3))
