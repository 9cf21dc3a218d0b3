"""`python -m tests.cli.command LOADER ARGUMENT…`: the console command around a fake."""

from __future__ import annotations

import signal
import sys

from tests.cli import loaders
from triage.cli import main

if __name__ == "__main__":
    # A shell lets what it starts in the background ignore Ctrl-C, the whole test run included.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(sys.argv[2:], load=getattr(loaders, sys.argv[1]))
