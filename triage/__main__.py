"""`python -m triage` is the console command `triage`."""

from triage.cli import main

main()
