"""`triage serve` alone, whether or not the package is installed with its entry points."""

import typer

from serving.cli import serve

if __name__ == "__main__":
    typer.run(serve)
