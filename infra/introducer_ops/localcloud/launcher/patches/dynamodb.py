"""DynamoDB: a query costs what it finds, not what its partition holds; and items expire by the product's clock.

Ministack reads the condition of a query anew for each item of the partition: half a second where there are ten
thousand, for one answer of fifty. Here a condition on keys is read once. What is not of the plain form that clients
write is left to ministack.

Its reaper compares `expires_at` with the machine's time: where the clock of the local stage stands in the past, what is
to be kept for three days would be gone within a minute.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import dynamodb

from .clock import Clock

Item = Mapping[str, Mapping[str, Any]]
Holds = Callable[[Item], bool]

_CLAUSE = re.compile(
    r"(?P<name>#?\w+)\s*(?P<operator><=|>=|=|<|>)\s*(?P<value>:\w+)"
    r"|begins_with\s*\(\s*(?P<begun>#?\w+)\s*,\s*(?P<prefix>:\w+)\s*\)"
    r"|(?P<between>#?\w+)\s+BETWEEN\s+(?P<low>:\w+)\s+AND\s+(?P<high>:\w+)"
)
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


_REAPER = "dynamodb-ttl-reaper"
"""What ministack calls the thread that removes what has expired."""


class _Time:
    """The module `time`; to the reaper it tells the product's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def time(self) -> float:
        return self._clock.now() if threading.current_thread().name == _REAPER else time.time()


def apply(clock: Clock) -> None:
    dynamodb.time = _Time(clock)
    evaluate = dynamodb._evaluate_condition
    last = threading.local()

    def quickly(condition: str, item: Item, values: Any, names: Any, slot: str = "ConditionExpression") -> Any:
        if slot != "KeyConditionExpression":
            return evaluate(condition, item, values, names, slot=slot)
        # The items of one query come with one and the same mapping of values.
        if getattr(last, "values", None) is not values or last.condition != condition:
            last.values, last.condition, last.holds = values, condition, _read(condition, values, names)
        if last.holds is None:
            return evaluate(condition, item, values, names, slot=slot)
        return last.holds(item)

    dynamodb._evaluate_condition = quickly


def _read(condition: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Holds | None:
    """What a condition asks of an item; None for one that is not plain, or not about texts alone."""
    clauses = list(_CLAUSE.finditer(condition))
    rest = _CLAUSE.sub(" ", condition)
    if not clauses or re.sub(r"\bAND\b|[()\s]", "", rest):
        return None
    found = [_clause(each, values, names) for each in clauses]
    checks = [check for check in found if check is not None]
    if len(checks) < len(found):
        return None
    return lambda item: all(check(item) for check in checks)


def _clause(clause: re.Match[str], values: Mapping[str, Any], names: Mapping[str, str]) -> Holds | None:
    given = clause.groupdict()
    name = given["name"] or given["begun"] or given["between"]
    attribute = names.get(name, name)
    texts = [
        values.get(given[each], {}).get("S") for each in ("value", "prefix", "low", "high") if given[each] is not None
    ]
    if not all(isinstance(text, str) for text in texts):
        return None
    first, last = texts[0], texts[-1]
    if given["begun"]:
        return lambda item: str(item.get(attribute, {}).get("S", "")).startswith(first)
    if given["between"]:
        return lambda item: attribute in item and first <= item[attribute].get("S", "") <= last
    compare = _COMPARE[given["operator"]]
    return lambda item: attribute in item and compare(item[attribute].get("S", ""), first)
