"""A partner is erased: its name, its people, its accounts, documents and tax details. What it earned and was paid stays
to the last unit, and so do invoices and the files that banks were handed, for as long as the law wants them.

It is refused while anything is still to happen with it: while it may earn, while money is owed, while a payout or a
case is open. First the profile is marked, on record in the same transaction; the name goes last. All of it may be
repeated, and is when it was cut off: the same command goes on where it stopped.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from introducer.domain.calendar import plus_months
from introducer.domain.configuration import Availability, Change, Partner, Status, status_at
from introducer.domain.contest_rules import default_name
from introducer.domain.erasing import Erasure, Stays
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.events import month_of
from introducer.domain.ledger import PAID
from introducer.domain.money import decimal_string
from introducer.domain.payout import RESERVED_IN
from introducer.gateways.user_pool import Login
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.erasing import Erasing
from introducer.store.holdings import Holdings
from introducer.store.ledger import Ledger
from introducer.store.person_index import PersonIndex, known_from_item
from introducer.store.scans import Stored

KEPT_YEARS = 10
"""How long invoices and what goes with them are kept after the year of issue, where the broker's law says nothing
shorter: the longest time that a member state of the EU asks for."""

_EMPTIED: Mapping[str, Mapping[str, Any]] = {
    # Without its data key a version cannot be opened by anybody: the key is sealed for this partner, and kept nowhere
    # else.
    "payment_profile": {"sealed": "", "data_key": "", "masked": "", "fingerprint": "", "content": ""},
    "payment_profile_version": {"sealed": "", "data_key": "", "masked": "", "fingerprint": "", "content": ""},
    "verification": {"documents": "[]", "reason": "", "expires_on": ""},
    "payout": {"name": "", "masked": "", "note": ""},
    "left_out": {"name": ""},
    "objection": {"text": ""},
    "goal": {"note": "", "answered_why": ""},
    "link": {"name": "", "note": ""},
    "thread": {"subject": ""},
    "application": {"sealed": "", "data_key": "", "email_hash": "", "reason": ""},
    # To whom a gift was sent, and who took it.
    "award": {"note": ""},
}
_REMOVED: Mapping[str, tuple[str, ...]] = {
    # Nobody is asked to look at documents that are gone.
    "verification": (keys.OWNER_PK, keys.OWNER_SK),
}
_DELETED = {
    "account_holder": "account holders",
    "tax_profile": "tax details",
    "idempotency": "remembered answers",
    # Before the keys by which they are found.
    "api_key_use": "API keys",
    "api_key": "API keys",
    "mail": "mails",
    "mail_preferences": "wishes about mail",
    "suppressed": "addresses that get no mail",
    "message": "messages",
    "announcement_read": "reads of announcements",
    "task": "tasks",
    "partner_note": "notes about it",
    "saved_report": "saved reports",
    # Before the application by which it is found.
    "application_known": "applications",
    # Before the targets by which they are found.
    "delivery": "postbacks",
    "target_gate": "targets of postbacks",
    "target": "targets of postbacks",
}
WRITTEN = "said"
"""The value of a mail to staff that the partner wrote: why it appeals."""
_WORDS = {
    "payment_profile": "payment profiles",
    "payment_profile_version": "payment profiles",
    "verification": "verifications",
    "payout": "payouts",
    "left_out": "reasons of runs",
    "objection": "objections",
    "link": "names of links",
    "goal": "words about goals",
    "thread": "subjects of conversations",
    "award": "notes on gifts",
    "application": "applications",
}


class Logins(Protocol):
    """What `gateways.user_pool.UserPool` does."""

    def login(self, sub: str) -> Login: ...
    def delete(self, sub: str) -> bool: ...


class Documents(Protocol):
    """What `gateways.documents.Documents` does."""

    def versions(self, partner: str) -> list[tuple[str, str]]: ...
    def destroy(self, partner: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What erasing a partner reads and writes."""

    configuration: Configuration
    ledger: Ledger
    holdings: Holdings
    persons: PersonIndex
    erasing: Erasing
    logins: Logins
    documents: Documents


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing to do."""

    what: str
    do: Callable[[], object]


def erase_partner(books: Books, *, partner: str, change: Change, now: datetime, dry_run: bool = False) -> Erasure:
    """What was erased, or would be, and what stays.

    Raises `NotFound`; `Conflict` with what to do first: code `partner_not_blocked`, `money_owed`, `payout_open` or
    `case_open`; and `Unavailable`: then try again, it goes on where it stopped.
    """
    found = books.configuration.partner(partner)
    before = books.erasing.partner_erased_at(partner)
    held = books.holdings.of_partner(found.brand, partner, months_of(found, now))
    _check_over(books, found, held, now)
    deeds = list(_deeds(books, found, held, change))
    done = Counter(deed.what for deed in deeds)
    if not dry_run and deeds:
        books.erasing.begin_partner(found.brand, partner, change, done)
        for deed in deeds:
            deed.do()
    stays = tuple(_stays(books, found, held))
    return Erasure(subject=partner, brand=found.brand, done=dict(done), stays=stays, before=before, dry=dry_run)


def months_of(partner: Partner, now: datetime) -> list[str]:
    """The months in which something can have been posted for a partner, as keys have them (`202603`)."""
    month, last, found = month_of(partner.created), month_of(now), []
    while month <= last:
        found.append(month.replace("-", ""))
        month = plus_months(month, 1)
    return found


# ------------------------------------------------------------------------------------------------------------ refusing


def _check_over(books: Books, partner: Partner, held: list[Stored], now: datetime) -> None:
    name = partner.partner
    if status_at(now, books.configuration.standings(name)) is not Status.BLOCKED:
        raise Conflict(
            f"{name} may still earn: block it first, at /desk/partners/{name}/standing, and wait until it is blocked.",
            code="partner_not_blocked",
        )
    for stored in held:
        item = stored.item
        if stored.kind == "payout" and item["status"] in {status.value for status in RESERVED_IN}:
            raise Conflict(
                f"The payout {item['payout']} of {name} is {item['status']}: finish the run {item['run']} first.",
                code="payout_open",
            )
        if stored.kind == "case" and "closed_at" not in item:
            case = keys.unescape(item[keys.SK])
            raise Conflict(f"The case {case} of {name} is open: close it first, at /desk/cases.", code="case_open")
    sums: Counter[str] = Counter()
    for (currency, bucket, _), minor in books.ledger.balance(name).amounts.items():
        if bucket != PAID:
            sums[currency] += minor
    for currency, minor in sorted(sums.items()):
        if minor:
            owed, whom = decimal_string(abs(minor), currency), "is owed" if minor > 0 else "owes"
            raise Conflict(
                f"{name} {whom} {owed} {currency}: pay it out, or settle it by an adjustment, until nothing is left.",
                code="money_owed",
            )


# -------------------------------------------------------------------------------------------------------------- erasing


def _deeds(books: Books, partner: Partner, held: list[Stored], change: Change) -> Iterator[_Deed]:
    """In this order: what others are found by goes after them, and the name last."""
    of_kind: dict[str, list[Stored]] = defaultdict(list)
    for stored in held:
        of_kind[stored.kind].append(stored)
    erasing, name = books.erasing, partner.partner
    for stored in of_kind["link"]:
        if stored.item["status"] == Availability.ACTIVE.value:
            pause = partial(books.configuration.set_link_status, stored.item["code"], Availability.PAUSED, change)
            yield _Deed("links paused", pause)
    for kind, what in _DELETED.items():
        yield from (_Deed(what, partial(erasing.delete, stored)) for stored in of_kind[kind])
    for kind in _EMPTIED:
        yield from _emptied(erasing, of_kind[kind])
    for stored in of_kind["case"]:
        if said := _case(stored.item, name):
            yield _Deed("cases", partial(erasing.empty, stored, said))
    for stored in of_kind["entry"]:
        yield from _shown(books, stored, name)
    for stored in _naming(books.holdings.mails_of_staff(partner.brand), partner):
        yield _Deed("mails to staff", partial(erasing.empty, stored, {"values": _unnamed(stored, partner)}))
    yield from _papers(books.documents, name)
    for stored in of_kind["person"]:
        yield _Deed("e-mails and addresses", partial(books.persons.forget_member, known_from_item(stored.item)))
    yield from (_Deed("logins", partial(_login_ends, books, stored)) for stored in of_kind["member"])
    for stored in (*of_kind["card"], *of_kind["partner"]):
        if stored.item["name"] != name or "email_hash" in stored.item:
            yield _Deed("names", partial(erasing.empty, stored, {"name": name}, ("email_hash",)))


def _emptied(erasing: Erasing, found: list[Stored]) -> Iterator[_Deed]:
    for stored in found:
        values, remove = _EMPTIED[stored.kind], _REMOVED.get(stored.kind, ())
        if any(stored.item.get(each, value) != value for each, value in values.items()):
            yield _Deed(_WORDS[stored.kind], partial(erasing.empty, stored, values, remove))


def _shown(books: Books, entry: Stored, partner: str) -> Iterator[_Deed]:
    """In a contest the partner has its neutral name; a snapshot of its board with another goes, and whoever looks makes
    the next one."""
    contest = keys.parts(entry.item[keys.PK])[1]
    neutral = default_name(contest, partner)
    if entry.item.get("shown_as", neutral) != neutral:
        yield _Deed("names in contests", partial(books.erasing.empty, entry, {"shown_as": neutral}))
    for stored in books.holdings.boards(contest):
        rows = json.loads(stored.item.get("rows", '{"partners": [], "names": []}'))
        names = dict(zip(rows["partners"], rows["names"], strict=True))
        if names.get(partner, neutral) != neutral:
            yield _Deed("snapshots of boards", partial(books.erasing.delete, stored))


def _papers(documents: Documents, partner: str) -> Iterator[_Deed]:
    versions = documents.versions(partner)
    yield from (_Deed("documents", _nothing) for _ in versions[1:])
    if versions:
        yield _Deed("documents", partial(documents.destroy, partner))


def _login_ends(books: Books, stored: Stored) -> None:
    """Nobody signs in any more: first the login itself, then who it was."""
    books.logins.delete(str(stored.item["member"]))
    books.erasing.delete(stored)


def _nothing() -> None:
    """Done with another deed."""


def _case(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a case says without names and without what was written about it."""
    answers = json.loads(item.get("answers", "[]"))
    unsaid = [[at, by, side, ""] for at, by, side, _ in answers]
    said: dict[str, Any] = {}
    if item.get("name", name) != name:
        said["name"] = name
    if answers != unsaid:
        said["answers"] = json.dumps(unsaid, separators=(",", ":"))
    return said


def _naming(mails: list[Stored], partner: Partner) -> Iterator[Stored]:
    for stored in mails:
        if _unnamed(stored, partner) != stored.item["values"]:
            yield stored


def _unnamed(stored: Stored, partner: Partner) -> str:
    """The values of a mail with the partner's id in the place of its name, as a whole word, and without what the
    partner wrote: its answers go out of the case as well."""
    text = str(stored.item["values"])
    values = json.loads(text)
    if values.get("of") == partner.partner and values.get(WRITTEN):
        text = json.dumps(values | {WRITTEN: ""}, sort_keys=True, ensure_ascii=False)
    if partner.name == partner.partner:
        return text
    written = json.dumps(partner.name, ensure_ascii=False)[1:-1]
    return re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", lambda _: partner.partner, text)


# --------------------------------------------------------------------------------------------------------- what stays


def _stays(books: Books, partner: Partner, held: list[Stored]) -> Iterator[Stays]:
    invoices = sorted(stored.item["number"] for stored in held if stored.kind == "invoice")
    if invoices:
        last = int(invoices[-1][:4]) + KEPT_YEARS
        yield Stays(
            what=f"{len(invoices)} invoices and credit notes ({', '.join(invoices[:5])}{' …' if invoices[5:] else ''})",
            why="tax law: who was paid, and the tax on it",
            until=f"the end of {last}, where the broker's law asks for no other time; then delete them",
        )
    places = {
        keys.key("batch", brand=stored.item["brand"], run=stored.item["run"], batch=stored.item["batch"])
        for stored in held
        if stored.kind == "payout" and stored.item.get("batch")
    }
    batches = books.holdings.items(keys.BOOKS, sorted(places))
    if files := sorted(each.item["file"] for each in batches if each.item.get("file")):
        yield Stays(
            what=f"{len(files)} files that banks were handed ({', '.join(files[:5])}{' …' if files[5:] else ''})",
            why="evidence of what was paid where; in a bucket of their own, under a key of their own",
            until=f"{KEPT_YEARS} years after the payment, where the broker's law asks for no other time",
        )
    yield Stays(
        what="earnings, adjustments, payouts, statements, deals and cases, under the partner's id",
        why="they are the books: verify recomputes them. Reasons that staff wrote stand there as they were written",
        until="as long as the books are kept",
    )
    yield Stays(
        what="the audit trail, this erasure among it",
        why="it is never edited; it names people by their ids alone, and ids lead to no name any more",
        until="as long as the books are kept",
    )
    yield Stays(
        what="mails in the inboxes of those who got them, and the log of the mail service",
        why="they are not ours to reach",
        until="as long as those keep them",
    )
    yield Stays(
        what="backups of both tables, with what was erased",
        why="a point in time can only be restored whole: erase again after restoring",
        until="35 days",
    )


def names_of(books: Books, partner: str, now: datetime) -> list[str]:
    """By what the partner and its people are known, to look for it afterwards: names, e-mails, masked accounts, keyed
    hashes. Raises `NotFound`."""
    found = books.configuration.partner(partner)
    names = {found.name, found.email_hash or ""} - {partner}
    for stored in books.holdings.of_partner(found.brand, partner, months_of(found, now)):
        item = stored.item
        if stored.kind == "member":
            names.add(item["name"])
            try:
                names.add(books.logins.login(item["member"]).email)
            except NotFound:
                continue
        elif stored.kind == "person":
            names.add(known_from_item(item).person.hash)
        elif stored.kind == "tax_profile":
            said = json.loads(item["profile"])
            names |= {said["legal_name"], said["tax_id"], *said["address"]}
        elif stored.kind.startswith("payment_profile"):
            names |= {item["masked"], item["fingerprint"], item["data_key"]}
        elif stored.kind == "application":
            names |= {item.get("email_hash", ""), item.get("data_key", "")}
    return sorted(names - {""})
