"""`python -m tests.cli.command LOADER ARGUMENT…`: the console command around a fake."""

from __future__ import annotations

import sys

from tests.cli import loaders
from triage.cli import main

if __name__ == "__main__":
    main(sys.argv[2:], load=getattr(loaders, sys.argv[1]))
