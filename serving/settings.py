"""All settings of the service, from `TRIAGE_…` variables or options, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from triage.host import cores

PREFIX = "TRIAGE_"


class Settings(BaseSettings):
    """Built once, where the service starts, and passed down."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    bundle: Path | None = Field(
        default=None, description="Directory of the model bundle; empty for the embedded one."
    )
    rulebook: Path | None = Field(
        default=None, description="Rulebook file or directory; empty for the embedded one."
    )
    models: Path = Field(
        default=Path("models"),
        description="Registry of bundles and rulebooks; what it chooses decides, unless a bundle "
        "or rulebook is set here.",
    )
    state: Path = Field(
        default=Path("state"),
        description="Directory of what the service makes for itself: the SQLite database, the key "
        "of the audit chain, the first password.",
    )
    database: str | None = Field(
        default=None,
        description="postgresql://… or sqlite:///FILE; empty for SQLite in the state directory; "
        "off: nothing is stored, and there are no pages.",
    )
    audit_key: Path | None = Field(
        default=None,
        description="File with the key of the audit chain; empty for one in the state directory.",
    )
    calendar: Path | None = Field(
        default=None,
        description="YAML file with holidays and workdays; empty: weekends and the public "
        "holidays of fixed date.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=8000, description="Port to listen on."
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        default_factory=cores,
        description="Processes that classify, one message each; by default one for each core.",
    )
    queue_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=0.6, description="Single messages that would wait longer are refused."
    )
    batch_queue_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=5.0, description="Batches that would wait longer are refused."
    )
    request_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10.0, description="Time for a request that sends no X-Request-Timeout-Ms."
    )
    max_body_bytes: Annotated[int, Field(ge=1_024)] = Field(
        default=2 * 1024 * 1024, description="Largest request body, in bytes."
    )
    max_batch: Annotated[int, Field(ge=1, le=256)] = Field(
        default=256, description="Most messages in one batch."
    )
    shutdown_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        default=10, description="How long running requests may take after a signal to stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged; debug also logs the probes."
    )
    docs: bool = Field(default=True, description="Whether /docs and /openapi.json are served.")


def faults(error: ValidationError) -> list[str]:
    """What is wrong with the settings, a line each; never with the value, which may be secret."""
    return [
        f"Setting {PREFIX}{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]


def table() -> list[tuple[str, str, str]]:
    """Variable, default and help of every setting, for people and for the documentation."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "number of cores" if field.default_factory else field.default
        shown = "" if default is None else str(default)
        rows.append((f"{PREFIX}{name.upper()}", shown, field.description or ""))
    return rows
