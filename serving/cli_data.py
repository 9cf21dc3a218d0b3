"""`triage export`, `purge`, `backup` and `restore`: what is kept, brought out, away and back."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from serving.cli_store import DatabaseOption, StateOption, one_of, opened, settings_of

_TRAINING_FILE: Final = Path("labelled", "train.jsonl")
_AGE: Final = re.compile(r"([1-9][0-9]{0,4})d", re.ASCII)

_DayOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day in Asia/Shanghai 日期.")
]


def export(
    labelled: Annotated[
        Path,
        typer.Option(
            help="File for the labelled messages (.jsonl, .parquet, or .json for Label Studio), or "
            "a directory for `make train DATA=DIRECTORY` 导出到."
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help="jsonl, parquet or label-studio [default: by the name]."),
    ] = None,
    mask: Annotated[
        bool, typer.Option("--mask/--no-mask", help="Mask personal numbers 遮盖个人号码.")
    ] = True,
    since: _DayOption = None,
    until: _DayOption = None,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Export the messages that people have judged, in the format of `make train` (导出标注).

    Since and until are the days on which they were judged, until not included.
    """
    with opened(state, database, must_exist=True) as store:
        from serving.exporting import SUFFIXES, Export, ExportFormat
        from serving.store.actors import COMMAND
        from serving.store.exports import Wanted

        by_suffix = {suffix: each for each, suffix in SUFFIXES.items()}
        out = labelled / _TRAINING_FILE if labelled.is_dir() or not labelled.suffix else labelled
        if form is None and out.suffix not in by_suffix:
            raise typer.BadParameter(f"{out.name} ends with none of {', '.join(by_suffix)}")
        chosen = one_of(ExportFormat, form, "--format") if form else by_suffix[out.suffix]
        made = Export(store, COMMAND, Wanted(_begin(since), _begin(until)), chosen, masked=mask)
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                for piece in made:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.replace(out)
        finally:
            made.close()
            part.unlink(missing_ok=True)
    typer.echo(f"{made.count:,} labelled messages in {out}")


def _begin(day: datetime | None) -> datetime | None:
    from serving.store.deadlines import midnight

    return day and midnight(day.date())


def purge(
    older_than: Annotated[str, typer.Option(help="Age in days, such as 180d 早于多少天.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, change nothing 只看不删.")
    ] = False,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Remove the words of old messages; labels and statistics stay (清除旧留言的正文).

    A SQLite file is written anew at the end, half a minute for a gigabyte: at a quiet hour.
    """
    given = _AGE.fullmatch(older_than)
    if given is None:
        raise typer.BadParameter("--older-than is a number of days, such as 180d")
    now = datetime.now(UTC)
    before = now - timedelta(days=int(given[1]))
    with opened(state, database, must_exist=True) as store:
        from serving.store import retention
        from serving.store.actors import COMMAND

        if dry_run:
            with store.database.read() as connection:
                done = retention.old(connection, before, now)
        else:
            done = retention.purge(store, COMMAND, before, now)
    verb = "would lose" if dry_run else "lost"
    waiting = f"; {done.waiting:,} of them nobody had looked at yet" if done.waiting else ""
    typer.echo(
        f"{done.messages:,} messages from before {before:%Y-%m-%d} {verb} their text{waiting}"
    )


def backup(
    out: Annotated[Path, typer.Argument(help="File to write 备份文件.")],
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Back the database up while the service runs, and check the copy (备份).

    The key of the audit chain is not in it: keep a copy of that file elsewhere.
    """
    with opened(state, database, must_exist=True) as store:
        from serving.store import backup as backups
        from serving.store.actors import COMMAND

        done = backups.backup(store, COMMAND, out)
    typer.echo(
        f"{out}: whole. {done.messages:,} messages, {done.corrections:,} decisions of people, "
        f"{done.records:,} audit records, the last {done.mac[:16]}…"
    )


def restore(
    source: Annotated[Path, typer.Argument(help="File that `triage backup` wrote 备份文件.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put it in the place of what is there 覆盖现有数据.")
    ] = False,
    state: StateOption = None,
    database: DatabaseOption = None,
) -> None:
    """Bring a backup back and check it; stop the service before (恢复).

    The file with the key of the audit chain must be there. Everybody has to log in again.
    """
    settings = settings_of(state, database)
    from serving.store import audit
    from serving.store import backup as backups
    from serving.store.actors import COMMAND
    from serving.store.engine import Database
    from serving.store.errors import StoreError
    from serving.store.opening import OFF, address, key_file

    key = key_file(settings.state, settings.audit_key)
    if not key.exists():
        raise StoreError(f"there is no {key}: put the key of the backup's audit chain there first")
    if settings.database == OFF:
        raise StoreError("nothing is stored: TRIAGE_DATABASE is off")
    url = address(settings.state, settings.database)
    chain = audit.Audit(audit.load_key(key))
    with contextlib.closing(Database(url)) as target:
        done = backups.restore(target, chain, COMMAND, source, force=force)
    typer.echo(
        f"restored and whole: {done.messages:,} messages, {done.corrections:,} decisions of "
        f"people, {done.records:,} audit records"
    )
