"""The benchmark's processes: load generator, servers, the engine, the peaks of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from eval.bench import engine
from eval.bench.contestants import LABELS, Contestant, Scene, servers
from eval.bench.driver import BROKEN, Driver, Stream, request
from eval.bench.peak import gemm, operations
from eval.bench.processes import (
    ServerFailedError,
    cpu_of_tree,
    free_port,
    memory,
    post,
    running,
    tree,
)
from eval.bench.run import Wanted, turn
from eval.bench.texts import composed
from triage.bundle import default_path

SERVER = str(Path(__file__).parent / "tiny_server.py")


def _command(port: int) -> list[str]:
    return [sys.executable, SERVER, str(port)]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    number = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    with running(_command(number), {}, number, "/", b"{}", log) as server:
        assert server.first_answer_s > 0
        yield number


@pytest.fixture
def drive(port: int) -> Callable[[Stream, float], Stream]:
    def run(stream: Stream, seconds: float = 0.3) -> Stream:
        Driver(("127.0.0.1", port), [stream]).run(seconds, grace=5.0)
        return stream

    return run


Drive = Callable[[Stream, float], Stream]


@pytest.mark.parametrize(
    ("path", "status", "retry_after"),
    [
        ("/", 200, False),
        ("/chunks", 200, False),
        ("/close", 200, False),
        ("/busy", 503, True),
        ("/wrong", 500, False),
    ],
)
def test_closed_loop_reads_every_answer(
    drive: Drive, path: str, status: int, retry_after: bool
) -> None:
    stream = drive(Stream("s", [request(path, b"{}"), request(path, b'{"a":1}')], 3), 0.3)
    assert len(stream.answers) == stream.sent >= 3
    assert {(a.status, a.retry_after) for a in stream.answers} == {(status, retry_after)}
    assert all(0 <= a.due <= a.sent <= a.done for a in stream.answers)


def test_closed_loop_pauses_after_a_refusal(drive: Drive) -> None:
    stream = drive(Stream("s", [request("/busy", b"{}")], 2, pause=0.2), 0.5)
    assert 4 <= len(stream.answers) <= 6


def test_open_loop_sends_at_its_rate(drive: Drive) -> None:
    stream = drive(Stream("s", [request("/", b"{}")], 50, rate=200.0), 1.0)
    assert len(stream.answers) == stream.sent
    assert 150 <= stream.sent + stream.unsent <= 250


def test_a_broken_connection_is_tried_again_once_and_then_told(drive: Drive) -> None:
    stream = drive(Stream("s", [request("/break", b"{}")], 1, rate=20.0), 0.5)
    assert {a.status for a in stream.answers} == {BROKEN}


def test_what_finds_no_connection_is_not_sent(port: int) -> None:
    stream = Stream("s", [request("/", b"{}")], 0, rate=100.0)
    Driver(("127.0.0.1", port), [stream]).run(0.2)
    assert stream.sent == 0
    assert stream.unsent > 5


def test_a_process_and_its_descendants() -> None:
    own = os.getpid()
    assert tree(own)[0] == own
    assert cpu_of_tree(own) > 0
    assert memory(own)[0].resident_mib > 10
    assert tree(2**22 + 1) == []
    assert post(free_port(), "/", b"{}") is None


def test_a_server_that_ends_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        pytest.raises(ServerFailedError, match="ended with 3"),
        running([sys.executable, "-c", "raise SystemExit(3)"], {}, free_port(), "/", b"", log),
    ):
        pytest.fail("it never ran")


def test_a_turn_measures_every_level(tmp_path: Path) -> None:
    tiny = Contestant("b", "/classify", _command, lambda text: {"text": text}, {})
    wanted = Wanted(["一", "二"], [1, 2], 1, False, tmp_path)
    measured = turn(tiny, 4, wanted)
    assert (measured.contestant, measured.repeat) == ("b", 4)
    assert [level.connections for level in measured.levels] == [1, 2]
    for level in measured.levels:
        assert level.answered > 10
        assert level.failed == level.refused == 0
        assert level.server_cpu_s > 0
    assert measured.memory[0].resident_mib > 5
    assert (tmp_path / "bodies-b.jsonl").read_text().splitlines()[0] == '{"text": "一"}'


def test_the_bare_engine(tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text('["请问怎么投诉", "工资一直没有发"]')
    ready, used, level = engine.loop(default_path(), texts, 2, 1, 0.3)
    assert ready > 0
    assert len(used) == 1
    assert level.answered > 5
    assert 0 < level.p50_ms <= level.p99_ms
    assert level.server_cpu_s > 0


def test_an_engine_that_fails_is_told(tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text('["x"]')
    with pytest.raises(engine.EngineFailedError):
        engine.loop(tmp_path, texts, 1, 1, 0.1)


def test_every_contestant_is_there_or_says_how_to_get_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, default_path(), tmp_path, 2)
    known = servers(scene)
    assert [*known, "e"] == sorted(LABELS, key=lambda key: (key == "e", key))
    for key in ("c", "d"):
        assert "python -m eval.bench --install" in (known[key].missing or "")
    assert "--workers" in known["f"].command(1)
    assert all("8123" in contestant.command(8123) for contestant in known.values())


def test_operations_of_a_graph() -> None:
    def constant(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.zeros(shape, dtype=np.float32), name)

    nodes = [
        helper.make_node("MatMul", ["x", "square"], ["a"]),
        helper.make_node("MatMul", ["a", "a"], ["b"]),
        helper.make_node("MatMulInteger", ["b", "wide"], ["c"]),
        helper.make_node("MatMulInteger", ["c", "head"], ["d"]),
        helper.make_node("Add", ["d", "square"], ["e"]),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("e", TensorProto.FLOAT, [1, 4])],
        [constant("square", 4, 4), constant("wide", 4, 6), constant("head", 8, 3)],
    )  # fmt: skip
    count = operations(helper.make_model(graph), tokens=10, hidden=4)
    assert count.fp32 == 2 * 10 * 16 + 2 * 10 * 10 * 4
    assert count.int8 == 2 * 10 * 24 + 2 * 24


@pytest.mark.parametrize("integers", [True, False])
def test_a_product_has_a_speed(integers: bool) -> None:
    assert gemm(integers, side=64) > 1e6


def test_a_wrong_name_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eval.bench", "--only", "z", "--out", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "unknown: z" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_composed_messages_can_be_classified_as_they_are() -> None:
    assert all(text.strip() and len(text) < 2_000 for text in composed(50))
