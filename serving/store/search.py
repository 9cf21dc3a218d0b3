"""Text search by pairs of characters: it needs no dictionary and finds any two characters.

Each database brings its own full-text index; both hold the same words, which are the overlapping
character pairs of a text, so that a phrase of pairs is a run of characters.
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
    column,
    literal,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from triage.normalise import normalise

_RUN: Final = re.compile(r"[^\W_]+")
_FEW: Final = 20_000
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
    connection: Connection, wanted: str, message_id: ColumnElement[int]
) -> ColumnElement[bool] | None:
    """Condition: the message has every run of characters in `wanted`; None where it has none."""
    runs = _RUN.findall(normalise(wanted).text)
    if not runs:
        return None
    if connection.dialect.name == "sqlite":
        phrases = [_fts5(run) for run in runs]
        found: Select[int] = select(literal_column("rowid")).select_from(_TABLE)
        found = found.where(text("search MATCH :phrases").bindparams(phrases=" AND ".join(phrases)))
        return message_id.in_(found)
    words = " & ".join(_tsquery(run) for run in runs)
    found = select(_TABLE.c.message_id).where(
        text("grams @@ CAST(:words AS tsquery)").bindparams(words=words)
    )
    # PostgreSQL does not know how rare a word is, and would look for it in row after row of a list.
    few = list(connection.scalars(found.limit(_FEW + 1)))
    if len(few) > _FEW:
        return message_id.in_(found)
    return message_id == any_(literal(few, ARRAY(BigInteger)))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _fts5(run: str) -> str:
    return f'"{" ".join(_pairs(run))}"' if len(run) > 1 else f'"{run}"*'


def _tsquery(run: str) -> str:
    # Runs are letters and digits alone, so nothing in them is an operator.
    return " <-> ".join(f"'{pair}'" for pair in _pairs(run)) if len(run) > 1 else f"'{run}':*"
