"""`python -m triage.cli` is the console command `triage`."""

from triage.cli import main

main()
