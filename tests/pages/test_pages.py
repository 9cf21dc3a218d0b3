"""Every page: what it shows, to whom, and that it is fit for all."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pages.house import MATTER, PASSWORD, House, log_in, shoot
from tests.serving.process import until

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PAGES = ("/queue?tab=all", "/deadlines", "/statistics", "/hot", "/help", "/users", "/password")


def _is_fit(page: Page) -> None:
    """No serious finding of axe, and nothing wider than the window."""
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run()).violations")
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    assert _fits(page)


def _fits(page: Page) -> bool:
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return fits


def test_one_is_invited_to_log_in_and_comes_back(house: House) -> None:
    with house.visitor() as page:
        page.goto("/")
        assert page.url.endswith("/login")
        expect(page.locator("main")).to_contain_text("first-admin-password")
        _is_fit(page)
        shoot(page, "login")
        page.goto("/deadlines?kind=result")
        page.keyboard.type("zhang")
        page.keyboard.press("Tab")
        page.keyboard.type("不是这个口令")
        page.keyboard.press("Enter")
        expect(page.locator("[role=alert]")).to_contain_text("用户名或密码不对")
        page.fill("#name", "zhang")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/deadlines?kind=result")
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == (
            "__Host-triage",
            True,
            True,
        )
        page.click("text=退出")
        page.goto("/queue")
        assert "/login?next=" in page.url


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_fit_also_at_twice_the_size(house: House, path: str) -> None:
    with house.person("guan") as page:
        page.goto(path)
        _is_fit(page)
        shoot(page, path.strip("/").partition("?")[0])
        # 1280 by 900 at 200 % is what 640 by 450 is at 100 %.
        page.set_viewport_size({"width": 640, "height": 450})
        assert _fits(page)
        shoot(page, path.strip("/").partition("?")[0] + "-200")


def test_a_message_is_fit_also_at_twice_the_size(house: House) -> None:
    number, urgent = house.numbers("更正")
    with house.person("guan") as page:
        page.goto(f"/messages/{number}?tab=all")
        mark = page.locator("#text mark.rule")
        expect(mark).to_have_text("扬尘")
        expect(page.locator("#why + table, .shares")).to_contain_text("91%")
        _is_fit(page)
        shoot(page, "message")
        page.goto(f"/messages/{urgent}?tab=all")
        _is_fit(page)
        shoot(page, "message-urgent")
        page.set_viewport_size({"width": 640, "height": 450})
        assert _fits(page)
        shoot(page, "message-200")


def test_the_policy_is_strict_and_files_are_kept(house: House) -> None:
    with house.person("zhang") as page:
        answer = page.goto("/queue")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        address = page.locator("link[rel=stylesheet]").get_attribute("href") or ""
        style = page.request.get(address)
        assert "immutable" in style.headers["cache-control"]
        assert page.request.get(address.replace("/assets/", "/assets/0")).status == 404


def test_each_sees_what_the_role_allows(house: House) -> None:
    menus = {
        "zhang": ["队列", "期限", "热点问题", "帮助"],
        "li": ["队列", "期限", "热点问题", "统计", "帮助"],
        "shu": ["帮助"],
    }
    (other, _) = house.numbers("检索")
    for name, menu in menus.items():
        with house.person(name) as page:
            assert page.locator("nav[aria-label=主菜单] a").all_inner_texts() == menu
            answer = page.goto("/users")
            assert answer is not None
            assert answer.status == 403
            expect(page.locator("h1")).to_have_text("没有权限")
    with house.person("zhang") as page:  # of another department
        answer = page.goto(f"/messages/{other}")
        assert answer is not None
        assert answer.status == 404
        expect(page.locator("h1")).to_have_text("没有这一页")
        shoot(page, "not-found")


def test_the_queue_is_filtered_and_searched(house: House) -> None:
    with house.person("guan") as page:
        page.goto("/queue?tab=all")
        page.fill("#q", "老槐树")
        page.click("text=筛选")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody")).to_contain_text("村口的老槐树")
        expect(page.locator("#tabs")).to_contain_text("全部 1")
        shoot(page, "search")
        page.click("text=清除")
        page.check("text=公益诉讼检察 >> nth=0")
        page.fill("#channel", "检索")
        page.click("text=筛选")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.goto("/queue?tab=all")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(50)
        last = rows.last.inner_text()
        page.click("text=下一页")
        expect(rows.first).not_to_have_text(last)
        page.click("text=回到第一页")
        expect(rows.last).to_have_text(last)
        answer = page.goto("/queue?since=2026-13-99")
        assert answer is not None
        assert answer.status == 422


def test_counts_stay_live(house: House) -> None:
    with house.person("li") as page:
        page.clock.install()
        page.goto("/queue?tab=all&channel=没有")
        expect(page.locator("#tabs")).to_contain_text("全部 0")
        with page.expect_response("**/queue/counts?**") as told:
            page.clock.fast_forward(16_000)
        assert told.value.status == 200
        expect(page.locator("#tabs")).to_have_count(1)


def test_a_hot_issue_gets_one_label(house: House) -> None:
    numbers = house.numbers("热点")
    with house.person("li") as page:

        def grouped() -> bool:
            page.goto("/hot")
            return page.locator("main").inner_text().find(MATTER[:20]) >= 0

        until(grouped)
        _is_fit(page)
        shoot(page, "hot")
        page.click(f"text={MATTER[:20]}")
        expect(page.locator("tbody tr")).to_have_count(5)
        _is_fit(page)
        shoot(page, "issue")
        page.check("text=行政检察 >> nth=-1")
        page.check("#urgent")
        page.check("text=生计无着")
        page.click("text=标注整组")
        expect(page.locator("#sure")).to_contain_text("5 条")
        shoot(page, "issue-sure")
        page.click("#yes")
        expect(page.locator("#state")).to_contain_text("已保存 5 条")
        page.wait_for_load_state()
    made = house.corrections(*numbers)
    assert [(row.department, row.reasons) for row in made] == [
        ("administrative", ["livelihood"])
    ] * 5
    with house.person("li") as page:
        page.goto(f"/messages/{numbers[0]}")
        expect(page.locator(".history")).to_contain_text("整组")
        expect(page.locator("main")).to_contain_text("近 30 天 4 条")
        expect(page.locator("#like + ul li")).to_have_count(3)


def test_statistics_are_drawn_and_told(house: House) -> None:
    with house.person("li") as page:
        page.goto("/statistics")
        expect(page.locator(".tiles")).to_contain_text("已复核")
        total = page.locator(".tiles dd").first.inner_text()
        assert int(total) > 20
        drawn = page.evaluate(
            """() => [...document.querySelectorAll('[data-chart]')].map(e => {
              const canvas = e.querySelector('canvas');
              const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
              return data.some(byte => byte);
            })"""
        )
        assert drawn == [True] * len(drawn)
        assert len(drawn) >= 4
        page.locator("summary").first.click()
        expect(page.locator("details table").first).to_be_visible()
        page.evaluate("scrollTo(0, 600)")
        shoot(page, "statistics-below")
        with page.expect_download() as told:
            page.click("text=下载 CSV")
        text = Path(told.value.path()).read_text(encoding="utf-8-sig")
        assert f"合计,{total}" in text
        answer = page.goto("/statistics?since=2026-02-01&until=2026-01-01")
        assert answer is not None
        assert answer.status == 422
    with house.person("zhang") as page:
        answer = page.goto("/statistics")
        assert answer is not None
        assert answer.status == 403


def test_an_admin_adds_changes_and_stops_somebody(house: House) -> None:
    with house.person("guan") as page:
        page.goto("/users")
        page.fill("#name", "xin.lai")
        page.check("[data-add] [value=civil]")
        page.click("text=添加 >> nth=-1")
        expect(page.locator("#secret")).to_be_visible()
        first = page.locator("#secret-text").inner_text()
        shoot(page, "users-secret")
        page.click("#secret-done")
        line = page.locator("tr", has_text="xin.lai")
        expect(line).to_contain_text("待改密码")
        with house.visitor() as other:
            other.goto("/login")
            other.fill("#name", "xin.lai")
            other.fill("#password", first)
            other.keyboard.press("Enter")
            expect(other.locator("h1")).to_have_text("修改密码")
            other.goto("/queue")
            expect(other.locator("h1")).to_have_text("修改密码")
            for field, word in (("#old", first), ("#new", PASSWORD), ("#again", PASSWORD)):
                other.fill(field, word)
            other.keyboard.press("Enter")
            expect(other.locator("[role=status]")).to_contain_text("密码已修改")
            log_in(other, "xin.lai")
        line.locator("[name=departments][value=complaints]").check()
        line.locator("text=保存").click()
        expect(page.locator("#state")).to_contain_text("已保存")
        line.locator("text=停用").click()
        page.click("#yes")
        expect(line).to_contain_text("已停用")
        with house.visitor() as other:
            other.goto("/login")
            other.fill("#name", "xin.lai")
            other.fill("#password", PASSWORD)
            other.keyboard.press("Enter")
            expect(other.locator("[role=alert]")).to_contain_text("用户名或密码不对")
