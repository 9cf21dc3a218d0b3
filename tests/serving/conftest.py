"""The application around a fake classifier, without a network."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.fakes import FakeClassifier


def wait_until_ready(client: TestClient) -> None:
    deadline = time.monotonic() + 10
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(threads=2), FakeClassifier())) as client:
        wait_until_ready(client)
        yield client
