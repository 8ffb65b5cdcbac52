"""Which scope an API key needs for a page: its area follows from the path, reading or writing from the method.

A row's path covers what lies below it; of several the longest counts. Looking needs `area:read`, a write `area:write`.
What stands in no row, and what stands here as `NEVER`, no key reaches: what a person signs in for.
"""

from __future__ import annotations

from typing import NamedTuple

from introducer.domain.api_key import AREAS_OF_DESK, AREAS_OF_PARTNER, READ, WRITE, ApiKey
from introducer.domain.errors import Forbidden

NEVER = ""
"""In the place of an area: for nobody but people."""


_ALONE = ("/", "/desk")
"""Everything lies below these: they stand for themselves alone, or new pages would be reached unthought of."""


class Row(NamedTuple):
    path: str
    """A word of the path, or `{}` for whatever stands there."""
    area: str
    asks: bool = False
    """Whether what is posted there is a question, which changes nothing."""
    shown: bool = False
    """Whether it is looked at alone, though other pages of its area are written."""


ROWS: tuple[Row, ...] = (
    Row("/", "overview"),
    Row("/links", "links"),
    Row("/campaigns", "links"),
    Row("/codes", "links"),
    Row("/clicks", "clients"),
    Row("/clients", "clients"),
    Row("/leads", "leads"),
    Row("/earnings", "earnings"),
    Row("/statements", "payouts"),
    Row("/payouts", "payouts"),
    Row("/deal", "deal"),
    Row("/goals", "deal"),
    Row("/reports", "reports"),
    Row("/network", "network"),
    Row("/contests", "contests"),
    Row("/messages", "messages"),
    Row("/cases", "cases"),
    Row("/postbacks", "postbacks"),
    Row("/postbacks/{}/secret", NEVER),
    Row("/postbacks/{}/rotate", NEVER),
    # Who somebody is, where they are paid, what they read, who else comes in.
    Row("/settings", NEVER),
    Row("/sign-in", NEVER),
    Row("/sign-out", NEVER),
    Row("/preferences", NEVER),
    # The day's work, and whom it is about.
    Row("/desk", "desk.work"),
    Row("/desk/tasks", "desk.work"),
    Row("/desk/partners", "desk.partners"),
    Row("/desk/partners/find", "desk.partners", asks=True),
    Row("/desk/partners/{}/adjustments", "desk.money"),
    Row("/desk/partners/{}/clicks", "desk.clients"),
    Row("/desk/partners/{}/codes", "desk.campaigns"),
    Row("/desk/partners/{}/deal", "desk.deals"),
    Row("/desk/partners/{}/goals", "desk.deals"),
    Row("/desk/partners/{}/mail", "desk.messages"),
    Row("/desk/partners/{}/messages", "desk.messages"),
    Row("/desk/partners/{}/report", "desk.reports"),
    Row("/desk/partners/{}/tasks", "desk.work"),
    # Who may earn, and for whom: a person's decision.
    Row("/desk/partners/{}/standing", NEVER),
    Row("/desk/partners/{}/parent", NEVER),
    Row("/desk/partners/bulk", NEVER),
    Row("/desk/segments", "desk.partners"),
    Row("/desk/applications", "desk.applications"),
    Row("/desk/clients", "desk.clients"),
    Row("/desk/leads", "desk.leads"),
    Row("/desk/leads/find", "desk.leads", asks=True),
    Row("/desk/leads/{}/erasure", NEVER),
    Row("/desk/deals", "desk.deals"),
    # Money, read alone.
    Row("/desk/runs", "desk.money"),
    Row("/desk/runs/{}/batches/{}/file", NEVER),
    Row("/desk/adjustments", "desk.money"),
    Row("/desk/payees", "desk.money"),
    Row("/desk/payees/{}/documents", NEVER),
    Row("/desk/invoices", "desk.money"),
    Row("/desk/months", "desk.money"),
    Row("/desk/contests", "desk.contests"),
    # What is written to people. What needs a second person's eyes is no program's.
    Row("/desk/messages", "desk.messages"),
    Row("/desk/answers", "desk.messages"),
    Row("/desk/announcements", "desk.messages"),
    Row("/desk/broadcasts", "desk.messages"),
    Row("/desk/broadcasts/policy", NEVER),
    # Whoever made a key would be the second person to what it hands in.
    Row("/desk/broadcasts/{}/submission", NEVER),
    Row("/desk/broadcasts/{}/approval", NEVER),
    Row("/desk/sequences", "desk.messages"),
    Row("/desk/mail", "desk.messages"),
    # Where traffic and facts come from.
    Row("/desk/campaigns", "desk.campaigns"),
    Row("/desk/codes", "desk.campaigns"),
    Row("/desk/events", "desk.events"),
    # A new source answers with its secret, and one that fetches elsewhere takes the platform's token there.
    Row("/desk/sources", "desk.events", shown=True),
    Row("/desk/sources/{}/pull", "desk.events"),
    Row("/desk/sources/{}/files", "desk.events"),
    Row("/desk/sources/{}/secret", NEVER),
    Row("/desk/sources/{}/token", NEVER),
    Row("/desk/webhooks", "desk.events"),
    Row("/desk/webhooks/{}/secret", NEVER),
    Row("/desk/webhooks/{}/rotate", NEVER),
    Row("/desk/cases", "desk.cases"),
    Row("/desk/audit", "desk.audit"),
    Row("/desk/reports", "desk.reports"),
    Row("/desk/settings", "desk.settings"),
    Row("/desk/settings/keys", NEVER),
    Row("/desk/settings/staff", NEVER),
)


def row_of(path: str) -> Row | None:
    """The row that covers a path."""
    parts = path.split("/")[1:]
    fitting = [row for row in ROWS if _covers(row.path, parts)]
    return max(fitting, key=lambda row: row.path.count("/"), default=None)


def needed(method: str, path: str) -> str | None:
    """The scope that a request needs; None where no key may go."""
    row = row_of(path)
    if row is None or row.area == NEVER:
        return None
    if method in ("GET", "HEAD") or row.asks:
        return f"{row.area}:{READ}"
    writes = AREAS_OF_PARTNER.get(row.area) or AREAS_OF_DESK.get(row.area)
    return f"{row.area}:{WRITE}" if writes and not row.shown else None


def check(key: ApiKey, method: str, path: str) -> None:
    """Raises `Forbidden`: `not_by_key`, or `scope_missing` with the scope that is."""
    scope = needed(method, path)
    if scope is None:
        raise Forbidden("No API key may do this: a person signs in for it.", code="not_by_key")
    if not key.may(scope):
        raise Forbidden(f"This key lacks the scope {scope}: make one that has it.", code="scope_missing", scope=scope)


def _covers(pattern: str, parts: list[str]) -> bool:
    words = pattern.split("/")[1:]
    if pattern in _ALONE:
        return parts == words
    return len(words) <= len(parts) and all(word in (part, "{}") for word, part in zip(words, parts, strict=False))
