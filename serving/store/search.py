"""Text search by pairs of characters: it needs no dictionary and finds any two characters.

Each database brings its own full-text index; both hold the same words, which are the overlapping
character pairs of a text, so that a phrase of pairs is a run of characters. PostgreSQL notes no
places after the 16,383rd pair: of a longer text it finds a pair anywhere, a phrase only before.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    any_,
    cast,
    column,
    literal,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from triage.normalise import normalise

_RUN: Final = re.compile(r"[^\W_]+")
FEW: Final = 5_000
"""Messages with a phrase that PostgreSQL looks up before it looks at the list."""
_TABLE: Final = table("search", column("message_id"), column("rowid"))

CREATE: Final = {
    "sqlite": ("CREATE VIRTUAL TABLE search USING fts5(grams, content='', tokenize='unicode61')",),
    "postgresql": (
        "CREATE TABLE search (message_id BIGINT PRIMARY KEY REFERENCES messages (id), "
        "grams TSVECTOR NOT NULL)",
        "CREATE INDEX search_grams ON search USING GIN (grams)",
    ),
}
"""What the first step of the schema makes, by dialect."""

_ADD: Final = {
    "sqlite": text("INSERT INTO search (rowid, grams) VALUES (:id, :grams)"),
    "postgresql": text(
        "INSERT INTO search (message_id, grams) VALUES (:id, to_tsvector('simple', :grams))"
    ),
}
_REMOVE: Final = {
    # A table without content must be told what it holds.
    "sqlite": text("INSERT INTO search (search, rowid, grams) VALUES ('delete', :id, :grams)"),
    "postgresql": text("DELETE FROM search WHERE message_id = :id"),
}


def grams(title: str | None, body: str) -> str:
    """The words of a message's index: pairs of characters, and the last one of each run."""
    words = []
    for part in (title, body):
        for run in _RUN.findall(normalise(part).text) if part else ():
            words += [run[at : at + 2] for at in range(len(run))]
    return " ".join(words)


def add(connection: Connection, rows: list[tuple[int, str | None, str]]) -> None:
    """Index messages: number, title and text of each."""
    if rows:
        given = [{"id": number, "grams": grams(title, body)} for number, title, body in rows]
        connection.execute(_ADD[connection.dialect.name], given)


def known(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Those of the messages that are in the index."""
    key: ColumnElement[int] = literal_column(
        "rowid" if connection.dialect.name == "sqlite" else "message_id"
    )
    found: Select[int] = select(key).select_from(_TABLE).where(key.in_(list(numbers)))
    return set(connection.scalars(found)) if numbers else set()


def remove(connection: Connection, rows: list[tuple[int, str | None, str]]) -> None:
    """Take messages out of the index where they are in it; title and text must be as added."""
    there = known(connection, [number for number, _, _ in rows])
    if there:
        given = [
            {"id": number, "grams": grams(title, body)}
            for number, title, body in rows
            if number in there
        ]
        connection.execute(_REMOVE[connection.dialect.name], given)


def contains(
    connection: Connection, wanted: str, message_id: ColumnElement[int], *, roughly: bool = False
) -> ColumnElement[bool] | None:
    """Condition: the message has every run of characters in `wanted`; None where it has none.

    `roughly`, for counting: of what is frequent also messages that have all the pairs of a run,
    but not next to each other, where leaving them out would take long.
    """
    runs = _RUN.findall(normalise(wanted).text)
    if not runs:
        return None
    if connection.dialect.name == "postgresql":
        return _postgresql(connection, " & ".join(map(_tsquery, runs)), message_id, roughly)
    phrases = " AND ".join(map(_fts5, runs))
    found: Select[int] = select(literal_column("rowid")).select_from(_TABLE)
    return message_id.in_(found.where(text("search MATCH :phrases").bindparams(phrases=phrases)))


def _postgresql(
    connection: Connection, words: str, message_id: ColumnElement[int], roughly: bool
) -> ColumnElement[bool]:
    """It does not know how rare a phrase is, and its index has no positions: it reads every row.

    So what is rare is looked up here, and what is frequent is looked for in row after row.
    """
    together = words.replace("<->", "&")
    found = select(_TABLE.c.message_id).where(_matches(together))
    few = list(connection.scalars(found.limit(FEW + 1)))
    if len(few) <= FEW:
        if few and together != words:
            few = list(connection.scalars(select(_TABLE.c.message_id).where(_matches(words))))
        return message_id == any_(literal(few, ARRAY(BigInteger)))
    if roughly:
        return message_id.in_(found)
    row = select(_matches(words)).select_from(_TABLE).where(_TABLE.c.message_id == message_id)
    return row.scalar_subquery()


def _matches(words: str) -> ColumnElement[bool]:
    return column("grams").bool_op("@@")(cast(words, TSQUERY))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _fts5(run: str) -> str:
    return f'"{" ".join(_pairs(run))}"' if len(run) > 1 else f'"{run}"*'


def _tsquery(run: str) -> str:
    # Runs are letters and digits alone, so nothing in them is an operator.
    return " <-> ".join(f"'{pair}'" for pair in _pairs(run)) if len(run) > 1 else f"'{run}':*"
