"""The files of deploy/, as people and programs read them."""

from __future__ import annotations

import configparser
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
YAML_FILES = sorted(DEPLOY.rglob("*.yaml")) + sorted(DEPLOY.rglob("*.yml"))
KUBERNETES = sorted(
    path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.stem != "kustomization"
)


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@cache
def kubernetes(kind: str) -> Any:
    """The one object of a kind that the service itself is made of."""
    objects = [o for path in KUBERNETES for o in documents(path)]
    (found,) = (o for o in objects if o["kind"] == kind)
    return found


def container() -> Any:
    (found,) = kubernetes("Deployment")["spec"]["template"]["spec"]["containers"]
    return found


@cache
def compose() -> Any:
    (found,) = documents(DEPLOY / "compose.yaml")
    return found


@cache
def unit() -> dict[str, list[str]]:
    """Options of the unit's sections together; each may stand several times."""
    found: dict[str, list[str]] = {}
    for line in text("systemd/triage.service").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def unit_environment() -> dict[str, str]:
    return dict(v.split("=", 1) for line in unit()["Environment"] for v in line.split())


def environment_file(name: str) -> dict[str, str]:
    """The variables of a file as systemd reads it."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string("[all]\n" + text(name))
    return dict(parser["all"])


def seconds(span: str) -> int:
    """`30s` or `30`."""
    found = re.fullmatch(r"(\d+)s?", span)
    assert found, span
    return int(found[1])
