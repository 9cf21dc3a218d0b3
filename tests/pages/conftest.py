"""A real Chromium before a real service; both are started once for all of these tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "NO BROWSER: the pages were NOT tested. Install one (Debian: apt-get install chromium) or name "
    "it in CHROMIUM."
)
_skipped: list[str] = []


def chromium() -> str | None:
    """The browser that there is."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for why in _skipped:
        terminalreporter.write_line(why, red=True, bold=True)


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The service with invented messages, and a browser."""
    program = chromium()
    if program is None:
        _skipped.append(MISSING)
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    from tests.pages.house import house as furnished

    with sync_playwright() as playwright:
        # Root has no sandbox to offer, in containers nobody has.
        options = ["--no-sandbox", "--disable-gpu", "--disable-extensions"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            with furnished(browser, tmp_path_factory.mktemp("state")) as made:
                yield made
        finally:
            browser.close()
