"""Typical messages come out right, in simplified and in traditional characters."""

from __future__ import annotations

from dataclasses import dataclass, field

import opencc
import pytest

from triage.pipeline import Pipeline
from triage.types import Department, Message, Reason, ReviewReason


@dataclass(frozen=True)
class Case:
    """An invented message; `department` is None where there is nothing to handle."""

    title: str
    text: str
    department: Department | None
    reasons: set[Reason] = field(default_factory=set)


CASES = {
    "frozen account": Case(
        "公司账户被冻结",
        "您好，我在顺义经营一家制造企业。因为合同纠纷官司，法院把我公司的所有银行账户都冻结了，"
        "冻结的钱比对方起诉的标的多出好几倍。现在停工停产，三百多名职工的工资和退休人员的"
        "医药费都发不出来，恳请检察官帮帮我们！",
        Department.CIVIL,
        {Reason.LIVELIHOOD},
    ),
    "demolition dust": Case(
        "拆迁工地灰尘大",
        "我们小区旁边正在拆迁，工地管理混乱，渣土没有盖网，也不洒水，车辆一过尘土飞扬，"
        "家家户户不敢开窗，附近居民深受其害。拍了照片，请检察院监督治理扬尘污染。",
        Department.PUBLIC_INTEREST,
    ),
    "migrant worker's wages": Case(
        "包工头不给工资",
        "我姓赵，去年跟着一个姓孙的包工头在工地打工，讲好每天两百八，活干完了人就不见了，"
        "工钱一分没给。到法院起诉，法院要我提供对方的身份信息才给立案，我没有办法查。"
        "听人说检察院可以支持农民工起诉，请帮帮我。",
        Department.CIVIL,
    ),
    "criminal judgment": Case(
        "对刑事判决不服",
        "我哥哥因为故意伤害罪被判处有期徒刑七年，一审和二审都没有采纳对他有利的监控录像，"
        "家属不服判决，准备向检察院提出刑事申诉，请问要提交什么材料？",
        Department.COMPLAINTS,
    ),
    "embezzled compensation": Case(
        "举报村干部",
        "我要实名举报本村的村主任，他和村会计一起虚报征地面积，骗取拆迁补偿款八十多万元，"
        "装进了自己腰包，村民都不敢说话，我手里有账本和转账记录。",
        Department.COMPLAINTS,
    ),
    "heavy fine": Case(
        "处罚过重",
        "我经营一家小超市，因为卖了三袋过期饼干，货值才六十多块钱，被市场监督管理局罚款五万元。"
        "申请行政复议维持了处罚，到法院起诉也败诉了，我觉得处罚明显过重，请检察院监督。",
        Department.ADMINISTRATIVE,
    ),
    "demolition tomorrow": Case(
        "明早强拆",
        "街道办今天下午贴出公告，说明天上午九点要强制拆除我家的房子，可是拆迁补偿协议我没有签字，"
        "家里还有卧病在床的老父亲，请求赶快派人来制止！",
        Department.ADMINISTRATIVE,
        {Reason.DEADLINE},
    ),
    "cigarettes for children": Case(
        "校门口向学生卖烟",
        "我女儿上初二，学校门口的小卖部一直向穿校服的学生卖电子烟，香烟还拆开一根一根卖，"
        "我去劝店主，他反而骂人，请管管。",
        Department.PUBLIC_INTEREST,
    ),
    "greeting": Case("您好", "您好，有人在吗？", None),
}
_TRADITIONAL = opencc.OpenCC("s2t")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


@pytest.mark.parametrize("script", ["simplified", "traditional"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(pipeline: Pipeline, case: Case, script: str) -> None:
    title, text = case.title, case.text
    if script == "traditional":
        title, text = _TRADITIONAL.convert(title), _TRADITIONAL.convert(text)
        assert text != case.text or case.department is None
    decision = pipeline.classify(Message(title=title, text=text))
    if case.department is None:
        assert ReviewReason.NOTHING_TO_HANDLE in decision.review_reasons
        assert not decision.urgent
        return
    assert decision.department is case.department
    assert ReviewReason.NOTHING_TO_HANDLE not in decision.review_reasons
    assert decision.urgent is bool(case.reasons)
    assert set(decision.urgency.reasons) == case.reasons
    for evidence in decision.evidence:
        source = text if evidence.field == "text" else title
        assert source[evidence.start : evidence.end] == evidence.text
