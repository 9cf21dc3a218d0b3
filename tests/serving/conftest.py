"""The application around fake classifiers in real workers, without a network."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings


def fake_app(name: str = "plain", **given: object) -> FastAPI:
    """The application with one worker around the fake classifier `name`."""
    settings = Settings(**({"workers": 1} | given))
    return create_app(settings, f"tests.serving.fakes:{name}")


def wait_until_ready(client: TestClient) -> None:
    deadline = time.monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="package")
def client() -> Iterator[TestClient]:
    """For tests that leave it as it was."""
    with TestClient(fake_app(workers=2)) as client:
        wait_until_ready(client)
        yield client
