"""Keyword rules: the rulebook format, its matcher and the default rulebook.

For commands: `check(path) -> CheckReport` runs a rulebook's own examples and looks for
conflicts; `explain(engine, title, text) -> Explanation` says which rules hit a message, which
were cancelled and why. Both return plain data.
"""

from triage.rules.check import CheckReport, Finding, check
from triage.rules.engine import DEFAULT_RULEBOOK, RuleEngine, RuleHit, RuleOutcome
from triage.rules.explain import LABEL_NAMES, REJECTION_NAMES, Explained, Explanation, explain
from triage.rules.verdict import Rejected

__all__ = [
    "DEFAULT_RULEBOOK",
    "LABEL_NAMES",
    "REJECTION_NAMES",
    "CheckReport",
    "Explained",
    "Explanation",
    "Finding",
    "Rejected",
    "RuleEngine",
    "RuleHit",
    "RuleOutcome",
    "check",
    "explain",
]
