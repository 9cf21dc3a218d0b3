"""What the background work does, at once."""

from __future__ import annotations

from sqlalchemy import select

from serving.sketcher import Sketcher
from serving.store.opening import Store
from serving.store.tables import items


def sketch_all(store: Store) -> None:
    """Until no message is without a cluster."""
    sketcher = Sketcher(store.database)
    while sketcher.step():
        pass


def clusters(store: Store) -> dict[int, int | None]:
    """The cluster of each message."""
    with store.database.read() as connection:
        found = connection.execute(select(items.c.message_id, items.c.cluster_id))
        return {row.message_id: row.cluster_id for row in found}
