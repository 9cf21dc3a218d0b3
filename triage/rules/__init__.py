"""Keyword rules: the rulebook format, its matcher and the default rulebook.

For commands: `check(path) -> CheckReport` runs a rulebook's own examples and looks for
conflicts; `explain(engine, title, text) -> Explanation` says which rules hit a message, which
were cancelled and why. Both return plain data.
"""

from triage.rules.engine import DEFAULT_RULEBOOK, RuleEngine, RuleHit, RuleOutcome

__all__ = ["DEFAULT_RULEBOOK", "RuleEngine", "RuleHit", "RuleOutcome"]
