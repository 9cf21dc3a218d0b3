"""The embedded rulebook: sound by its own check, and right on messages written for this test."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

import triage.rules
from tests.rules.books import apply, found
from triage.normalise import Normalised, normalise
from triage.rules import DEFAULT_RULEBOOK, RuleEngine, check
from triage.rules.schema import Label, json_schema
from triage.types import Reason

SCHEMA = Path(triage.rules.__file__).parent / "rulebook.schema.json"


def test_the_json_schema_is_up_to_date() -> None:
    told = "write triage.rules.schema.json_schema() to triage/rules/rulebook.schema.json"
    assert SCHEMA.read_text(encoding="utf-8") == json_schema(), told


def test_it_passes_its_own_check() -> None:
    report = check(DEFAULT_RULEBOOK)
    assert [str(finding) for finding in report.findings] == []
    assert report.ok
    assert sum(report.counts.values()) >= 350
    assert all(report.counts[label.value] >= 3 for label in Label)
    assert report.examples >= 40


def test_every_note_cites_the_guideline() -> None:
    for compiled in RuleEngine.default().rules:
        assert re.search(r"依据规范", compiled.rule.note), compiled.rule.id


@pytest.mark.parametrize(
    ("text", "department"),
    [
        ("我和丈夫感情破裂，想离婚，他不同意，孩子抚养权怎么办", "civil"),
        ("开发商逾期交房一年，还不退定金", "civil"),
        ("包工头拖欠我工钱三千元，找不到人，听说检察院可以支持起诉", "civil"),
        ("建议在小区门口增设公交站，方便居民出行", "administrative"),
        ("请问孩子户口不在本区，怎么办理小学入学", "administrative"),
        ("村里征地，补偿标准太低，安置房也没有着落", "administrative"),
        ("楼下烧烤店油烟熏天，噪音到凌晨，居民无法入睡", "public_interest"),
        ("化工厂夜里偷排污水，河水发黑发臭", "public_interest"),
        ("人行道井盖破损，存在安全隐患", "public_interest"),
        ("实名举报村支书贪污扶贫款，虚报套取补贴", "complaints"),
        ("我弟弟因为盗窃被刑事拘留，能取保候审吗，会判几年", "complaints"),
        ("我被诈骗三十万，派出所一直不立案", "complaints"),
        ("你好，在吗？", "none"),
        ("谢谢！", "none"),
    ],
)
def test_plain_messages(text: str, department: str) -> None:
    assert apply(RuleEngine.default(), text).top == department


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("我丈夫经常家暴，昨晚又拿刀威胁要杀我全家，我不敢回家", Reason.LIFE_SAFETY),
        ("老师体罚学生，我儿子手上全是血泡，不敢上学", Reason.MINOR_HARM),
        ("几百名业主正聚集在售楼部门口拉横幅堵路", Reason.MASS_INCIDENT),
        ("镇里下了通知，明天早上就来强拆我家房子", Reason.DEADLINE),
        ("老板拖欠我们三十多名农民工的工资，大家没钱吃饭", Reason.LIVELIHOOD),
        ("化工厂天天排放刺鼻毒气，村民头晕呕吐，井水也不能喝", Reason.ONGOING_HARM),
        ("他正在转移财产，还准备外逃，请尽快查封", Reason.EVIDENCE_LOSS),
        ("整个小区已经停水三天，至今没有恢复", Reason.LIVELIHOOD),
        ("昨晚电梯从十楼突然下坠到七楼", Reason.LIFE_SAFETY),
        ("他说不复合就要弄死我，还要带着孩子一起死", Reason.LIFE_SAFETY),
        ("公司三十多名员工的工资半年未发", Reason.LIVELIHOOD),
    ],
)
def test_urgent_messages(text: str, reason: Reason) -> None:
    assert reason in apply(RuleEngine.default(), text).reasons


@pytest.mark.parametrize(
    "text",
    [
        "急急急！救命！跪求领导管一管路灯不亮的问题！",
        "请问家庭暴力在法律上怎么规定",
        "强烈要求增加一路公交车",
        "物业费太高，业主都不满意",
        "如果以后房子倒塌谁负责",
        "我们小区经常停水，水压也小",
        "楼道里的消防栓三年没有水",
        "担心新建的化工厂将来污染地下水",
        "男方有家暴倾向，起诉离婚要准备什么材料",
        "外墙涂料起皮，影响美观",
        "客服直接挂断电话，投诉没有结果",
        "村民多年上访，征地补偿一直没有答复",
    ],
)
def test_loud_words_are_not_urgent(text: str) -> None:
    assert apply(RuleEngine.default(), text).reasons == ()


def test_traditional_characters_give_the_same_rules() -> None:
    rules = RuleEngine.default()
    simple = "老板拖欠工资，法院冻结了公司账户，员工的工资发不出来"
    traditional = "老闆拖欠工資，法院凍結了公司賬戶，員工的工資發不出來"
    assert found(rules, simple) == found(rules, traditional)


def test_a_message_is_scored_in_well_under_a_millisecond() -> None:
    rules = RuleEngine.default()
    rules.warm_up()
    text = normalise("我们小区楼下的烧烤店油烟很大，噪音吵到凌晨，向城管投诉多次没有人管，" * 4)
    rules.apply(None, text)
    best = min(_timed(rules, text) for _ in range(20))
    assert best < 0.003  # a loose bound for busy machines; 0.2 ms when quiet


def _timed(rules: RuleEngine, text: Normalised) -> float:
    start = time.perf_counter()
    rules.apply(None, text)
    return time.perf_counter() - start
