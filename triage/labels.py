"""Label orders and their Chinese names. Orders are part of every bundle: never reorder them.

Source of every label: the annotation guideline, `docs/guideline.zh-CN.md`.
"""

from __future__ import annotations

from typing import Final

from triage.types import Department, Reason, ReviewReason

DEPARTMENTS: Final = tuple(Department)
REASONS: Final = tuple(Reason)

# The model and the rules know a fifth class, "no matter to handle"; a decision reports it
# as a review reason, because no department may be left without the message.
NONE: Final = "none"
CLASSES: Final[tuple[str, ...]] = (*(d.value for d in DEPARTMENTS), NONE)

DEPARTMENT_NAMES: Final[dict[Department, str]] = {
    Department.CIVIL: "民事检察",
    Department.ADMINISTRATIVE: "行政检察",
    Department.PUBLIC_INTEREST: "公益诉讼检察",
    Department.COMPLAINTS: "控告申诉检察",
}

CLASS_NAMES: Final[dict[str, str]] = {
    **{department.value: name for department, name in DEPARTMENT_NAMES.items()},
    NONE: "无可办理事项",
}

REASON_NAMES: Final[dict[Reason, str]] = {
    Reason.LIFE_SAFETY: "危及生命安全",
    Reason.MINOR_HARM: "未成年人正受侵害",
    Reason.MASS_INCIDENT: "群体性事件",
    Reason.DEADLINE: "期限将至",
    Reason.LIVELIHOOD: "生计无着",
    Reason.ONGOING_HARM: "公共健康正受损害",
    Reason.EVIDENCE_LOSS: "证据或财产将灭失",
}

REVIEW_REASON_NAMES: Final[dict[ReviewReason, str]] = {
    ReviewReason.LOW_CONFIDENCE: "把握不足",
    ReviewReason.RULES_DISAGREE: "规则与模型不一致",
    ReviewReason.DAMAGED_TEXT: "文字损坏",
    ReviewReason.NOTHING_TO_HANDLE: CLASS_NAMES[NONE],
}
