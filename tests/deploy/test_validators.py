"""deploy/ and the scripts, by the validators of those who will read them, where these are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, KUBERNETES, ROOT


def check(program: str, *arguments: str, cwd: Path = DEPLOY) -> None:
    """Run a validator; skip where it is missing."""
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dockerfile() -> None:
    check("hadolint", "Dockerfile")


def test_compose() -> None:
    files = ("compose.yaml", "compose.postgres.yaml")
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda p: p.stem)
def test_kubernetes(path: Path) -> None:
    check("kubernetes-validate", "--strict", str(path))


def test_prometheus() -> None:
    check("promtool", "check", "config", "prometheus.yml", cwd=DEPLOY / "prometheus")
    check("promtool", "test", "rules", "triage.rules.test.yml", cwd=DEPLOY / "prometheus")


@pytest.mark.parametrize(
    "script", ["deploy/wheelhouse.sh", "deploy/systemd/as-triage", "docs/clients/classify.sh"]
)
def test_shell(script: str) -> None:
    check("bash", "-n", script, cwd=ROOT)
    check("shellcheck", script, cwd=ROOT)


def test_nginx(tmp_path: Path) -> None:
    """The file as it is, but for certificate, logs and port, which a tester cannot have."""
    check("nginx", "-v")
    subject = ("-subj", "/CN=triage", "-days", "1")
    check("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject,
          "-keyout", "triage.key", "-out", "triage.crt", cwd=tmp_path)  # fmt: skip
    conf = (DEPLOY / "nginx" / "triage.conf").read_text(encoding="utf-8")
    for real, here in (
        ("/etc/nginx/tls/", f"{tmp_path}/"),
        ("/var/log/nginx/", f"{tmp_path}/"),
        ("listen 443 ssl", "listen 127.0.0.1:18443 ssl"),
    ):
        assert real in conf
        conf = conf.replace(real, here)
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} "
        f"http {{ {temporary}\n{conf} }}",
        encoding="utf-8",
    )
    check("nginx", "-t", "-c", str(whole))


def test_units(tmp_path: Path) -> None:
    """Their command is not installed where it is tested."""
    for unit in (DEPLOY / "systemd").iterdir():
        if unit.suffix in (".service", ".timer"):
            here = unit.read_text(encoding="utf-8").replace(
                "/opt/triage/bin/triage", sys.executable
            )
            (tmp_path / unit.name).write_text(here, encoding="utf-8")
    check("systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir())))
