"""A partner, or the brand's staff, says where what happens is told: targets are added, changed, paused, resumed, given
another secret and deleted. Each is on record in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden, Invalid, TooMany
from introducer.domain.postback_out import MOST_TARGETS, Gate, Method, Standing, Target, Told, check_url, secret_of
from introducer.services.creation import Clock, Randomness, create_once, make_id, now
from introducer.store.configuration import Configuration
from introducer.store.targets import Targets

MOST_CAMPAIGNS = 50
LONGEST_NAME = 60
DAY, MOST_ADDED = timedelta(days=1), 30
"""How many targets are added within a day, with those that are deleted since: each has tests of its own, and leaves an
item behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a target is to be."""

    name: str
    url: str
    method: Method
    events: frozenset[Told]
    campaigns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetBooks:
    """What targets are kept in. `loopback` is the local stage's exemption (`gateways.outside_http`)."""

    configuration: Configuration
    targets: Targets
    clock: Clock
    random: Randomness
    loopback: bool = False


def may_edit(member: Member) -> bool:
    """Whether this member may change targets: an owner those of its partner, an admin those of the brand."""
    return member.role in (Role.OWNER, Role.ADMIN)


def add_target(books: TargetBooks, member: Member, wish: Wish, *, request: str | None = None) -> Target:
    """A new target of the member's partner, or of the brand. Asked for again by the same request it is the same.

    Raises `Forbidden`, `Invalid` (its code says of which field), `NotFound` for a campaign, and `Conflict`
    (`too_many_targets`), and `TooMany` (`too_many_new_targets`).
    """
    _check_may(member)
    checked = _checked(books, member.brand, wish)
    of = member.partner or member.brand
    at = now(books.clock)
    new = Target(
        target=make_id("tgt", request, at, books.random, of),
        brand=member.brand,
        partner=member.partner or "",
        name=checked.name,
        url=checked.url,
        method=checked.method,
        events=checked.events,
        campaigns=checked.campaigns,
        standing=Standing.ACTIVE,
        generation=1,
        rotated_at=None,
        shown=0,
        created=at,
        created_by=member.member,
        version=1,
    )
    ever = books.targets.ever_of(of)
    if new.target not in {each.target for each in ever}:
        if sum(each.standing is not Standing.DELETED for each in ever) >= MOST_TARGETS:
            raise Conflict(f"There are {MOST_TARGETS} targets: delete one first.", code="too_many_targets")
        recent = [each.created for each in ever if each.created > at - DAY]
        if len(recent) >= MOST_ADDED:
            raise TooMany(
                f"{MOST_ADDED} targets are added within a day: change one that is there, or wait.",
                code="too_many_new_targets",
                retry_after=int((recent[-MOST_ADDED] + DAY - at).total_seconds()) + 1,
            )
    return create_once(
        lambda: books.targets.put("add_target", None, new, _change(books, member, "Added")),
        lambda: books.targets.target(of, new.target),
        lambda existing: replace(existing, created=at) == new,
        new,
    )


def change_target(books: TargetBooks, member: Member, target: str, wish: Wish) -> Target:
    """The target as it is now. The same again changes nothing. Raises as `add_target` does, and `NotFound`."""
    _check_may(member)
    checked = _checked(books, member.brand, wish)

    def changed(before: Target) -> Target:
        return replace(
            before,
            name=checked.name,
            url=checked.url,
            method=checked.method,
            events=checked.events,
            campaigns=checked.campaigns,
        )

    return _step(books, member, target, "change_target", "Changed", changed, opens=True)


def pause_target(books: TargetBooks, member: Member, target: str) -> Target:
    """Nothing more is sent; what happens meanwhile is held. Raises `NotFound`, `Forbidden`, `Conflict`."""
    return _step(
        books, member, target, "pause_target", "Paused", lambda before: replace(before, standing=Standing.PAUSED)
    )


def resume_target(books: TargetBooks, member: Member, target: str) -> Target:
    """It is sent to again, and failures are counted anew. Raises `NotFound`, `Forbidden`, `Conflict`."""
    return _step(
        books, member, target, "resume_target", "Resumed", lambda before: replace(before, standing=Standing.ACTIVE),
        opens=True,
    )  # fmt: skip


def rotate_secret(books: TargetBooks, member: Member, target: str, *, generation: int) -> Target:
    """The target with its next secret; `generation` is the one that is replaced, so that a repeat replaces nothing
    more. Both are good for two days. Raises `NotFound`, `Forbidden`, `Conflict` (`secret_not_shown`: another one would
    take the place of the one that receivers have)."""

    def rotated(before: Target) -> Target:
        if before.generation != generation:
            return before
        if before.shown < before.generation:
            raise Conflict("Nobody has seen this secret yet: show it, before it is replaced.", code="secret_not_shown")
        return replace(before, generation=generation + 1, rotated_at=now(books.clock))

    return _step(books, member, target, "rotate_target_secret", "Secret made anew", rotated)


def show_secret(books: TargetBooks, member: Member, target: str, key: bytes) -> tuple[Target, str]:
    """The target and its secret, which is shown this once. `key` is the brand's.

    Raises `NotFound`, `Forbidden`, `Conflict` (`secret_shown`: make another).
    """
    _check_may(member)
    before = books.targets.target(member.partner or member.brand, target)
    if before.shown >= before.generation:
        raise Conflict("This secret was shown before: make another one.", code="secret_shown")
    after = replace(before, shown=before.generation, version=before.version + 1)
    books.targets.put("show_target_secret", before, after, _change(books, member, "Secret shown"))
    return after, secret_of(key, after.target, after.generation)


def delete_target(books: TargetBooks, member: Member, target: str) -> Target:
    """The target that is no more. What waits for it is given up. Raises `NotFound`, `Forbidden`, `Conflict`."""
    _check_may(member)
    before = books.targets.target(member.partner or member.brand, target)
    after = replace(before, url="", standing=Standing.DELETED, version=before.version + 1)
    books.targets.put("delete_target", before, after, _change(books, member, "Deleted"))
    return after


def _step(
    books: TargetBooks,
    member: Member,
    target: str,
    action: str,
    why: str,
    step: Callable[[Target], Target],
    *,
    opens: bool = False,
) -> Target:
    _check_may(member)
    of = member.partner or member.brand
    before = books.targets.target(of, target)
    after = step(before)
    if after == before:
        return before
    if opens and (after.standing is not before.standing or after.url != before.url):
        # First: whoever sends must not find it active and count on from the failures before. If the change is then
        # refused, the gate closes again by the next failure.
        gate = books.targets.gate(of, target)
        if gate.by_turns:
            books.targets.move_gate(of, target, gate, Gate(version=gate.version + 1))
    after = replace(after, version=before.version + 1)
    books.targets.put(action, before, after, _change(books, member, why))
    return after


def _check_may(member: Member) -> None:
    if not may_edit(member):
        raise Forbidden("Postbacks are the owner's, and an admin's, to change.", code="owner_only_targets")


def _checked(books: TargetBooks, brand: str, wish: Wish) -> Wish:
    name = " ".join(wish.name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"Give it a name of 1 to {LONGEST_NAME} characters.", code="target_name")
    if not wish.events:
        raise Invalid("Choose at least one event.", code="target_events")
    if len(wish.campaigns) > MOST_CAMPAIGNS:
        raise Invalid(f"Choose at most {MOST_CAMPAIGNS} campaigns, or none for all.", code="target_campaigns")
    for campaign in sorted(wish.campaigns):
        books.configuration.campaign(brand, campaign)
    return replace(wish, name=name, url=check_url(wish.url, loopback=books.loopback))


def _change(books: TargetBooks, member: Member, why: str) -> Change:
    return Change(by=member.member, at=now(books.clock), why=why, origin="portal")
