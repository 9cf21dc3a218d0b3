"""Reviewing by keyboard, as reviewers do."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.pages.house import House, shoot

STATE = "#state"


def _open(page: Page, number: int, channel: str = "") -> None:
    page.goto(f"/messages/{number}?tab=all" + (f"&channel={channel}" if channel else ""))
    expect(page.locator("#lease")).to_contain_text("由您处理")


def _number(page: Page) -> int:
    return int(page.locator("#decide").get_attribute("data-message") or 0)


def _moved_on(page: Page, number: int) -> None:
    """Wait until another message, or the queue, is there with its scripts."""
    another = "n => document.readyState === 'complete' && document.querySelector('#decide')?.dataset.message !== n"
    page.wait_for_function(another, arg=str(number))


def _kept(page: Page) -> str:
    kept: str = page.evaluate(
        "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await indexedDB.databases()])"
    )
    return kept


def test_ten_are_reviewed_by_keyboard_and_taken_back(house: House) -> None:
    numbers = house.numbers("十条")
    with house.person("zhang") as page:
        page.goto("/queue?tab=all&channel=十条")
        expect(page.locator("tbody tr")).to_have_count(12)
        shoot(page, "queue")
        page.keyboard.press("n")
        page.wait_for_url("**/messages/*")
        seen = []
        for step in range(10):
            seen.append(_number(page))
            assert "十条" in page.locator(".facts").first.inner_text()
            if step == 1:
                page.keyboard.press("2")
            elif step == 2:
                for key in ("3", "u", "g", "n"):
                    page.keyboard.press(key)
                page.keyboard.insert_text("急，请今天看")
                page.keyboard.press("Escape")
                shoot(page, "decision")
            elif step == 3:
                page.keyboard.press("5")
            expect(page.locator(f"{STATE}")).not_to_contain_text("已保存")
            page.keyboard.press("Enter")
            _moved_on(page, seen[-1])
        assert len(set(seen)) == 10
        assert set(seen) <= set(numbers)
        made = house.corrections(*seen)
        assert [row.message_id for row in made] == seen
        assert [row.kind for row in made] == [
            "agree",
            "correct",
            "correct",
            "correct",
            *["agree"] * 6,
        ]
        assert [row.department for row in made[:4]] == [
            "civil",
            "administrative",
            "public_interest",
            "none",
        ]
        assert (made[2].urgent, made[2].reasons, made[2].note) == (
            True,
            ["livelihood"],
            "急，请今天看",
        )
        assert all(row.actor == "user:zhang" for row in made)
        expect(page.locator("#last")).to_contain_text(f"留言 {seen[-1]}")

        for number in reversed(seen):
            page.keyboard.press("z")
            page.wait_for_url(f"**/messages/{number}?**")
            expect(page.locator(".history")).to_contain_text("撤销")
        page.keyboard.press("z")
        expect(page.locator(STATE)).to_have_text("没有可以撤销的决定。")
        assert not any(house.item(number).done for number in numbers)
        assert [row.kind for row in house.corrections(*seen)[10:]] == ["undo"] * 10


def test_keys_of_an_input_method_and_of_fields_are_left_to_them(house: House) -> None:
    (number,) = house.numbers("期限")
    with house.person("zhang") as page:
        _open(page, number)
        page.evaluate(
            """() => {
              for (const given of [{key: "2", isComposing: true}, {key: "2", keyCode: 229}, {key: "2", ctrlKey: true}])
                document.body.dispatchEvent(new KeyboardEvent("keydown", {bubbles: true, ...given}));
            }"""
        )
        assert page.locator("[name=department]:checked").get_attribute("value") == "civil"
        page.keyboard.press("n")
        page.keyboard.type("2uz?")
        assert page.locator("#note").input_value() == "2uz?"
        page.keyboard.press("Escape")
        page.keyboard.press("2")
        page.keyboard.press("u")
        page.keyboard.press("Enter")
        expect(page.locator(STATE)).to_have_text("紧急须选一个理由。")
        for _ in "2u":
            page.keyboard.press("z")
        assert page.locator("[name=department]:checked").get_attribute("value") == "civil"
        assert not page.locator("#urgent").is_checked()
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        shoot(page, "keys")
        page.keyboard.press("2")
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_hidden()
        assert page.locator("[name=department]:checked").get_attribute("value") == "civil"
        assert house.corrections(number) == []


def test_two_people_decide_and_the_later_one_chooses(house: House) -> None:
    first, second = house.numbers("冲突")
    with house.person("zhang") as mine, house.person("li") as theirs:
        for number in (first, second):
            _open(mine, number)
            theirs.goto(f"/messages/{number}")
            expect(theirs.locator("#lease")).to_contain_text("zhang 正在处理")
            theirs.keyboard.press("5")
            theirs.keyboard.press("Enter")
            _moved_on(theirs, number)
            mine.keyboard.press("3")
            mine.keyboard.press("Enter")
            expect(mine.locator("#conflict")).to_be_visible()
            mine.keyboard.press("Enter")  # by one who has not looked up
            expect(mine.locator("#conflict")).to_be_visible()
            expect(mine.locator("#mine")).to_have_text("公益诉讼检察")
            expect(mine.locator("#theirs")).to_have_text("无可办理事项")
            expect(mine.locator("#theirs-by")).to_contain_text("li")
            shoot(mine, "conflict")
            assert [row.department for row in house.corrections(number)] == ["none"]
            mine.click("#keep-mine" if number == first else "#keep-theirs")
            _moved_on(mine, number)
    assert [row.department for row in house.corrections(first)] == ["none", "public_interest"]
    assert [row.department for row in house.corrections(second)] == ["none"]


def test_what_went_to_another_department_meanwhile_can_be_brought_back(house: House) -> None:
    (number,) = house.numbers("转走")
    with house.person("zhang") as mine, house.person("li") as theirs:
        _open(mine, number)
        theirs.goto(f"/messages/{number}")
        theirs.keyboard.press("2")
        theirs.keyboard.press("Enter")
        _moved_on(theirs, number)
        mine.keyboard.press("1")
        mine.keyboard.press("Enter")
        expect(mine.locator("#theirs")).to_have_text("行政检察")
        mine.click("#keep-mine")
        _moved_on(mine, number)
        assert [row.department for row in house.corrections(number)] == ["administrative", "civil"]


def test_a_lost_connection_loses_and_doubles_nothing(house: House) -> None:
    number, other = house.numbers("断线")
    with house.person("zhang") as page:
        _open(page, number)
        page.keyboard.press("2")
        page.context.set_offline(True)
        page.keyboard.press("Enter")
        expect(page.locator(STATE)).to_contain_text("正在重试")
        shoot(page, "offline")
        kept = _kept(page)
        assert house.corrections(number) == []
        page.context.set_offline(False)
        _moved_on(page, number)
        assert [row.department for row in house.corrections(number)] == ["administrative"]

        asked: list[str] = []

        def lose_the_first_answer(route: Route) -> None:
            asked.append(route.request.post_data or "")
            answer = route.fetch()
            if len(asked) == 1:
                route.abort("connectionreset")
            else:
                route.fulfill(response=answer)

        _open(page, other)
        page.route(f"**/v1/reviews/{other}", lose_the_first_answer)
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        _moved_on(page, other)
        assert len(asked) == 2
        assert asked[0] == asked[1]
        assert [row.department for row in house.corrections(other)] == ["complaints"]
        for words in ("冰箱", "驾校"):
            assert words not in kept + _kept(page)


def test_personal_numbers_are_shown_when_asked_and_that_is_on_record(house: House) -> None:
    (number,) = house.numbers("隐私")
    with house.person("zhang") as page:
        _open(page, number)
        text = page.locator("#text")
        expect(text).to_contain_text(
            "139••••5678，身份证110•••••••••••1234，卡号622••••••••••••0123"
        )
        assert "13912345678" not in page.content()
        (link,) = page.locator("ul a[target=_blank]").all()  # no number of a person in it
        assert link.get_attribute("href") == "https://e.example/p/1.jpg"
        shoot(page, "masked")
        page.click("#reveal")
        expect(text).to_contain_text(
            "13912345678，身份证110105199003071234，卡号6222021234567890123"
        )
        shoot(page, "revealed")
        assert house.audited("reveal", f"message:{number}") == 1
        page.keyboard.press("n")
        page.keyboard.type("请回电13812345678")
        page.keyboard.press("Escape")
        page.keyboard.press("z")
        expect(page.locator(STATE)).to_contain_text("备注还没有保存")
        page.keyboard.press("Enter")
        _moved_on(page, number)
        page.goto(f"/messages/{number}")
        expect(page.locator(".history")).to_contain_text("请回电138••••5678")
        page.click("#reveal")
        expect(page.locator(".history")).to_contain_text("请回电13812345678")
        page.goto("/queue?tab=done&channel=隐私")
        expect(page.locator("tbody")).to_contain_text("139••••5678")


def test_a_lease_ends_with_leaving_and_replies_are_noted(house: House) -> None:
    (number,) = house.numbers("期限")
    with house.person("zhang") as page, house.person("li") as other:
        _open(page, number)
        expect(page.locator("#lease")).to_contain_text("剩余 4:5")
        other.goto("/queue?tab=all&channel=期限")
        expect(other.locator("tbody")).to_contain_text("处理中 zhang")
        page.click("[data-told=replied]")
        expect(page.locator("#told")).to_have_text("已记录。")
        page.goto("/queue")
        other.reload()
        expect(other.locator("tbody")).not_to_contain_text("处理中")
        expect(other.locator("tbody")).to_contain_text("已回复")
    assert house.item(number).replied_at is not None
