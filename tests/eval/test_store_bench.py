"""The figures of the store's benchmark: times, and the table that they end up in."""

from __future__ import annotations

from eval.store.__main__ import Measured, _table
from eval.store.measure import Exported, Times


def test_times_are_of_observed_values() -> None:
    found = Times.of("next item", [0.001 * n for n in range(1, 101)], 100)
    assert (found.count, found.limit_ms) == (100, 100)
    assert [round(ms) for ms in (found.median_ms, found.p99_ms, found.max_ms)] == [50, 99, 100]


def test_the_table_names_limits_and_rates() -> None:
    exported = [
        Exported(form=form, rows=rows, mib=4, seconds=3, grown_mib=40)
        for form, rows in (("jsonl", 20_000), ("parquet", 0))
    ]
    measured = Measured(kind="sqlite", messages=80_000, fill_seconds=9, exports=tuple(exported),
                        times=(Times.of("hot issues", [0.2], None),))  # fmt: skip
    told = "\n".join(_table(measured))
    assert "### sqlite, 80,000 messages" in told
    assert "| hot issues | 1 | 200.0 | 200.0 | 200.0 | – |" in told
    # A Parquet file has as many rows as the JSON lines.
    assert "| parquet | 20,000 | 4 | 3.0 | 15.0 | +40 MiB |" in told
