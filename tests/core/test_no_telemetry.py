"""Loading a bundle leaves nothing behind, starts no thread, and so reports to nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os
from triage.pipeline import Pipeline
Pipeline.load().warm_up()
print(len(os.listdir("/proc/self/task")))
"""


def test_loading_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    # A variable CI switches the reports off as well.
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    environment = kept | {"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    environment.pop("XDG_CACHE_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
    assert list(tmp_path.iterdir()) == []
