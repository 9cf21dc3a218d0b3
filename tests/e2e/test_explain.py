"""Asked to explain, a decision quotes the clauses without which the encoder believes less."""

from __future__ import annotations

from dataclasses import dataclass

import opencc
import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from tests.serving.conftest import wait_until_ready
from triage.pipeline import Pipeline
from triage.types import Department, Evidence, Message


@dataclass(frozen=True)
class Case:
    """An invented message of neutral clauses and a decisive one."""

    department: Department
    before: str
    decisive: str
    after: str

    @property
    def text(self) -> str:
        return f"{self.before}，{self.decisive}。{self.after}"


CASES = {
    "wages": Case(
        Department.CIVIL,
        "检察官您好，我姓周，今年四十六岁",
        "老板拖欠我们的工资一直不给",
        "这是三月份的事情。盼望回复，谢谢！",
    ),
    "enforcement": Case(
        Department.CIVIL,
        "尊敬的领导，我叫李秀梅，住在城东",
        "民间借贷的判决生效后法院迟迟不执行",
        "今天是五月六日。祝工作顺利！",
    ),
    "fine": Case(
        Department.ADMINISTRATIVE,
        "您好，我姓马，是本地人",
        "市场监管局对我的小店作出的行政处罚太重",
        "事情发生在去年十月。麻烦您了！",
    ),
    "insurance": Case(
        Department.ADMINISTRATIVE,
        "各位同志上午好，我是一名普通居民",
        "人社局作出的不予认定工伤决定我不服",
        "今年春天的事情。期待您的答复。",
    ),
    "waste water": Case(
        Department.PUBLIC_INTEREST,
        "你们好，我家住在桥头，姓吴",
        "上游的化工厂把污水直接排进河里",
        "上个星期天的事。辛苦你们了！",
    ),
    "food": Case(
        Department.PUBLIC_INTEREST,
        "早上好，我是老陈，退休在家",
        "菜市场公开销售过期变质的食品",
        "时间是星期三。谢谢，再见。",
    ),
    "bribes": Case(
        Department.COMPLAINTS,
        "检察长您好，我姓郑，家住南门",
        "我要举报镇长收受贿赂、贪污公款",
        "写信的日期是六月一日。此致敬礼！",
    ),
    "police": Case(
        Department.COMPLAINTS,
        "您好，打扰了，我叫王建国",
        "我被人打成轻伤公安局不予立案",
        "那是去年八月。盼复，谢谢。",
    ),
    "sentence": Case(
        Department.COMPLAINTS,
        "领导好，我今年五十岁，姓何",
        "我弟弟的刑事判决量刑过重要求申诉",
        "日期是二月九日。祝您身体健康。",
    ),
    "permit": Case(
        Department.ADMINISTRATIVE,
        "您好，我叫赵敏，家在河西",
        "规划局违法撤销了我家的建房许可",
        "那天是星期五。多谢关心！",
    ),
}
# More clauses than are left out one by one, a middle that the encoder does not see, and no marks.
HARD = {
    "many clauses": "，".join(f"第{n}天又去一次" for n in range(40)) + "，老板拖欠工资。",
    "cut inside": "老板拖欠工资。" + "我去了好几次，没有人理我。" * 300 + "请帮我要回工钱！",
    "longest": ("拖欠工资，" * 4_000)[:20_000],
    "longest without marks": "拖欠工资" * 5_000,
    "one clause": "老板拖欠工资",
    "one character": "冤",
    "only marks": "？！。，",
    "emoji": "😀，老板拖欠工资👩\u200d👧，😀",
}
_TRADITIONAL = opencc.OpenCC("s2t")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


def _explained(pipeline: Pipeline, text: str, title: str | None = None) -> list[Evidence]:
    """The clauses of the explanation, after what must hold for any."""
    message = Message(text=text, title=title)
    decision = pipeline.classify(message, explain=True)
    found = [e for e in decision.evidence if e.source == "model"]
    assert len(found) <= 3
    weights = [e.weight for e in found]
    assert weights == sorted(weights, reverse=True)
    for evidence in found:
        received = text if evidence.field == "text" else title or ""
        assert received[evidence.start : evidence.end] == evidence.text != ""
        assert evidence.label == decision.department
        assert evidence.weight > 0
        assert evidence.weight == round(evidence.weight, 4)
        assert evidence.rule is None
    return found


def _spread(text: str) -> str:
    """Traditional characters, with a separator inside every third pair."""
    spread = "".join(f"{a}．" if n % 3 == 0 else a for n, a in enumerate(text[:-1]))
    return _TRADITIONAL.convert(spread + text[-1])


@pytest.mark.parametrize("form", ["as typed", "traditional and separated"])
def test_the_strongest_clause_is_the_decisive_one(pipeline: Pipeline, form: str) -> None:
    wrong = []
    for name, case in CASES.items():
        decisive = case.decisive if form == "as typed" else _spread(case.decisive)
        text = f"{case.before}，{decisive}。{case.after}"
        found = _explained(pipeline, text)
        at = len(case.before) + 1
        if not found or not at <= found[0].start < found[0].end <= at + len(decisive):
            wrong.append(name)
    assert len(wrong) <= 1, wrong


def test_offsets_are_of_the_text_as_received(pipeline: Pipeline) -> None:
    clause = "老闆拖．欠．我們的ＷＡＧＥ工資一直不給"
    (strongest, *_) = _explained(pipeline, f"檢察官您好，我姓周，{clause}。盼望回復，謝謝！")
    assert (strongest.text, strongest.start) == (clause, 10)


def test_a_title_may_be_the_decisive_clause(pipeline: Pipeline) -> None:
    found = _explained(pipeline, "您好，我姓周，盼望回复，谢谢！", title="老板拖欠工资")
    assert (found[0].field, found[0].text) == ("title", "老板拖欠工资")


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_any_text_can_be_explained(pipeline: Pipeline, text: str) -> None:
    _explained(pipeline, text)
    _explained(pipeline, text[:500], title=text[:1_000])


def test_nothing_else_of_the_decision_changes(pipeline: Pipeline) -> None:
    for case in CASES.values():
        message = Message(text=case.text, title="咨询")
        plain = pipeline.classify(message)
        bytes_before = plain.model_dump_json()
        explained = pipeline.classify(message, explain=True)
        assert pipeline.classify(message).model_dump_json() == bytes_before
        assert pipeline.classify(message, explain=False).model_dump_json() == bytes_before
        rules = tuple(e for e in plain.evidence if e.source == "rule")
        assert tuple(e for e in explained.evidence if e.source == "rule") == rules
        others = {"evidence": explained.evidence}
        assert plain.model_copy(update=others) == explained


def test_explanations_are_the_same_bytes_in_any_order(pipeline: Pipeline) -> None:
    messages = [Message(text=case.text) for case in CASES.values()]
    messages.append(Message(text=HARD["cut inside"], title="咨询"))
    first = [pipeline.classify(m, explain=True).model_dump_json() for m in messages]
    again = Pipeline.load()
    backward = [again.classify(m, explain=True).model_dump_json() for m in reversed(messages)]
    assert first == backward[::-1]


def test_over_http_the_bytes_are_the_same(pipeline: Pipeline) -> None:
    messages = [{"text": case.text, "title": "咨询"} for case in CASES.values()]
    alone = [pipeline.classify(Message(**m), explain=True).model_dump_json() for m in messages]
    with TestClient(create_app(Settings(workers=2))) as client:
        wait_until_ready(client)
        query = {"explain": "true"}
        batch = client.post("/v1/classify/batch", json={"messages": messages}, params=query)
        single = client.post("/v1/classify", json=messages[0], params=query)
    assert single.text == alone[0]
    assert batch.text == '{"results":[' + ",".join(alone) + "]}"
