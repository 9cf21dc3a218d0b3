"""The application around fake classifiers in real workers, without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.serving.process import until


def fake_app(name: str = "plain", **given: object) -> FastAPI:
    """The application with one worker around the fake classifier `name`."""
    settings = Settings(**({"workers": 1} | given))
    return create_app(settings, f"tests.serving.fakes:{name}")


def wait_until_ready(client: TestClient) -> None:
    until(lambda: client.get("/readyz").status_code == 200)


@pytest.fixture(scope="package")
def client() -> Iterator[TestClient]:
    """For tests that leave it as it was."""
    with TestClient(fake_app(workers=2)) as client:
        wait_until_ready(client)
        yield client
