"""Invented messages about invented matters: the same matter in several people's words, and matters that only sound alike."""

from __future__ import annotations

import functools
import random
from typing import Final

import opencc

MATTERS: Final[dict[str, str]] = {
    "quarry": "青石县柳沟镇石坝村的鸿运采石场每天凌晨放炮，粉尘把整个村子盖得白茫茫一片，村民种的果树叶子上全是灰，去年的梨一个也没卖出去。采石场的洗石废水直接排进村前的小河，河里的鱼都死了。我们向镇政府反映过三次，一直没有人来管。",
    "wages": "我们一共二十七名农民工，在云川市滨湖新城三期工地做木工，从去年九月干到今年一月，恒达建筑劳务公司拖欠工资共计四十一万元。公司老板先说过年前结清，后来电话也不接了。劳动监察大队让我们等消息，等了两个月还没有结果。",
    "demolition": "我家位于南岭区桥头街道育才路18号的房屋，在没有签订补偿协议的情况下，街道办组织人员于三月六日强行拆除，屋里的家具家电全部被埋。我们申请行政复议，区政府维持原决定，法院一审二审都驳回了我们的诉讼请求，希望检察机关监督。",
    "loan": "本人起诉陈某民间借贷纠纷一案，云川市东湖区人民法院判决陈某归还借款三十万元及利息，判决生效已经一年多，申请执行以后法院只扣划了四千元，陈某名下明明有门面房在出租，法院却以没有可供执行的财产为由终结本次执行程序。",
    "milk": "枫林小学门口的几家小卖部公开向小学生出售过期牛奶和没有标签的辣条，孩子吃了以后上吐下泻，上周班里有五个孩子住院。家长向市场监管所投诉，工作人员来看了一眼就走了，第二天照样在卖。",
    "police": "去年十一月我被同村的王某打断两根肋骨，鉴定为轻伤二级，报案以后派出所一直不立案，办案民警说这是邻里纠纷让我们自己调解。我要求书面答复，他们也不给。请检察院对公安机关应当立案而不立案进行监督。",
    "well": "清河镇水泥厂旁边的机井打出来的水发黄发臭，全村三百多口人做饭洗衣都用这口井。化验单上写着锰和氨氮超标好几倍，水利部门说归环保管，环保部门说归水利管，大家只好每天开三轮车到邻村拉水。",
    "lamp": "花园小区二号楼和三号楼之间的路灯坏了半年多，晚上一片漆黑，上个月一位老人出来倒垃圾摔断了胯骨。业主多次找物业公司，物业说没有维修资金，居委会说已经上报，到现在一盏灯也没有亮。",
    "pension": "我父亲生前是县农机厂的退休职工，今年二月去世，社保局核定丧葬费和抚恤金时把工龄少算了九年，说是档案里的招工表看不清楚。我们提供了当年的工资册和工友证明，社保局不认，也不出具书面决定。",
    "forest": "有人在黑松岭自然保护区的核心区里修别墅，已经砍了上百棵松树，挖掘机把半边山都推平了，山下的溪水一下雨就变成泥汤。护林员说施工方有手续，可是公示栏里从来没有贴过任何批文。",
    "custody": "我弟弟因为涉嫌帮助信息网络犯罪活动罪被刑事拘留，到今天已经超过三十七天，家属没有收到逮捕通知书，也没有收到取保候审的决定，律师去会见说卷宗还在公安局。请问这样关着人是否合法。",
    "bus": "从大湾村到县城的三路公交车去年十月停运，公司说客流太少不挣钱，村里的老人看病、学生上学只能走六里山路或者坐黑车。交通局在网上答复说会协调，半年过去了没有任何变化。",
}  # fmt: skip

GREETINGS: Final = (
    "尊敬的检察官你好！",
    "尊敬的检察长、各位检察官：你们好！我是一名普通群众，实在没有办法了才给您写这封信。",
    "您好，打扰了。我要反映一个问题，希望贵院高度重视。",
)
CLOSINGS: Final = (
    "恳请检察机关依法处理，给老百姓一个公道，谢谢！",
    "望检察院领导在百忙之中予以关注，尽快给我们一个答复，万分感谢！此致敬礼",
    "请贵院依法监督，维护我们的合法权益。",
)

RETOLD: Final[dict[str, tuple[str, ...]]] = {
    "quarry": (
        "鸿运采石场每天凌晨放炮，粉尘把整个石坝村盖得白茫茫一片，村民的果树叶子上全是灰，去年的梨一个也没卖出去，洗石废水直接排进小河，河里的鱼都死了，向镇政府反映过三次没有人管。",
        "柳沟镇石坝村鸿运采石场凌晨就放炮，粉尘把整个村子盖得白茫茫的，种的果树叶子上全是灰，梨卖不出去。洗石废水直接排进村前的小河，鱼都死了。我们向镇政府反映过好多次，一直没有人来管，家里老人咳嗽了一个冬天。",
    ),
    "wages": (
        "我们二十七名农民工在滨湖新城三期工地做木工，恒达建筑劳务公司拖欠工资共计四十一万元，老板先说过年前结清，后来电话也不接了，劳动监察大队让我们等消息，等了两个月还没有结果。",
        "我和老乡一共二十七名农民工，去年九月到今年一月在云川市滨湖新城三期工地做木工，恒达建筑劳务公司拖欠工资41万元。老板先说过年前结清，现在电话也不接。劳动监察大队叫我们等消息，两个月了还没有结果，孩子开学的学费都没有着落。",
    ),
    "milk": (
        "枫林小学门口几家小卖部公开向小学生出售过期牛奶和没有标签的辣条，孩子吃了上吐下泻，班里五个孩子住院，向市场监管所投诉，来看了一眼就走了，照样在卖。",
    ),
    "well": (
        "清河镇水泥厂旁边的机井水发黄发臭，全村三百多口人做饭洗衣都用这口井，化验单上锰和氨氮超标好几倍，水利部门说归环保管，环保部门说归水利管，只好每天开三轮车到邻村拉水。",
    ),
    "lamp": (
        "花园小区二号楼和三号楼之间的路灯坏了半年多，晚上一片漆黑，有位老人出来倒垃圾摔断了胯骨。找物业公司，物业说没有维修资金，居委会说已经上报，到现在一盏灯也没有亮。",
    ),
}  # fmt: skip
"""Matters as somebody else wrote them down: shorter, reworded, with something of their own."""

ALIKE: Final[tuple[tuple[str, str], ...]] = (
    (
        "尊敬的检察官你好，我要举报青石县的一家饭店，油烟直接排到居民楼里，恳请检察机关依法处理，谢谢！",
        "尊敬的检察官你好，我要举报云川市的一家医院，乱收检查费还不给发票，恳请检察机关依法处理，谢谢！",
    ),
    (
        "尊敬的检察官你好！村里的路坏了没人修，谢谢！",
        "尊敬的检察官你好！公司不给我们交社保，谢谢！",
    ),
    (
        "您好，我不服一审判决，法院没有采信我提交的转账记录，请检察院监督。",
        "您好，我不服行政处罚，交警没有给我看违章的照片，请检察院监督。",
    ),
    (
        "有人在河边倒垃圾，臭味很大，请贵院依法监督，维护我们的合法权益。",
        "有人在楼下养鸡，早上四点就叫，请贵院依法监督，维护我们的合法权益。",
    ),
)  # fmt: skip
"""Pairs of different matters in the same polite words."""


@functools.cache
def _traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def _repunctuated(text: str, rng: random.Random) -> str:
    marks = {"，": [" ", "，，", "、", ","], "。": ["！！！", "。。。", "\n", "."]}
    return "".join(rng.choice(marks[c]) if c in marks else c for c in text)


def _edited(text: str, rng: random.Random, share: float = 0.04) -> str:
    """Single characters mistyped, left out or doubled."""
    out = []
    for char in text:
        if rng.random() < share:
            char = rng.choice(["", char * 2, rng.choice("的了是在我有和人这中")])
        out.append(char)
    return "".join(out)


def _shortened(text: str, rng: random.Random) -> str:
    """About three quarters: one clause in four is left out."""
    clauses = text.replace("。", "，").strip("，").split("，")
    out = set(rng.sample(range(len(clauses)), len(clauses) // 4))
    return "，".join(c for i, c in enumerate(clauses) if i not in out) + "。"


def variants(text: str, seed: int = 1) -> dict[str, str]:
    """The ways in which one message comes again, by name."""
    rng = random.Random(seed)
    return {
        "copied": text,
        "greeted": rng.choice(GREETINGS) + text + rng.choice(CLOSINGS),
        "repunctuated": _repunctuated(text, rng),
        "traditional": _traditional().convert(text),
        "edited": _edited(text, rng),
        "shortened": _shortened(text, rng),
        "full width and spaced": " ".join(text[:20]) + text[20:],
        "greeted, shortened, edited": rng.choice(GREETINGS)
        + _edited(_shortened(text, rng), rng, 0.02),
    }
