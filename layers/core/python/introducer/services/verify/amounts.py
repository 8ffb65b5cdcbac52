"""Three numbers that must be one: what is owed for a key, what an item says was posted, and the sum of the journals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from introducer.domain.errors import IntroducerError
from introducer.domain.ledger import Key
from introducer.domain.money import decimal_string, decimals
from introducer.services.verify.report import Difference, Kind
from introducer.store import keys


@dataclass(frozen=True, slots=True)
class Says:
    """The item that says what was posted: where it stands, and of which kind a difference is that lies there."""

    where: str
    alone: Kind
    """It says another amount than what is owed."""
    with_journals: Kind
    """It agrees with the journals, and both are wrong."""


def compare(
    targets: Mapping[Key, int], stated: Mapping[Key, int] | None, journals: Mapping[Key, int], says: Says
) -> Iterator[Difference]:
    """Where target, stated amount and sum of journals are not one number, the odd one out.

    `stated` is None where there is no item to say it.
    """
    for key in sorted(targets.keys() | (stated or {}).keys() | journals.keys()):
        target, summed = targets.get(key, 0), journals.get(key, 0)
        said = target if stated is None else stated.get(key, 0)
        if said == summed != target:
            yield _difference(says.with_journals, key, target, said, says.where)
            continue
        if said != target:
            yield _difference(says.alone, key, target, said, says.where)
        if summed != target:
            yield of_journals(key, target, summed)


def of_journals(key: Key, target: int, summed: int) -> Difference:
    """The journals of a key do not add up to what is owed."""
    partition = keys.partition("journal", partner=key.partner, month=key.earn_month.replace("-", ""))
    return _difference(Kind.JOURNAL_SUM, key, target, summed, f"{keys.BOOKS} {partition}, or a later month")


def money(minor: int, currency: str) -> str:
    """An amount as it is shown; the bare number where the currency is none."""
    return f"{decimal_string(minor, currency)} {currency}" if is_currency(currency) else str(minor)


def is_currency(text: str) -> bool:
    try:
        decimals(text)
    except IntroducerError:
        return False
    return True


def _difference(kind: Kind, key: Key, expected: int, found: int, where: str) -> Difference:
    what = f"{key.partner} {key.rule} for {key.earn_month}, available {key.available_day}{_whose(key.scope)}"
    return Difference(kind, what, money(expected, key.currency), money(found, key.currency), where)


def _whose(scope: str) -> str:
    if not scope:
        return ""
    if scope.startswith("par_"):
        return f", below it {scope}"
    if scope.startswith("ctt_"):
        return f", prize {scope}"
    return f", {scope}" if scope.startswith("adj_") else f", client {scope}"
