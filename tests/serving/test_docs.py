"""The documentation page works without the internet and its examples are true."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from serving.examples import MESSAGES, batch_example, decision_example
from serving.problems import KINDS
from serving.settings import Settings, table
from tests.serving.conftest import fake_app
from triage.types import Decision


def test_page_loads_only_what_the_service_has(client: TestClient) -> None:
    page = client.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert not link.startswith(("http", "//"))
        assert client.get(f"/{link}").status_code == 200
    assert "://" not in client.get("/static/docs.js").text


def test_description_names_bodies_and_problems(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    single = schema["paths"]["/v1/classify"]["post"]
    body = single["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Message"}
    assert set(body["examples"]) == set(MESSAGES)
    assert list(single["responses"]["422"]["content"]) == ["application/problem+json"]
    text = str(schema)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in schema["components"]["schemas"]


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/classify/batch"])
def test_description_names_the_parameters(client: TestClient, path: str) -> None:
    given = client.get("/openapi.json").json()["paths"][path]["post"]["parameters"]
    explain, timeout, key = given
    assert (explain["name"], explain["in"]) == ("explain", "query")
    assert explain["schema"] == {"type": "boolean", "default": False}
    assert (timeout["name"], timeout["in"]) == ("X-Request-Timeout-Ms", "header")
    assert timeout["schema"] == {
        "type": "integer", "minimum": 1, "maximum": 600_000, "default": 10_000,
    }  # fmt: skip
    assert (key["name"], key["in"]) == ("Idempotency-Key", "header")
    assert not any(parameter.get("required") for parameter in given)


def test_description_has_the_department_set(client: TestClient) -> None:
    decision = client.get("/openapi.json").json()["components"]["schemas"]["Decision"]
    items = decision["properties"]["department_set"]["anyOf"][0]["items"]
    assert items == {"$ref": "#/components/schemas/Department"}


def test_description_is_built_once() -> None:
    app = fake_app()
    with TestClient(app) as client:
        first = client.get("/openapi.json").json()
        built = app.openapi_schema
        assert built == first
        assert client.get("/openapi.json").json() == first
        assert app.openapi_schema is built


@pytest.mark.parametrize("name", MESSAGES)
def test_examples_are_accepted(client: TestClient, name: str) -> None:
    schema = client.get("/openapi.json").json()
    body = schema["paths"]["/v1/classify"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/v1/classify", json=body["examples"][name]["value"]).status_code == 200


def test_batch_example_shows_a_refusal(client: TestClient) -> None:
    results = client.post("/v1/classify/batch", json=batch_example()).json()["results"]
    assert ["code" in result for result in results] == [False, False, True]


def test_decision_example_is_a_decision_with_true_offsets() -> None:
    decision = Decision.model_validate(decision_example())
    assert abs(sum(decision.probabilities.values()) - 1) < 1e-9
    assert decision.department_set == (decision.department,)
    (evidence,) = decision.evidence
    assert MESSAGES["demolition_dust"]["text"][evidence.start : evidence.end] == evidence.text


def test_problem_codes_are_listed(client: TestClient) -> None:
    assert {kind["code"] for kind in client.get("/v1/problems").json()} == set(KINDS)


def test_docs_can_be_turned_off() -> None:
    with TestClient(fake_app(docs=False)) as client:
        for path in ("/docs", "/openapi.json", "/static/docs.js"):
            assert client.get(path).status_code == 404


def test_every_setting_has_help() -> None:
    rows = table()
    assert [name for name, _, _ in rows][:2] == ["TRIAGE_BUNDLE", "TRIAGE_RULEBOOK"]
    assert all(text for _, _, text in rows)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_PORT", "9001")
    monkeypatch.setenv("TRIAGE_HOST", "")
    assert Settings().port == 9001
    assert Settings().host == "127.0.0.1"
    assert Settings(port=9002).port == 9002
