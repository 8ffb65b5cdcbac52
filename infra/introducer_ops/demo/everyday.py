"""What people of the demo world keep for their everyday work: reports by name, where postbacks go, words to share, and
four things that wait for somebody: an adjustment, terms for several partners, a contest in draft, and a colleague's
own password. Over HTTP."""

from __future__ import annotations

import random
from datetime import timedelta

from introducer.domain.configuration import Role
from introducer_ops.demo.building import Login, World, new_password
from introducer_ops.demo.deals import terms_of
from introducer_ops.demo.desk import Desk
from introducer_ops.demo.plan import STAR
from introducer_ops.localcloud import Stack

_TRACKER = "https://postback.tracker.example/conversion?cid={click_id}&event={event}&payout={payout}"
_HOUSE = "https://events.northgate.example/partners?click={click_id}&event={event}"
_SHARE = "I trade with {brand}, in calm and in storm. Have a look: {link}"
_COLLEAGUE = "Tomas Reed"
_EVENTS = ["registration", "ftd"]
_DAYS_AHEAD, _DAYS_LONG = 14, 30
"""Until the contest in draft would begin, and how long it would last."""


def keep(stack: Stack, world: World) -> Login:
    """All of it, and who was invited and has not signed in yet. Asked for when the books are settled: nothing of it
    moves money. Raises `DeskRefused`."""
    star, address = world.partners[STAR], f"colleague@{world.plan.domain}"
    invited = Login(Role.MEMBER, address, new_password())
    with Desk(stack, world.owners[star.partner]) as owner, Desk(stack, world.login(Role.MANAGER)) as manager:
        owner.post("/reports", {"name": "Countries", "asked": "rows=country"})
        owner.post("/settings/team", {"name": _COLLEAGUE, "email": address, "role": invited.role.value})
        owner.post("/postbacks", {"name": "My tracker", "url": _TRACKER, "method": "GET", "events": _EVENTS})
        manager.post("/desk/reports", {"name": "My partners by revenue", "asked": "by=partner", "shared": True})
        words = {"kind": "share", "name": "Calm and storm", "language": "en", "text": _SHARE}
        for campaign in sorted({link.campaign for link in world.links.values()}):
            manager.post(f"/desk/campaigns/{campaign}/materials", words)
        manager.post(f"/desk/partners/{star.partner}/adjustments", _adjustment(stack, star.currency))
        manager.post("/desk/deals/joint", _joint(stack, world))
        manager.post("/desk/contests/new", _draft(stack))
    with Desk(stack, world.login(Role.ADMIN)) as admin:
        wish = {"name": "The house's own figures", "url": _HOUSE, "method": "POST_JSON", "events": _EVENTS}
        admin.post("/desk/webhooks", wish)
    # The first password, which Cognito writes to whoever is invited.
    stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=stack.outputs["UserPoolId"], Username=address, Password=invited.password, Permanent=False
    )
    return invited


def _adjustment(stack: Stack, currency: str) -> dict[str, object]:
    """Waits for finance."""
    return {
        "amount": "45.00",
        "currency": currency,
        "earn_month": f"{stack.clock.now():%Y-%m}",
        "why": "Travel to the partners' day, as promised in May",
    }


def _joint(stack: Stack, world: World) -> dict[str, object]:
    """The same terms for two who are paid in one currency; waits for an admin."""
    currency = world.partners[STAR].currency
    planned = zip(world.partners, world.plan.partners, strict=False)
    others = [made.partner for made, plan in planned if plan.currency == currency and not plan.attack]
    chance = random.Random(f"{world.plan.seed}/joint")
    return {
        "terms": terms_of("hybrid", currency, stack.clock.now().date(), chance),
        "partners": [partner for partner in others if partner != world.partners[STAR].partner][:2],
        "reason": "One set of terms for all who write reviews",
    }


def _draft(stack: Stack) -> dict[str, object]:
    """Waits for finance, who would approve it."""
    first = stack.clock.now().date() + timedelta(days=_DAYS_AHEAD)
    prizes = [{"kind": "fixed", "first": 1, "amount": "300.00"}, {"kind": "fixed", "first": 2, "amount": "150.00"}]
    return {
        "name": f"{first:%B} race",
        "description": "A month of first deposits.",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "first_day": first.isoformat(),
        "last_day": (first + timedelta(days=_DAYS_LONG - 1)).isoformat(),
        "grace_hours": 24,
        "objection_hours": 24,
        "minimum": "1",
        "weights": {"ftd": "1"},
        "divisions": [{"prizes": prizes}],
    }
