"""Which promo codes does a partner have, and what did each bring this month?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from introducer.domain.client import by_code
from introducer.domain.events import month_of
from introducer.domain.promo_code import CodeStatus, PromoCode
from introducer.store.configuration import Configuration
from introducer.store.event_counts import EventCounts
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOfPartner:
    """A code with its month."""

    code: str
    number: int
    campaign: str | None
    campaign_name: str | None
    status: CodeStatus
    starts_at: datetime
    ends_at: datetime | None
    given_at: datetime
    registrations: int
    ftd: int
    """First deposits of the month by whoever came with this code."""


def read_codes_of_partner(
    configuration: Configuration,
    counts: EventCounts,
    *,
    brand: str,
    partner: str,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Page[CodeOfPartner]:
    """A page of the codes that a partner has, had or is to have, those given last first, with this month's figures. A
    code that was the partner's twice has them twice: they are counted by the code."""
    page = configuration.promo_codes_of_partner(partner, cursor, limit)
    names = {each.campaign: each.name for each in configuration.campaigns(brand)} if page.items else {}
    brought: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for count in counts.month(partner, month_of(now)) if page.items else ():
        for metric in ("registrations", "ftd"):
            brought[count.link][metric] += count.counts.get(metric, 0)
    return Page(tuple(_row(each, names, brought[by_code(each.code)], now) for each in page.items), page.cursor)


def _row(code: PromoCode, names: dict[str, str], brought: dict[str, int], now: datetime) -> CodeOfPartner:
    return CodeOfPartner(
        code=code.code,
        number=code.number,
        campaign=code.campaign,
        campaign_name=None if code.campaign is None else names.get(code.campaign, code.campaign),
        status=code.status_at(now),
        starts_at=code.starts_at,
        ends_at=code.ends_at,
        given_at=code.given_at,
        registrations=brought["registrations"],
        ftd=brought["ftd"],
    )
