"""The invented messages: the same every time, of great variety, nobody's."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import opencc
from sqlalchemy import func, select

from serving.demo import DAYS, demo_messages, drawn, templates
from serving.demo_bulk import fill_many
from serving.exporting import Export, ExportFormat
from serving.masking import mask
from serving.store.actors import COMMAND
from serving.store.exports import Wanted
from serving.store.intake import insert_messages
from serving.store.opening import Store
from serving.store.tables import corrections, items, messages
from tests.fakes import FakeClassifier
from tests.store.records import record
from tests.store.sketching import clusters, sketch_all
from triage.normalise import is_damaged, normalise

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MADE = list(demo_messages(NOW))


def test_there_are_200_and_they_are_the_same_every_time() -> None:
    assert len(MADE) == len(templates()) == 200
    assert list(demo_messages(NOW)) == MADE
    assert len({message.text for message in MADE}) == 200
    assert len({message.id for message in MADE}) == 200


def test_they_came_in_the_last_days() -> None:
    moments = [message.received_at for message in MADE if message.received_at]
    assert moments == sorted(moments)
    assert NOW - timedelta(days=DAYS + 1) < moments[0] < moments[-1] < NOW
    assert len({moment.date() for moment in moments}) >= DAYS


def test_every_blank_is_filled() -> None:
    for seed in range(20):
        for template in templates():
            title, text = drawn(template, random.Random(seed))
            assert not set("{}|") & set(f"{title}{text}")
            assert " ## " not in text
            assert text.strip()


def test_there_is_great_variety() -> None:
    simplified = opencc.OpenCC("t2s")
    texts = [message.text for message in MADE]
    traditional = [
        text for text in texts if sum(map(str.__ne__, text, simplified.convert(text))) > 5
    ]
    assert len(traditional) >= 5
    assert len([text for text in texts if is_damaged(normalise(text))]) >= 4
    assert len([text for text in texts if len(text) < 20]) >= 8
    assert len([text for text in texts if len(text) > 150]) >= 5
    assert len({message.channel for message in MADE}) >= 5
    assert len([message for message in MADE if message.attachments]) >= 20


def test_numbers_are_masked_and_nobodys() -> None:
    assert len([message for message in MADE if mask(message.text) != message.text]) >= 15
    for message in MADE:
        for phone in re.findall(r"(?<!\d)1[3-9]\d-?\d{4}-?\d{4}(?!\d)", message.text):
            assert phone.replace("-", "").startswith(("1990000", "13800000000"))
        for identity in re.findall(r"(?<!\d)\d{17}[\dX]", message.text):
            assert identity.startswith("990")


def test_the_same_matters_come_again(store: Store) -> None:
    records = [record(message.text, title=message.title) for message in MADE]
    with store.database.write() as connection:
        insert_messages(connection, store.calendar, records)
    sketch_all(store)
    found = list(clusters(store).values())
    sizes = sorted((found.count(cluster) for cluster in set(found)), reverse=True)
    assert sizes[0] >= 5
    assert len([size for size in sizes if size >= 3]) >= 3


def test_many_are_as_many_as_asked_for(store: Store) -> None:
    told: list[int] = []
    fill_many(store, FakeClassifier(), 25, NOW, told.append, batch=10)
    assert told == [10, 20, 25]
    with store.database.read() as connection:
        texts = set(connection.scalars(select(messages.c.text)))
        done = connection.execute(select(items).where(items.c.done)).all()
        assert connection.scalar(select(func.count()).select_from(corrections)) == len(done) == 8
        assert store.audit.verify(connection).fault is None
    assert len(texts) == 25
    # None is left to be matched, which would take hours.
    assert None not in clusters(store).values()
    exported = b"".join(Export(store, COMMAND, Wanted(), ExportFormat.JSONL, masked=True))
    assert exported.count(b"\n") == 8
