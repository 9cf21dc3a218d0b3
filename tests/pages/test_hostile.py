"""Whatever a message holds is shown, never run, and never breaks the page."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from serving.store.tables import messages
from tests.pages.hostile import COUNT
from tests.pages.house import House, shoot


def _holds(page: Page) -> None:
    told = page.evaluate(
        r"""() => ({
          pwned: window.pwned,
          wide: document.documentElement.scrollWidth - innerWidth,
          inside: document.querySelectorAll('[data-field] :not(mark, .masked, .control), bdi :not(mark, .masked, .control)').length,
          apart: [...document.querySelectorAll('[data-field]')].every(e => e.getBoundingClientRect().right <= e.closest('.card').getBoundingClientRect().right),
          turned: /[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/.test(document.body.textContent),
          personal: /1\u200b?3912345/.test(document.body.textContent),
          piled: /\p{Mn}{3}/u.test(document.body.textContent),
          style: document.querySelectorAll('[style]').length,
        })"""
    )
    assert told == {
        "pwned": None, "wide": 0, "inside": 0, "apart": True, "turned": False, "personal": False,
        "piled": False, "style": 0,
    }  # fmt: skip


def test_hostile_messages_are_shown_and_do_nothing(house: House) -> None:
    with house.store.database.read() as connection:
        own = select(messages.c.id).where(messages.c.reference.like("h%"))
        numbers = list(connection.scalars(own.order_by(messages.c.id)))
    assert len(numbers) == COUNT
    with house.person("guan") as page:
        for number in numbers:
            page.goto(f"/messages/{number}", wait_until="domcontentloaded")
            _holds(page)
            expect(page.locator("#lease")).to_contain_text("剩余")  # the page's own script ran
            if number - numbers[0] in (0, 1, 2, 6, 9, 12):
                shoot(page, f"hostile-{number - numbers[0]}")
        for path in ("/queue?tab=all", "/deadlines"):
            page.goto(path)
            while True:
                _holds(page)
                if not page.locator("[rel=next]").count():
                    break
                page.click("[rel=next]")
            shoot(page, "hostile" + path.partition("?")[0].replace("/", "-"))
