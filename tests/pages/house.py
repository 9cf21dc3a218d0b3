"""A service with invented people and messages, and a browser before it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from sqlalchemy import select

from serving.access import COOKIE
from serving.store import sessions, users
from serving.store.actors import COMMAND, Role
from serving.store.intake import insert_messages
from serving.store.opening import Store, open_store
from serving.store.passwords import hashed
from serving.store.tables import audit, corrections, items, messages
from tests.pages.hostile import hostile
from tests.serving.process import PATIENCE, ROOT, serving_fakes
from tests.store.records import record
from triage.types import Attachment, Department

expect.set_options(timeout=PATIENCE * 1000)

PASSWORD = "虚构的口令-只作测试"
SCREENSHOTS = ROOT / "build" / "screenshots"
PEOPLE = {
    "zhang": (Role.REVIEWER, (Department.CIVIL,)),
    "li": (Role.LEAD, ()),
    "guan": (Role.ADMIN, ()),
    "shu": (Role.SCIENTIST, ()),
}
MATTER = (
    "锦绣花园三期的供暖管道冻裂，整栋楼停暖已经五天，物业和开发商互相推诿，"
    "老人和孩子冻得睡不着，希望尽快派人维修并说明退费办法"
)


@dataclass
class House:
    """A running service, and its database from the side."""

    url: str
    store: Store
    browser: Browser

    @contextlib.contextmanager
    def visitor(self, **given: Any) -> Iterator[Page]:
        """Somebody who has not logged in; nothing may go wrong in their browser."""
        size = given.pop("viewport", {"width": 1280, "height": 900})
        context = self.browser.new_context(
            base_url=self.url, viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai", **given
        )
        context.set_default_timeout(PATIENCE * 1000)
        faults = Faults(context)
        try:
            yield context.new_page()
            assert not faults.found, faults.found
        finally:
            context.close()

    @contextlib.contextmanager
    def person(self, name: str, **given: Any) -> Iterator[Page]:
        """Somebody who has logged in."""
        with self.visitor(**given) as page:
            page.context.add_cookies([self._cookie(name)])
            page.goto("/help")
            expect(page.locator(".who bdi")).to_have_text(name)
            yield page

    def _cookie(self, name: str) -> Any:
        """A session, without the time that a password takes."""
        with self.store.database.write() as connection:
            user = users.by_name(connection, name)
            token = sessions.start(connection, user.id, datetime.now(UTC))
        address = self.url.replace("http:", "https:")
        return {"name": COOKIE, "value": token, "url": address, "secure": True, "httpOnly": True}

    def numbers(self, channel: str) -> list[int]:
        """The messages of a channel, in order."""
        with self.store.database.read() as connection:
            found = select(messages.c.id).where(messages.c.channel == channel)
            return list(connection.scalars(found.order_by(messages.c.id)))

    def corrections(self, *numbers: int) -> list[Any]:
        """What people said of messages, in order."""
        with self.store.database.read() as connection:
            made = select(corrections).where(corrections.c.message_id.in_(numbers))
            return list(connection.execute(made.order_by(corrections.c.at, corrections.c.version)))

    def item(self, number: int) -> Any:
        """Where a message stands."""
        with self.store.database.read() as connection:
            return connection.execute(select(items).where(items.c.message_id == number)).one()

    def audited(self, action: str, about: str) -> int:
        """How often something is on record."""
        with self.store.database.read() as connection:
            asked = select(audit.c.seq).where(audit.c.action == action, audit.c.object == about)
            return len(connection.execute(asked).all())


@dataclass
class Faults:
    """What a page must never do: run what it should show, or break its own policy."""

    context: BrowserContext
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("console", self._console)
        self.context.on(
            "dialog", lambda dialog: (self.found.append(dialog.message), dialog.dismiss())
        )
        self.context.on("weberror", lambda error: self.found.append(str(error.error)))
        self.context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # Refusals and lost connections are what some tests are about.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.found.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.found.append(f"asked {request.url}")


def log_in(page: Page, name: str) -> None:
    page.goto("/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator(".who bdi")).to_have_text(name)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@contextlib.contextmanager
def house(browser: Browser, state: Path) -> Iterator[House]:
    """Seed a database, then start the service on it."""
    store = open_store(state)
    assert store is not None
    _furnish(store)
    try:
        with serving_fakes("plain", TRIAGE_STATE=str(state), TRIAGE_WORKERS="1") as server:
            yield House(server.url, store, browser)
    finally:
        store.close()


PICTURES = (
    Attachment(name="欠条13912345678.jpg", url="https://e.example/p/1.jpg"),
    Attachment(name="身份证.jpg", url="https://e.example/p/13912345678.jpg"),
)


def _furnish(store: Store) -> None:
    made = hashed(PASSWORD)
    now = datetime.now(UTC)

    def given(channel: str, *texts: str, hours: int = 1, **more: Any) -> list[Any]:
        return [
            record(text, at=now - timedelta(hours=hours * n), channel=channel, **more)
            for n, text in enumerate(texts, 1)
        ]

    ten = [f"第{n}户：邻居装修把承重墙拆了一截，物业说管不了，我们该找谁" for n in range(1, 13)]
    personal = "王某欠我货款不还，电话13912345678，身份证110105199003071234，卡号6222021234567890123，请帮助"
    records = [
        *given("十条", *ten),
        *given("冲突", "租房押金不退，房东说墙面有划痕", "健身房关门，会员卡余额不退"),
        *given("断线", "网购的冰箱送来就是坏的，商家不给换", "驾校收了钱一直不安排考试"),
        *given("转走", "邻居把杂物堆在我家门口，说了几次都不搬"),
        *given("隐私", personal, attachments=PICTURES),
        *given("更正", "工地夜里施工扬尘很大，孩子咳嗽不止", "公司账户被冻结，三十多人的工资明天发不出来"),
        *given("检索", "村口的老槐树被人砍了，扬尘满天", "小区电梯坏了一个月没人修"),
        *given("期限", "九天前就来信反映欠薪，至今没有回复", hours=24 * 9),
        *given("热点", *(f"{MATTER}。{end}" for end in ("急盼答复", "谢谢", "住户", "请回电", "在线等"))),
        *(
            record(text, at=now - timedelta(minutes=n), channel=text[:20], title=text[:300], id=f"h{n}{text[:20]}",
                   attachments=(Attachment(name=text[:100] or "空", url=f"javascript:{text[:100]}"),))
            for n, text in enumerate(hostile())
        ),
    ]  # fmt: skip
    with store.database.write() as connection:
        for name, (role, departments) in PEOPLE.items():
            users.create(
                connection, store.audit, COMMAND, name, role, departments, made, must_change=False
            )
        insert_messages(connection, store.calendar, records)
