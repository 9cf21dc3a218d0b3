"""`python -m eval`: measure a bundle on labelled messages and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from eval.baseline import baseline
from eval.budget import bundle_files
from eval.console import show
from eval.costs import RuntimeFigures
from eval.data import Labelled, read_labelled
from eval.html import render
from eval.results import Report
from eval.robustness import answer_converted
from eval.run import Mistake, Subject, check, evaluate, mistakes
from eval.runtime import STARTS, RuntimeFailedError, measure_runtime
from eval.systems import BASELINE, FUSION, OTHER, Predictions, analyse_all
from triage.bundle import default_path, read_manifest
from triage.errors import TriageError
from triage.pipeline import Pipeline

_PIPED_WIDTH: Final = 140


def write(report: Report, errors: list[Mistake], out: Path) -> None:
    """Write `report.json`, without texts, and `report.html`, with the texts of errors."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (out / "report.html").write_text(render(report, errors), encoding="utf-8")


def _systems(
    records: list[Labelled], pipeline: Pipeline, other: Path | None, progress: Progress
) -> dict[str, Predictions]:
    def answers(name: str, analyser: Pipeline) -> dict[str, Predictions]:
        task = progress.add_task(name, total=len(records))
        return analyse_all(analyser, records, lambda: progress.advance(task))

    systems = answers("rules, model and fusion", pipeline)
    if other is not None:
        systems[OTHER] = answers("other bundle", Pipeline.load(other))[FUSION]
    return systems


def _run(
    data: Path, bundle: Path | None, other: Path | None, out: Path, cache: Path, runtime: bool
) -> Report:
    path = data / "labelled" / "dev.jsonl"
    records = read_labelled(path)
    check(records, path)
    where = bundle or default_path()
    pipeline = Pipeline.load(where)
    pipeline.warm_up()
    thresholds = read_manifest(where).thresholds
    subject = Subject(path, pipeline.versions, thresholds, bundle_files(where))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        systems = _systems(records, pipeline, other, progress)
        task = progress.add_task("baseline", total=1)
        systems[BASELINE] = baseline(data / "labelled" / "train.jsonl", path, cache)
        progress.advance(task)
        task = progress.add_task("in traditional characters", total=len(records))
        converted = answer_converted(pipeline, records, lambda: progress.advance(task))

        def benchmark() -> RuntimeFigures | None:
            if not runtime:
                return None
            starts = progress.add_task("run time", total=STARTS)
            return measure_runtime(records, where, lambda: progress.advance(starts))

        report = evaluate(subject, records, systems, benchmark, converted=converted)
    write(report, mistakes(records, systems[FUSION]), out)
    return report


def main(
    data: Annotated[Path, typer.Option(help="Directory with labelled/dev.jsonl and train.jsonl.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the embedded one if absent.")] = None,
    baseline_bundle: Annotated[
        Path | None, typer.Option(help="Another bundle to compare with.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("build/eval"),
    cache: Annotated[
        Path, typer.Option(help="Where the fitted baseline's answers are kept.")
    ] = Path("build/eval-cache"),
    runtime: Annotated[bool, typer.Option(help="Measure start, memory and time.")] = True,
) -> None:
    """Measure rules, model, fusion and baseline; print tables, write JSON and a page."""
    try:
        report = _run(data, bundle, baseline_bundle, out, cache, runtime)
    except (TriageError, RuntimeFailedError) as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(2) from None
    console = Console()
    if not console.is_terminal:
        # Rich takes a pipe for 80 columns wide and would break the figures up.
        console = Console(width=_PIPED_WIDTH)
    show(report, console)
    console.print(f"written: {out / 'report.json'}, {out / 'report.html'}", markup=False)


if __name__ == "__main__":
    typer.run(main)
