"""What deploy/ says of the store is so: where it is, who may write it, what is done every night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from sqlalchemy import make_url
from typer.testing import CliRunner

from serving import cli_data
from serving.store.deadlines import Calendar
from serving.store.errors import StoreError
from tests.deploy.files import (
    DEPLOY,
    ROOT,
    documents,
    kubernetes,
    text,
    unit,
    unit_environment,
)


def test_calendar_can_be_read() -> None:
    calendar = Calendar.load(ROOT / "docs" / "calendar.example.yaml")
    assert calendar.holidays
    assert all(day.weekday() < 5 for day in calendar.holidays)
    assert calendar.workdays
    assert all(day.weekday() >= 5 for day in calendar.workdays)
    # Examples of the form, which nobody takes for a year's real calendar.
    assert {day.year for day in calendar.holidays | calendar.workdays} == {2099}


def test_state_can_be_written_and_the_registry_cannot() -> None:
    state, models = (unit_environment()[f"TRIAGE_{name}"] for name in ("STATE", "MODELS"))
    (directories,) = unit()["StateDirectory"]
    assert {f"/var/lib/{name}" for name in directories.split()} == {state, models}
    assert unit()["ReadOnlyPaths"] == [models]
    assert unit()["UMask"] == ["0077"]
    assert unit()["StateDirectoryMode"] == ["0700"]
    assert f"TRIAGE_STATE={state}\n" in text("systemd/as-triage")
    for name in ("backup", "purge"):
        assert f"Environment=TRIAGE_STATE={state}\n" in text(f"systemd/triage-{name}.service")


@pytest.mark.parametrize("name", ["backup", "purge"])
def test_timers_start_commands_that_exist(name: str, tmp_path: Path) -> None:
    """As systemd would: with another directory, which no service has used yet."""
    assert "WantedBy=timers.target\n" in text(f"systemd/triage-{name}.timer")
    (given,) = re.findall(
        r"/opt/triage/bin/triage ([^'\n]+)", text(f"systemd/triage-{name}.service")
    )
    (keep,) = re.findall(r"^Environment=KEEP=(\S+)", text("systemd/triage-purge.service"), re.M)
    command = given.replace("${KEEP}", keep).replace("$$(date +%%u)", "3").split()
    assert command[0] == name
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command(name)(getattr(cli_data, name))
    done = CliRunner().invoke(app, [*command, "--state", str(tmp_path)])
    assert isinstance(done.exception, StoreError), done.output
    assert "no service has run here" in str(done.exception)


def test_postgres_is_asked_with_a_password_that_no_setting_shows() -> None:
    (override,) = documents(DEPLOY / "compose.postgres.yaml")
    service = override["services"]["triage"]
    url = make_url(service["environment"]["TRIAGE_DATABASE"])
    assert url.password is None
    (secret,) = service["secrets"]
    assert url.query["passfile"] == f"/run/secrets/{secret}"
    assert secret in override["secrets"]
    postgres = override["services"][url.host]
    assert (postgres["environment"]["POSTGRES_USER"], postgres["environment"]["POSTGRES_DB"]) == (
        url.username,
        url.database,
    )
    assert postgres["networks"] == ["store"]
    assert override["networks"]["store"] == {"internal": True}
    # What a mistaken commit would publish.
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    files = [
        secret["file"].partition(":-./")[2].rstrip("}") for secret in override["secrets"].values()
    ]
    assert {f"deploy/{name}" for name in files} <= set(ignored)


def test_pods_share_database_and_key() -> None:
    settings = kubernetes("ConfigMap")["data"]
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    (shell,) = documents(DEPLOY / "kubernetes" / "store-shell.yaml")
    assert "TRIAGE_DATABASE" not in settings
    for spec in (pod, shell["spec"]):
        (each,) = spec["containers"]
        (database,) = (v for v in each["env"] if v["name"] == "TRIAGE_DATABASE")
        assert database["valueFrom"]["secretKeyRef"]["name"] == "triage-store"
        mounts = {mount["name"]: mount for mount in each["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert mounts["store"]["readOnly"]
        where = Path(mounts["store"]["mountPath"])
        files = {where / item["path"] for item in volumes["store"]["secret"]["items"]}
        assert Path(settings["TRIAGE_AUDIT_KEY"]) in files
        assert mounts["state"]["mountPath"] == settings["TRIAGE_STATE"]
        # Readable for the pod's group, which the user is in.
        assert volumes["store"]["secret"]["defaultMode"] == 0o440
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]


def test_pods_reach_the_database_and_no_more() -> None:
    policy = kubernetes("NetworkPolicy")["spec"]
    ports = {(p["protocol"], p["port"]) for rule in policy["egress"] for p in rule["ports"]}
    assert ports == {("TCP", 5432), ("UDP", 53), ("TCP", 53)}
    assert all(rule["to"] for rule in policy["egress"])
    (selected,) = policy["podSelector"]["matchExpressions"]
    (shell,) = documents(DEPLOY / "kubernetes" / "store-shell.yaml")
    template = kubernetes("Deployment")["spec"]["template"]
    labels = [o["metadata"]["labels"]["app.kubernetes.io/name"] for o in (template, shell)]
    assert selected["values"] == labels
    # The shell answers nobody: the service must not send it requests.
    assert kubernetes("Service")["spec"]["selector"] == {"app.kubernetes.io/name": labels[0]}
