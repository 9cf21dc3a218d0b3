"""The console command `triage`."""

from triage.cli.main import main

__all__ = ["main"]
