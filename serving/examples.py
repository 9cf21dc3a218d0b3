"""Invented messages for the documentation, one for each of the service's typical cases."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, dict[str, str]]] = {
    "frozen_account": {
        "summary": "企业账户被超额冻结，职工工资停发（民事检察，紧急）",
        "id": "wx-1001",
        "title": "公司账户遭超额冻结",
        "text": "我在通州开了一家食品厂。供货商起诉我们欠三十万货款，法院却把公司全部账户都冻结了，"
        "里面有六百多万。现在两百多名职工的工资和社保都发不出来，食堂也快断粮了，"
        "恳请检察机关监督法院依法解冻超出部分。",
        "channel": "小程序",
        "received_at": "2026-03-02T09:15:00+08:00",
    },
    "demolition_dust": {
        "summary": "拆除工地扬尘污染（公益诉讼检察）",
        "id": "wx-1002",
        "title": "拆楼工地尘土飞扬",
        "text": "小区西侧旧厂房正在拆除，工地不洒水也不盖网，渣土车进进出出，整条街灰蒙蒙的，"
        "阳台上每天一层土，老人孩子都不敢出门，请检察院督促有关部门治理扬尘。",
        "channel": "小程序",
    },
    "migrant_wages": {
        "summary": "农民工讨薪，申请支持起诉（民事检察）",
        "id": "12309-77",
        "title": "包工头欠工钱",
        "text": "我是外地来的木工，去年在工地跟着一个姓何的包工头干了四个月，说好完工结账，"
        "还差我两万一千块工钱。现在电话不接，我只有微信转账和考勤照片，"
        "想起诉又写不了状子，听说检察院能支持起诉，请问怎么办理？",
        "channel": "12309",
    },
}


def request_examples() -> dict[str, object]:
    """OpenAPI examples of one message."""
    return {
        name: {
            "summary": message["summary"],
            "value": {key: value for key, value in message.items() if key != "summary"},
        }
        for name, message in MESSAGES.items()
    }


def batch_example() -> dict[str, object]:
    """A batch of two messages and one that is refused without failing them."""
    first, second = list(MESSAGES.values())[:2]
    messages: list[object] = [
        {key: message[key] for key in ("id", "title", "text")} for message in (first, second)
    ]
    return {"messages": [*messages, {"id": "wx-1003", "text": " "}]}


def decision_example() -> dict[str, object]:
    """An answer of the form that `decision` describes, for the second message."""
    text = MESSAGES["demolition_dust"]["text"]
    start = text.index("扬尘")
    return {
        "id": "wx-1002",
        "department": "public_interest",
        "second": "administrative",
        "probabilities": {
            "civil": 0.0108,
            "administrative": 0.0412,
            "public_interest": 0.9371,
            "complaints": 0.0109,
        },
        "department_set": ["public_interest"],
        "urgent": False,
        "urgency": {"score": 0.0417, "reasons": []},
        "needs_review": False,
        "review_reasons": [],
        "evidence": [
            {
                "source": "rule",
                "label": "public_interest",
                "rule": "dust",
                "field": "text",
                "start": start,
                "end": start + 2,
                "text": "扬尘",
                "weight": 1.5,
            }
        ],
        "truncated": False,
        "versions": {
            "model": "estation@1+0a1b2c3d",
            "rulebook": "default@1+4e5f",
            "normaliser": "1",
        },
    }
