"""`report.html`: one page with everything in it, readable without a network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from eval import sections
from eval.markup import Raw, page_section, table
from eval.results import Report
from eval.run import Mistake
from triage.labels import DEPARTMENT_NAMES, REASON_NAMES
from triage.types import Department

_STYLE: Final = """
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;
color:#1e293b;background:#fff;max-width:1180px;margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .5rem;
border-bottom:1px solid #cbd5e1;padding-bottom:.2rem}h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0;max-width:48rem}.quiet{color:#52606d;font-size:.9rem}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0;font-size:.9rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e2e8f0;text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}
thead th{background:#f1f5f9;vertical-align:bottom;white-space:normal;max-width:9rem}
.pair{display:flex;flex-wrap:wrap;gap:1.5rem}svg{width:460px;max-width:100%;height:auto;
font:11px system-ui,sans-serif}svg .grid{stroke:#e2e8f0}
article{border:1px solid #e2e8f0;border-radius:6px;padding:.6rem .9rem;margin:.7rem 0}
article h3{margin:.2rem 0}article pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;
margin:.4rem 0 0}.tag{display:inline-block;border:1px solid #94a3b8;border-radius:4px;
padding:0 .4rem;margin-right:.4rem;font-size:.82rem}.wrong{border-color:#b91c1c;color:#b91c1c}
.right{border-color:#15803d;color:#15803d}
"""


def _department(value: str) -> str:
    return DEPARTMENT_NAMES[Department(value)] if value in list(Department) else "无可办理事项"


def _tag(text: str, *, wrong: bool = False) -> str:
    return f'<span class="tag{" wrong" if wrong else ""}">{escape(text)}</span>'


def _mistake(mistake: Mistake) -> str:
    record = mistake.record
    tags = [_tag(record.source), _tag("直接分派 routed" if mistake.routed else "待人工 review")]
    if mistake.wrong_department:
        given = f"{_department(mistake.chosen)} {mistake.confidence:.0%}"
        tags.append(_tag(f"应为 {_department(record.department)}，判为 {given}", wrong=True))
    if mistake.wrong_urgency:
        kind = "误报 false alarm" if mistake.urgent else "漏报 missed"
        tags.append(_tag(f"紧急{kind}，得分 {mistake.urgent_score:.2f}", wrong=True))
    if record.reasons:
        tags.append(_tag("、".join(REASON_NAMES[reason] for reason in record.reasons)))
    title = f"<h3>{escape(record.title)}</h3>" if record.title else ""
    return (
        f"<article><p>{''.join(tags)}<span class=quiet>{escape(record.id)}</span></p>"
        f"{title}<pre>{escape(record.text)}</pre></article>"
    )


def _errors(mistakes: Sequence[Mistake]) -> str:
    wrong = sum(m.wrong_department for m in mistakes)
    missed = sum(m.wrong_urgency and not m.urgent for m in mistakes)
    alarms = sum(m.wrong_urgency and m.urgent for m in mistakes)
    note = (
        f"<p>{wrong} wrong departments, {missed} urgent messages missed, {alarms} false alarms. "
        "These are citizens' words: do not pass this page on. 本节含群众来信原文，请勿外传。</p>"
    )
    return page_section("Errors 错例", note + "".join(map(_mistake, mistakes)))


def _provenance(report: Report) -> str:
    rows = [
        *(("version", name, value) for name, value in report.versions.items()),
        *(("threshold", name, f"{value:g}") for name, value in report.thresholds.items()),
        *(("setting", name, str(value)) for name, value in report.settings.items()),
        ("data", report.data, report.data_sha256[:16]),
    ]
    body = table(("", "", ""), [(kind, name, Raw(escape(value))) for kind, name, value in rows])
    return page_section("How this was made 出处", body)


def render(report: Report, mistakes: Sequence[Mistake]) -> str:
    """The whole page; `mistakes` are shown with their texts."""
    head = (
        f"<h1>Evaluation report 评测报告</h1><p class=quiet>{escape(report.created)} · "
        f"{escape(report.versions['model'])} · {escape(report.versions['rulebook'])} · "
        f"{report.messages} messages, {report.strict_messages} in the strict figures</p>"
        "<p>Strict figures leave out messages on which the annotators differ; lenient ones take "
        "either label. 严格口径不计标注有分歧的留言，宽松口径任一标注均算对。</p>"
    )
    parts = [
        head,
        *(build(report) for build in sections.ALL),
        _errors(mistakes),
        _provenance(report),
    ]
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Evaluation report 评测报告</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )
