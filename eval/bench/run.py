"""One turn of a contestant: start, warm up, measure at every number of connections, stop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from eval.bench import engine, wrk
from eval.bench.contestants import ENGINE, LABELS, Contestant, Scene
from eval.bench.driver import REFUSALS, good, milliseconds
from eval.bench.figures import Level, Turn, percentile
from eval.bench.load import Job, Report, Sending, send
from eval.bench.processes import Server, cpu_of_tree, free_port, memory, post, running
from eval.bench.surroundings import load_average
from eval.bench.texts import write_lines

_WARM_CONNECTIONS: Final = 4
_RETRY_AFTER: Final = 1.0
_DRAIN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to measure: messages, levels, seconds for each, load generator, where files go."""

    texts: Sequence[str]
    connections: Sequence[int]
    seconds: int
    use_wrk: bool
    folder: Path


def bodies(contestant: Contestant, texts: Sequence[str], folder: Path) -> Path:
    """A file with the body of each message as the contestant takes it, one a line."""
    return write_lines(folder / f"bodies-{contestant.key}.jsonl", map(contestant.body, texts))


def level_of(report: Report, connections: int, seconds: float) -> Level:
    """The figures of a closed loop by the project's own load generator."""
    answers = [a for a in report.streams["level"].answers if a.done <= seconds]
    took = milliseconds(good(answers))
    refused = sum(a.status in REFUSALS for a in answers)
    return Level(
        connections=connections,
        seconds=seconds,
        answered=len(took),
        refused=refused,
        failed=len(answers) - len(took) - refused,
        p50_ms=percentile(took, 0.5),
        p99_ms=percentile(took, 0.99),
        load_cpu_s=report.cpu_s,
        server_cpu_s=0.0,
    )


def level(
    wanted: Wanted, contestant: Contestant, server: Server, file: Path, connections: int,
    seconds: int,
) -> Level:  # fmt: skip
    """What a running server does at so many connections."""
    before = cpu_of_tree(server.pid)
    if wanted.use_wrk:
        url = f"http://127.0.0.1:{server.port}{contestant.path}"
        done = wrk.measure(url, file, connections, seconds, wanted.folder)
    else:
        stream = Sending(name="level", path=contestant.path, bodies=str(file),
                         connections=connections, pause=_RETRY_AFTER)  # fmt: skip
        job = Job(port=server.port, seconds=seconds, grace=0.0, streams=[stream])
        done = level_of(send(job), connections, seconds)
    return done.model_copy(update={"server_cpu_s": cpu_of_tree(server.pid) - before})


def _body(contestant: Contestant, text: str) -> bytes:
    return json.dumps(contestant.body(text), ensure_ascii=False).encode()


def started(contestant: Contestant, text: str, folder: Path) -> AbstractContextManager[Server]:
    """A contestant that has answered `text`, for as long as the block lasts.

    Raises:
        ServerFailedError: it did not answer.
    """
    port = free_port()
    log = folder / f"{contestant.key}.log"
    return running(contestant.command(port), contestant.environment, port, contestant.path,
                   _body(contestant, text), log)  # fmt: skip


def turn(contestant: Contestant, repeat: int, wanted: Wanted) -> Turn:
    """Measure a server once.

    Raises:
        ServerFailedError: it did not answer.
    """
    load, began = load_average(), datetime.now(UTC).isoformat(timespec="seconds")
    file = bodies(contestant, wanted.texts, wanted.folder)
    with started(contestant, wanted.texts[0], wanted.folder) as server:
        level(wanted, contestant, server, file, _WARM_CONNECTIONS, 1)
        measured = []
        for connections in wanted.connections:
            # What the last level left behind must be done with before the next one.
            post(server.port, contestant.path, _body(contestant, wanted.texts[0]), _DRAIN_SECONDS)
            measured.append(level(wanted, contestant, server, file, connections, wanted.seconds))
        used = memory(server.pid)
    return Turn(
        contestant=contestant.key,
        repeat=repeat,
        began=began,
        load=load,
        cold_start_s=server.first_answer_s,
        memory=used,
        levels=measured,
    )


def engine_turn(repeat: int, scene: Scene, wanted: Wanted) -> Turn:
    """Measure the bare engine once, for twice the time of a level.

    Raises:
        EngineFailedError: one of its processes failed.
    """
    load, began = load_average(), datetime.now(UTC).isoformat(timespec="seconds")
    file = wanted.folder / "texts.json"
    file.write_text(json.dumps(list(wanted.texts), ensure_ascii=False), encoding="utf-8")
    ready, used, done = engine.loop(
        scene.bundle, file, len(wanted.texts), scene.workers, 2.0 * wanted.seconds
    )
    return Turn(
        contestant=ENGINE, repeat=repeat, began=began, load=load, cold_start_s=ready,
        memory=used, levels=[done],
    )  # fmt: skip


def line(measured: Turn) -> str:
    """A turn in a line, for the terminal."""
    parts = [f"{measured.repeat + 1}  {measured.contestant:<3} {LABELS[measured.contestant]}:"]
    parts.append(f"start {measured.cold_start_s:.1f} s,")
    for each in measured.levels:
        at = f"{each.connections}×" if each.connections else ""
        parts.append(f"{at} {each.rate:.1f}/s p99 {each.p99_ms:.0f} ms")
        if each.refused or each.failed:
            parts.append(f"({each.refused} refused, {each.failed} failed)")
    return " ".join(parts)
