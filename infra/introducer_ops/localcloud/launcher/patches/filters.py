"""Event filtering of Lambda event source mappings, by AWS's rules."""

from __future__ import annotations

import json
from typing import Any


def passes(record: dict[str, Any], criteria: dict[str, Any] | None) -> bool:
    """Whether a record gets through FilterCriteria: any one pattern lets it, no pattern lets all."""
    filters = (criteria or {}).get("Filters") or []
    return not filters or any(_matches(record, json.loads(given["Pattern"])) for given in filters)


def _matches(value: Any, pattern: dict[str, Any]) -> bool:
    """Every field of the pattern holds. `exists` looks at leaves: an absent parent has absent leaves."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(_matches(value, option) for option in wanted):
                return False
            continue
        inner = value.get(name) if isinstance(value, dict) else None
        if isinstance(wanted, dict):
            if not _matches(inner, wanted):
                return False
        elif not any(_leaf(inner, rule) for rule in wanted):
            return False
    return True


def _leaf(value: Any, rule: Any) -> bool:
    # A list in the event passes when one of its elements does.
    if isinstance(value, list):
        return any(_leaf(element, rule) for element in value)
    if not isinstance(rule, dict):
        return bool(value == rule) and isinstance(value, bool) == isinstance(rule, bool)
    ((operator, operand),) = rule.items()
    if operator == "exists":
        return (value is not None and not isinstance(value, dict)) is operand
    if value is None:
        return False
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if operator == "suffix":
        return isinstance(value, str) and value.endswith(operand)
    if operator == "equals-ignore-case":
        return isinstance(value, str) and value.lower() == operand.lower()
    if operator == "anything-but":
        rules = operand if isinstance(operand, list) else [operand]
        return not any(_leaf(value, one) for one in rules)
    if operator == "numeric":
        return isinstance(value, int | float) and all(
            _compare(value, operand[i], operand[i + 1]) for i in range(0, len(operand), 2)
        )
    raise ValueError(f"unknown operator {operator!r} in a filter pattern")


def _compare(value: float, operator: str, bound: float) -> bool:
    return {
        "=": value == bound,
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[operator]
