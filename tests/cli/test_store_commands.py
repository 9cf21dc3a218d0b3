"""`triage export`, `purge`, `backup`, `restore` and `demo`, on a store in a folder."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from serving.store.actors import Role
from serving.store.intake import insert_messages
from serving.store.opening import Store, open_store
from serving.store.tables import audit, corrections, items, messages, users
from serving.store.users import check
from tests.cli.conftest import Run
from tests.store.hashing import cheap_hashes
from tests.store.people import CIVIL, LEAD, LI, NOTHING, judged
from tests.store.records import record
from training.corpus import training_file
from training.data import read_uncached
from triage.labels import CLASSES

PHONE = "13812345678"
NOW = datetime.now(UTC)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIAGE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TRIAGE_DATABASE", raising=False)
    return tmp_path / "state"


def opened(state: Path) -> Store:
    store = open_store(state)
    assert store is not None
    return store


@pytest.fixture
def filled(state: Path) -> Path:
    """Three messages, two judged, one very old."""
    store = opened(state)
    ages = (300, 3, 2)
    records = [
        record(f"第{n}件，欠我三万元，电话{PHONE}", at=NOW - timedelta(days=age))
        for n, age in enumerate(ages)
    ]
    with store.database.write() as connection:
        first, second, _ = insert_messages(connection, store.calendar, records)
    judged(store, LI, first, 0, CIVIL, now=NOW - timedelta(days=299))
    judged(store, LEAD, second, 0, NOTHING, now=NOW)
    store.close()
    return state


def test_an_export_feeds_training(run: Run, filled: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = run("export", "--labelled", str(data))
    assert done.code == 0, done.err
    path = training_file(data)
    assert path == data / "labelled" / "train.jsonl"
    assert [CLASSES[example.label] for example in read_uncached(path)] == ["civil", "none"]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["reviewer"], row["version"]) for row in rows] == [("user:li", 1), ("user:chen", 1)]
    assert "138••••5678" in rows[0]["text"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "2 labelled messages" in done.out.decode()
    assert filled.exists()


def test_export_options(run: Run, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.jsonl"
    since = (NOW - timedelta(days=30)).strftime("%Y-%m-%d")
    done = run("export", "--labelled", str(out), "--no-mask", "--since", since)
    assert done.code == 0, done.err
    (row,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert PHONE in row["text"]
    assert run("export", "--labelled", str(tmp_path / "t.json")).code == 0
    assert len(json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))) == 2
    assert run("export", "--labelled", str(tmp_path / "t.parquet")).code == 0
    assert run("export", "--labelled", str(tmp_path / "t.xlsx")).code == 2
    assert run("export", "--labelled", str(tmp_path / "t.jsonl"), "--format", "csv").code == 2
    assert not list(tmp_path.glob(".*.part"))
    assert filled.exists()


def test_an_export_from_nowhere_makes_no_store(run: Run, state: Path, tmp_path: Path) -> None:
    done = run("export", "--labelled", str(tmp_path / "out.jsonl"))
    assert done.code == 2
    assert "no service has run here" in done.err
    assert not state.exists()


def test_purge(run: Run, filled: Path) -> None:
    told = run("purge", "--older-than", "180d", "--dry-run").out.decode()
    assert told.startswith("1 messages from before")
    assert "would lose" in told
    assert "1 messages" in run("purge", "--older-than", "180d").out.decode()
    assert "0 messages" in run("purge", "--older-than", "180d").out.decode()
    for wrong in ("180", "0d", "half a year", "-3d"):
        assert run("purge", "--older-than", wrong).code == 2
    store = opened(filled)
    with store.database.read() as connection:
        assert connection.scalar(select(func.count(messages.c.text))) == 2
    store.close()


def test_backup_and_restore(run: Run, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "triage.backup"
    done = run("backup", str(out))
    assert done.code == 0, done.err
    assert "3 messages, 2 decisions" in done.out.decode()
    there = tmp_path / "there"
    refused = run("restore", str(out), "--state", str(there))
    assert refused.code == 2
    assert "audit.key" in refused.err
    there.mkdir()
    shutil.copy(filled / "audit.key", there)
    assert "3 messages" in run("restore", str(out), "--state", str(there)).out.decode()
    assert "not empty" in run("restore", str(out), "--state", str(there)).err
    assert run("restore", str(out), "--state", str(there), "--force").code == 0
    assert run("audit", "verify", "--state", str(there)).code == 0


def test_the_demo(run: Run, state: Path) -> None:
    with cheap_hashes():
        done = run("demo")
        assert done.code == 0, done.err
        assert "demo-lead" in done.out.decode()
        words = done.out.decode().split()
        password = words[words.index("demo-reviewer") + 1]
        store = opened(state)
        reviewer = check(store, "demo-reviewer", password, NOW)
    assert reviewer is not None
    assert (reviewer.role, reviewer.must_change) == (Role.REVIEWER, False)
    with store.database.read() as connection:
        found = connection.execute(select(items)).all()
        assert connection.scalar(select(func.count()).select_from(messages)) == 200
        assert connection.scalar(select(func.count()).select_from(corrections)) == 24
        assert store.audit.verify(connection).fault is None
        told = connection.scalars(select(audit.c.detail)).all()
        assert not [detail for detail in told if password in detail]
    # Something for everybody: every department has what is urgent and what is not.
    assert len({(row.department, row.urgent) for row in found}) == 8
    assert len([row for row in found if row.listed and not row.done]) > 50
    now = datetime.now(UTC)
    ages = [now - row.received_at for row in found]
    assert timedelta(0) < min(ages) < timedelta(days=3)
    assert timedelta(days=11) < max(ages) < timedelta(days=15)
    store.close()
    again = run("demo")
    assert again.code == 2
    assert "--force" in again.err


def test_demo_adds_where_it_is_forced(run: Run, filled: Path) -> None:
    with cheap_hashes():
        assert run("demo", "--messages", "30").code == 2
        done = run("demo", "--messages", "30", "--force")
    assert done.code == 0, done.err
    store = opened(filled)
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(messages)) == 33
        judged_now = connection.scalar(select(func.count()).select_from(items).where(items.c.done))
        assert judged_now == 2 + 8
        assert connection.scalar(select(func.count()).select_from(users)) == 0
        assert store.audit.verify(connection).fault is None
    store.close()
