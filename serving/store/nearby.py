"""Which sketched messages may be like a text: those that it meets in a band."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import Connection, select, text

from serving.store import sketch
from serving.store.tables import items, sketches

# The newest of a band are enough: of a mass mailing, thousands are in each.
_OF_BAND: Final = 16
_COMPARED: Final = 64
_PAGE: Final = 500

# One statement for hundreds of rows; one for each would take most of the time.
_MEET: Final = {
    "sqlite": text(
        "INSERT INTO bands (hash, message_id) "
        "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:rows)"
    ),
    "postgresql": text(
        "INSERT INTO bands (hash, message_id) "
        "SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) "
        "FROM json_array_elements(CAST(:rows AS JSON))"
    ),
}
_MET: Final = {
    "sqlite": text(
        "SELECT band.value AS key, (SELECT json_group_array(message_id) FROM (SELECT message_id "
        "FROM bands WHERE hash = band.value ORDER BY message_id DESC LIMIT :most) AS newest) "
        "AS met FROM json_each(:keys) AS band"
    ),
    "postgresql": text(
        "SELECT CAST(band.key AS BIGINT) AS key, (SELECT CAST(json_agg(message_id) AS TEXT) FROM "
        "(SELECT message_id FROM bands WHERE hash = CAST(band.key AS BIGINT) "
        "ORDER BY message_id DESC LIMIT :most) AS newest) AS met "
        "FROM json_array_elements_text(CAST(:keys AS JSON)) AS band (key)"
    ),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sketched message that may be alike."""

    number: int
    cluster_id: int
    received_at: datetime
    signature: bytes


def meet(connection: Connection, rows: Sequence[tuple[int, int]]) -> None:
    """Put messages into bands: pairs of key and message."""
    connection.execute(_MEET[connection.dialect.name], {"rows": json.dumps(rows)})


def met(connection: Connection, keys: Sequence[int]) -> dict[int, list[int]]:
    """The newest messages in each of these bands, where there are any."""
    asked = {"keys": json.dumps(keys), "most": _OF_BAND}
    rows = connection.execute(_MET[connection.dialect.name], asked)
    found = {row.key: json.loads(row.met or "[]") for row in rows}
    return {key: numbers for key, numbers in found.items() if numbers}


def most_met(keys: Sequence[int], by_key: Mapping[int, Sequence[int]]) -> list[int]:
    """Those that share most bands with a message of these keys, at most 64."""
    counted = Counter(number for key in keys for number in by_key.get(key, ()))
    return sorted(counted, key=lambda number: (-counted[number], number))[:_COMPARED]


def candidates(connection: Connection, numbers: Collection[int]) -> dict[int, Candidate]:
    """What is known of these sketched messages."""
    found: dict[int, Candidate] = {}
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _PAGE):
        rows = connection.execute(
            select(
                items.c.message_id, items.c.cluster_id, items.c.received_at, sketches.c.signature
            )
            .join(sketches, sketches.c.message_id == items.c.message_id)
            .where(items.c.message_id.in_(ordered[start : start + _PAGE]))
        )
        found |= {row.message_id: Candidate(*row) for row in rows}
    return found


def nearest(signature: bytes, among: Sequence[Candidate]) -> Candidate | None:
    """The one that is most like it, if it is of the same matter; the oldest of equals."""
    if not among:
        return None
    ordered = sorted(among, key=lambda candidate: candidate.number)
    others = sketch.table([candidate.signature for candidate in ordered])
    alike = sketch.similarity(signature, others)
    alike[alike < sketch.thresholds(signature, others)] = -1.0
    best = int(np.argmax(alike))
    return ordered[best] if alike[best] >= 0 else None
