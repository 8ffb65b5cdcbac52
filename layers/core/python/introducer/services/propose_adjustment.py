"""Staff proposes to adjust a partner's money by hand. It moves nothing until a second person approves it."""

from __future__ import annotations

from introducer.domain.adjustment import Act, Adjustment, check_proposer, proposed, reason
from introducer.domain.configuration import Change, Member
from introducer.domain.errors import Invalid
from introducer.domain.events import day_of, milliseconds, month_of
from introducer.domain.ids import derived_id, new_id
from introducer.services.creation import Clock, Randomness, create_once, now
from introducer.services.partner_of_brand import partner_of_brand
from introducer.store.adjustments import Adjustments
from introducer.store.configuration import Configuration


def propose_adjustment(
    configuration: Configuration,
    adjustments: Adjustments,
    *,
    member: Member,
    partner: str,
    amount: str,
    currency: str,
    earn_month: str,
    why: str,
    available_day: str | None = None,
    clock: Clock,
    random: Randomness,
    request: str | None = None,
) -> Adjustment:
    """The proposal, which waits for another person of finance or an admin. `amount` is a signed decimal string.

    A repeated `request` of the same member meets the first one's proposal. Raises `Forbidden` for a role that proposes
    nothing, `NotFound` for a partner of another brand, `Invalid` for what cannot be, and `Conflict` when the request
    proposed something else before.
    """
    check_proposer(member.role)
    owner = partner_of_brand(configuration, member, partner)
    at = now(clock)
    new = proposed(
        # Sorts by time; what makes a repeated request meet the first one is the request's own item.
        adjustment=new_id("adj", milliseconds(at), random(10)),
        brand=owner.brand,
        partner=owner.partner,
        amount=amount,
        currency=currency,
        earn_month=earn_month,
        available_day=available_day,
        today=day_of(at),
        act=Act(member.member, at, reason(why)),
    )
    if new.earn_month < month_of(owner.created):
        raise Invalid(
            f"The partner was registered in {month_of(owner.created)}: an adjustment is for that month or a later one.",
            code="invalid_month",
        )
    change = Change(by=member.member, at=at, why=new.proposed.why)
    if request is None:
        adjustments.propose(new, change)
        return new
    name = derived_id("req", member.member, request)

    def same(existing: Adjustment) -> bool:
        # A day that was not asked for is the day of the first try.
        asked = available_day in (None, existing.available_day)
        return asked and _wish(existing) == _wish(new)

    return create_once(
        lambda: adjustments.propose(new, change, name),
        lambda: adjustments.of_request(new.partner, name),
        same,
        new,
    )


def _wish(adjustment: Adjustment) -> tuple[object, ...]:
    return (adjustment.amount, adjustment.currency, adjustment.earn_month, adjustment.proposed.why)
