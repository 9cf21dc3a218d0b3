"""What deploy/ says of the service is so: settings, ports, probes, metrics, limits, locks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import app, docs, middleware
from serving.app import create_app
from serving.metrics import Metrics
from serving.problems import KINDS
from serving.settings import Settings, table
from tests.deploy.files import (
    DEPLOY,
    ROOT,
    YAML_FILES,
    compose,
    container,
    documents,
    environment_file,
    kubernetes,
    seconds,
    text,
    unit,
    unit_environment,
)

# Decisions are stored and workers end within this after the last answer.
WORKERS_END = 10


def dockerfile_environment() -> dict[str, str]:
    return dict(re.findall(r"\b((?:TRIAGE|PYTHON|ORT)_?[A-Z_]*)=(\S+)", text("Dockerfile")))


ENVIRONMENTS: dict[str, Callable[[], dict[str, str]]] = {
    "Dockerfile": dockerfile_environment,
    "compose": lambda: compose()["services"]["triage"]["environment"],
    "kubernetes": lambda: kubernetes("ConfigMap")["data"],
    "unit": unit_environment,
    "unit's file": lambda: environment_file("systemd/triage.env"),
}


def paths_of(router: Any) -> Iterator[str]:
    for route in router.routes:
        if hasattr(route, "path"):
            yield route.path
        else:  # a router within it
            yield from paths_of(route.original_router)


@pytest.fixture(scope="module")
def paths() -> set[str]:
    """Where the application answers."""
    found = {path for each in (*app._ROUTERS, docs.router) for path in paths_of(each)}
    assert set(create_app(Settings()).openapi()["paths"]) < found
    return found


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda p: p.name)
def test_yaml_can_be_read(path: Path) -> None:
    assert all(documents(path))


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file()), ids=str)
def test_variables_are_settings(path: Path) -> None:
    named = set(re.findall(r"\bTRIAGE_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    assert named <= {name for name, _, _ in table()}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_values_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ENVIRONMENTS[name]()
    assert given
    for variable, value in given.items():
        monkeypatch.setenv(variable, str(value))
    assert Settings().port == 8000


def test_nothing_is_reported_to_the_maker_of_the_runtime() -> None:
    assert dockerfile_environment()["ORT_DISABLE_TELEMETRY"] == "1"
    assert unit_environment()["ORT_DISABLE_TELEMETRY"] == "1"


def test_one_port_everywhere() -> None:
    assert "EXPOSE 8000\n" in text("Dockerfile")
    assert container()["ports"] == [{"name": "http", "containerPort": 8000}]
    assert kubernetes("Service")["spec"]["ports"][0]["targetPort"] == "http"
    (rule,) = kubernetes("NetworkPolicy")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert compose()["services"]["triage"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "server 127.0.0.1:8000 " in text("nginx/triage.conf")
    (scraped,) = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"]
    assert scraped["static_configs"] == [{"targets": ["127.0.0.1:8000"]}]


def test_probes_ask_what_the_application_answers(paths: set[str]) -> None:
    probes = {name: container()[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}
    asked = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert asked == {"startup": "/readyz", "liveness": "/livez", "readiness": "/readyz"}
    assert set(asked.values()) <= paths
    assert "/livez" in re.findall(r"HEALTHCHECK.*\n.*CMD.*", text("Dockerfile"))[0]
    assert "/livez" in compose()["services"]["triage"]["healthcheck"]["test"][-1]
    (scraped,) = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"]
    assert scraped["metrics_path"] in paths


def test_time_to_stop_is_enough() -> None:
    (stop,) = unit()["TimeoutStopSec"]
    for variables in (unit_environment(), environment_file("systemd/triage.env")):
        assert seconds(stop) > int(variables["TRIAGE_SHUTDOWN_SECONDS"]) + WORKERS_END
    service = compose()["services"]["triage"]
    drains = int(service["environment"]["TRIAGE_SHUTDOWN_SECONDS"])
    assert seconds(service["stop_grace_period"]) > drains + WORKERS_END
    drains = int(kubernetes("ConfigMap")["data"]["TRIAGE_SHUTDOWN_SECONDS"])
    pause = int(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > pause + drains + WORKERS_END


def test_as_many_workers_as_cores() -> None:
    service = compose()["services"]["triage"]
    assert (
        service["environment"]["TRIAGE_WORKERS"] == service["deploy"]["resources"]["limits"]["cpus"]
    )
    (workers,) = (v for v in container()["env"] if v["name"] == "TRIAGE_WORKERS")
    assert workers["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"
    assert container()["resources"]["limits"]["cpu"].isdecimal()


def test_nothing_runs_as_root_or_writes() -> None:
    service, pod = compose()["services"]["triage"], kubernetes("Deployment")["spec"]["template"]
    last = text("Dockerfile").rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\d+):\d+$", last, re.MULTILINE)
    assert int(user) > 0
    assert service["user"].split(":")[0] == user
    assert pod["spec"]["securityContext"]["runAsUser"] == int(user)
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert service["read_only"]
    assert container()["securityContext"]["readOnlyRootFilesystem"]
    assert service["cap_drop"] == container()["securityContext"]["capabilities"]["drop"] == ["ALL"]
    models = dockerfile_environment()["TRIAGE_MODELS"]
    state = dockerfile_environment()["TRIAGE_STATE"]
    assert service["volumes"] == [f"models:{models}:ro", f"state:{state}"]
    assert {"name": "models", "mountPath": models, "readOnly": True} in container()["volumeMounts"]


def test_unit_starts_the_console_command() -> None:
    assert unit()["ExecStart"] == ["/opt/triage/bin/triage serve"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "triage" in project["scripts"]
    assert "serve" in project["entry-points"]["triage.commands"]


def test_image_has_its_sources_and_nothing_else() -> None:
    kept = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    needed = {name.rstrip("/") for line in copied for name in line.split()}
    mounted = set(re.findall(r"source=([^,]+)", text("Dockerfile")))
    locks = {f"requirements/{name}.txt" for name in ("build", "serve")}
    assert kept == needed | mounted | locks | {"build"}
    assert all((ROOT / name).exists() for name in needed | locks)


@pytest.mark.parametrize("name", ["build", "serve"])
def test_locks_have_hashes(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9-]+==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert pinned
    assert all("--hash=sha256:" in entry for entry in pinned)


class TestNginx:
    conf = text("nginx/triage.conf")

    def test_takes_what_the_service_takes(self, paths: set[str]) -> None:
        for path in paths:
            given = path.replace("{name:path}", "vendor/a.js").replace("{name}", "zhangsan")
            expected = re.sub(r"\{(?!name\b)\w+\}", "{id}", path)
            if path.startswith("/assets/"):
                expected = "/assets/{file}"
            assert self.logged(re.sub(r"\{\w+\}", "17", given)) == expected
        (size,) = re.findall(r"client_max_body_size +(\d+)m;", self.conf)
        assert int(size) * 1024 * 1024 > Settings().max_body_bytes
        (buffered,) = re.findall(r"client_body_buffer_size +(\d+)m;", self.conf)
        assert buffered == size
        (request_id,) = re.findall(r'"~\^(.+)\$" +\$http_x_request_id;', self.conf)
        assert request_id == middleware._REQUEST_ID.pattern

    def logged(self, path: str) -> str:
        """What nginx's log says of a path, by the first rule of the map that fits."""
        (rules,) = re.findall(r"map \$uri \$triage_path \{(.+?)\n\}", self.conf, re.DOTALL)
        for pattern, shown in re.findall(r'"~(\^.+)" (\S+);', rules):
            if found := re.search(pattern.replace("(?<", "(?P<"), path):
                named = found.groupdict() | {"uri": path, "1": found[1] if found.re.groups else ""}
                shown = shown.strip('"')
                for name, value in named.items():
                    shown = shown.replace(f"${name}", value or "")
                return shown
        return "(other)"

    @pytest.mark.parametrize(
        "path", ["/13800000000", "/v1/王某", "/v1/messages/17/举报", "/queue/a/b/c"]
    )
    def test_logs_no_path_that_is_not_the_services(self, path: str) -> None:
        assert self.logged(path) == "(other)"

    def test_numbers_and_names_are_not_logged(self) -> None:
        assert self.logged("/messages/13800000000") == "/messages/{id}"
        assert self.logged("/v1/users/张三") == "/v1/users/{name}"

    def test_what_changes_something_is_not_sent_twice(self) -> None:
        (intake,) = re.findall(r"location ~ \^/v1/\(classify.+?\n    \}", self.conf, re.DOTALL)
        assert self.conf.count("non_idempotent") == intake.count("non_idempotent") == 1

    def test_the_host_is_the_one_that_browsers_name(self) -> None:
        """Without it the service takes the forms of its own pages for those of another site."""
        assert "proxy_set_header      Host $host;" in self.conf
        # A header that is set in a location takes all of the server's away there.
        assert self.conf.count("proxy_set_header") == len(
            re.findall(r"^    proxy_set_header", self.conf, re.MULTILINE)
        )

    def test_waits_longer_than_the_service(self) -> None:
        (too_long, most) = re.findall(r'"~(\^\(6000.+)" (\d+);', self.conf)[0]
        values = [v for v in range(1, 600_001) if re.search(too_long, str(v))]
        assert values == list(range(int(most) + 1, 600_001))
        (read,) = re.findall(r"^    proxy_read_timeout +(\d+)s;", self.conf, re.MULTILINE)
        assert int(read) * 1000 > int(most)
        assert int(read) > Settings().request_seconds

    def test_logs_no_body_and_no_query(self) -> None:
        (logged,) = re.findall(r"log_format triage (.+?);\n", self.conf, re.DOTALL)
        assert not re.search(
            r"\$(request_body|request|args|query_string|request_uri|uri)\b", logged
        )
        assert not re.search(r"\$(http_|sent_http_)", logged)


class TestAlerts:
    rules = documents(DEPLOY / "prometheus" / "triage.rules.yml")[0]["groups"][0]["rules"]

    def test_name_metrics_that_exist(self) -> None:
        series = {"up"}
        for family in Metrics().registry.collect():
            suffixes = {
                "counter": ("_total",),
                "histogram": ("_bucket", "_sum", "_count"),
            }.get(family.type, ("",))
            series |= {family.name + suffix for suffix in suffixes}
        for rule in self.rules:
            named = set(re.findall(r"\b(?:triage_[a-z_]+|up)\b", rule["expr"]))
            assert named, rule["alert"]
            assert named <= series, rule["alert"]

    def test_name_codes_and_routes_that_exist(self, paths: set[str]) -> None:
        expressions = " ".join(rule["expr"] for rule in self.rules)
        assert set(re.findall(r'code="(\w+)"', expressions)) <= KINDS.keys()
        for route in re.findall(r'route=~"([^"]+)"', expressions):
            assert any(re.fullmatch(route, path) for path in paths)

    def test_say_what_to_do_and_are_tested(self) -> None:
        tests = text("prometheus/triage.rules.test.yml")
        for rule in self.rules:
            assert rule["annotations"].keys() == {"summary", "action"}
            assert rule["labels"]["severity"] in ("page", "ticket")
            # Once where it must be silent, once where it must speak.
            assert tests.count(f"alertname: {rule['alert']}") >= 2


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_page_names_every_file(name: str) -> None:
    page = text(name)
    for path in DEPLOY.rglob("*"):
        if path.is_file() and not path.name.startswith("README"):
            assert path.name in page, path.name
