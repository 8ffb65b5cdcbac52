"""Contests in a line: settings, prizes, participants and what they scored."""

from __future__ import annotations

from typing import Any

from introducer.domain.configuration import Brand, Member, Role
from introducer.domain.contest import WEIGHT_ONE, Contest, Division, Metric, Prize, PrizeKind
from introducer.domain.contest_prizes import Standing
from introducer.domain.contest_score import Counted
from introducer.domain.deal import PERCENT_ONE
from tests.support.builders import BRAND, at

A_BRAND = Brand(
    brand=BRAND,
    name="North",
    domain="go.example.com",
    base_currency="EUR",
    fallback_url="https://www.example.com/",
    created=at("2026-01-01"),
    time_zone="Europe/Berlin",
)


def a_contest(*prizes: Prize, pool: int = 0, **fields: Any) -> Contest:
    """November's contest by first deposits, approved, with these prizes in its one division."""
    about: dict[str, Any] = {
        "contest": "ctt_1",
        "brand": BRAND,
        "name": "November",
        "weights": ((Metric.FTD, WEIGHT_ONE),),
        "currency": "EUR",
        "time_zone": "UTC",
        "starts_at": at("2026-11-01"),
        "ends_at": at("2026-12-01"),
        "divisions": (Division(name="", pool=pool, prizes=prizes),),
        "drafted_by": "mem_anna",
        "drafted_at": at("2026-10-01"),
    }
    return Contest(**about | fields)


def fixed(first: int, amount: int, last: int = 0) -> Prize:
    return Prize(kind=PrizeKind.FIXED, first=first, last=last or first, amount=amount)


def share(first: int, percent: int, last: int = 0) -> Prize:
    """Of the pool, for each of the places."""
    return Prize(kind=PrizeKind.SHARE, first=first, last=last or first, share=percent * PERCENT_ONE // 100)


def threshold(score: int, amount: int) -> Prize:
    """From a score on, in full points."""
    return Prize(kind=PrizeKind.THRESHOLD, threshold=score * 100, amount=amount)


def gift(first: int, what: str, last: int = 0) -> Prize:
    return Prize(kind=PrizeKind.GIFT, first=first, last=last or first, gift=what)


def an_owner(partner: str, brand: str = BRAND) -> Member:
    """The login of a partner."""
    return Member(member=f"mem_{partner}", partner=partner, brand=brand, role=Role.OWNER, name=partner, language="en")


def standing(partner: str, clients: int, at_second: int = 0, **more: Any) -> Standing:
    """A participant with so many first deposits, the last one at this second."""
    counted = Counted({Metric.FTD: clients}, at_second * 1000)
    return Standing(partner=partner, counted=counted, **{"division": 0} | more)
