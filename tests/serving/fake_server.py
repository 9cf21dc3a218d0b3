"""Runs the real server around a fake classifier: `PORT FACTORY`, all else from TRIAGE_…."""

from __future__ import annotations

import sys

from serving import logs
from serving.run import run
from serving.settings import Settings

if __name__ == "__main__":
    chosen = Settings(port=int(sys.argv[1]))
    logs.configure(chosen.log_level)
    sys.exit(run(chosen, f"tests.serving.fakes:{sys.argv[2]}"))
