"""Mails in BOOKS: put in the transaction of what they tell of, and marked as they go.

A mail stands among those of its partner, or of the brand for its staff. While nobody was told it is listed under the
brand as well, so that what was not sent is seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Member, Partner
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.mail import KEPT, NEXT, PREFIX, UNSENT, Audience, Mail, MailStatus, MailTemplate, Seen
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.suppressing import Suppressed
from introducer.store import keys
from introducer.store.mail_figures import shard_of
from introducer.store.mail_preferences import preferences_from_item
from introducer.store.members import member_from_wire
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one, whole
from introducer.store.partners import partner_from_wire
from introducer.store.reservations import write_all
from introducer.store.suppressions import suppressed_from_item
from introducer.store.wire import (
    BATCH,
    Refused,
    Wire,
    batch_get,
    batch_get_wire,
    connect,
    from_wire,
    put_operation,
    to_wire,
    writing,
)

PLACE_KEPT = timedelta(days=90)
"""How long a mail is found by the mail service's id of it."""
TRIES = 5
"""How often a mail that is counted meets others before it has to come again."""
LATE, DUE = "late", "due"
"""The two lists of a brand's mails: what nobody was told, and what waits for a moment."""


class Named(NamedTuple):
    """A mail as whoever hands it on names it: none of this ever changes."""

    of: str
    """Among whose mails it stands: a partner's, or a brand's for its staff."""
    mail: str
    partner: str
    """Empty for a brand's staff."""
    member: str
    """Empty while it is for several."""


class Addressed(NamedTuple):
    """A mail and whom it is for, as they stand now; None where there is no such member, or partner."""

    mail: Mail
    member: Member | None
    partner: Partner | None


def mail_to_item(mail: Mail) -> dict[str, Any]:
    """The item of a mail; listed under its brand while nobody was told."""
    item: dict[str, Any] = {
        **keys.key("mail", of=mail.of, mail=mail.mail).item(),
        "mail": mail.mail,
        "brand": mail.brand,
        "partner": mail.partner,
        "audience": mail.audience.value,
        "member": mail.member,
        "template": mail.template.value,
        "values": json.dumps(mail.values, sort_keys=True, ensure_ascii=False),
        "what": mail.what,
        "at": milliseconds(mail.at),
        "status": mail.status.value,
        "status_since": milliseconds(mail.status_since),
        "reason": mail.reason,
        "message": mail.message,
        "people": mail.people,
        "series": mail.series,
        keys.TTL: milliseconds(mail.at + KEPT) // 1000,
    }
    if mail.not_before is not None:
        item["not_before"] = milliseconds(mail.not_before)
    if mail.permitted:
        item["permitted"] = 1
    if mail.seen:
        item |= {f"seen_{each.value}": 1 for each in mail.seen}
    return item | _listed(mail)


def _listed(mail: Mail) -> dict[str, str]:
    """Where a mail is listed under its brand: by when it is due, or, while nobody was told, by when it happened."""
    if mail.status not in UNSENT:
        return {}
    waits = mail.status is MailStatus.WAITING and mail.not_before is not None
    at = mail.not_before if waits and mail.not_before else mail.at
    return keys.owner_key("mail", brand=mail.brand, list=DUE if waits else LATE, at=milliseconds(at), mail=mail.mail)


def mail_from_item(item: Mapping[str, Any]) -> Mail:
    """The mail of an item."""
    return Mail(
        mail=item["mail"],
        brand=item["brand"],
        partner=item["partner"],
        audience=Audience(item["audience"]),
        member=item["member"],
        template=MailTemplate(item["template"]),
        values=json.loads(item["values"]),
        what=item["what"],
        at=from_milliseconds(item["at"]),
        status=MailStatus(item["status"]),
        status_since=from_milliseconds(item["status_since"]),
        reason=item["reason"],
        message=item["message"],
        people=item["people"],
        series=item.get("series", ""),
        not_before=from_milliseconds(item["not_before"]) if "not_before" in item else None,
        permitted=bool(item.get("permitted")),
        seen=frozenset(each for each in Seen if f"seen_{each.value}" in item),
    )


def mail_of_image(image: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """Among whose mails an item of the stream stands, and its id; None when it is no mail."""
    return _place_of(from_wire(image))


def _place_of(item: Mapping[str, Any]) -> tuple[str, str] | None:
    mail = str(item.get("mail", ""))
    if not mail.startswith(PREFIX) or not {"partner", "brand"} <= item.keys():
        return None
    of = str(item["partner"] or item["brand"])
    # A key alone says what an item is: another one may have attributes of these names.
    return (of, mail) if keys.key("mail", of=of, mail=mail) == (item[keys.PK], item[keys.SK]) else None


def named_of_image(image: Mapping[str, Mapping[str, Any]]) -> Named | None:
    """The mail of an item of the stream; None when it is no mail."""
    item = from_wire(image)
    found = _place_of(item)
    return Named(*found, str(item["partner"]), str(item.get("member", ""))) if found else None


def mail_put(connection: Connection, table: str, mail: Mail) -> dict[str, Any]:
    """The part of a transaction that puts a mail, once: it is refused when this step was told to these people before.
    Goes among the puts of `transact_write_items`."""
    return put_operation(connection, table, mail_to_item(mail), Path(keys.PK).does_not_exist())


def _listing(mail: Mail) -> list[Any]:
    """The parts of an update that list a mail where it belongs, or nowhere."""
    listed = _listed(mail)
    names = (keys.OWNER_PK, keys.OWNER_SK)
    return [Path(name).set(listed[name]) if listed else Path(name).remove() for name in names]


class Mails:
    """Reads of mails, and their way from waiting to sent."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def mail(self, of: str, mail: str) -> Mail:
        """A mail of a partner, or of a brand for its staff, as it stands now. Raises `NotFound`."""
        item = one(self._connection, self._table, keys.key("mail", of=of, mail=mail))
        if item is None:
            raise NotFound("There is no such mail.")
        return mail_from_item(item)

    def addressed(self, named: Named) -> Addressed:
        """A mail with the member and the partner it is for, read at once and consistently. Raises `NotFound` where
        there is no such mail."""
        wanted = {"mail": keys.key("mail", of=named.of, mail=named.mail)}
        if named.member:
            wanted["member"] = keys.key("member", member=named.member)
            if named.partner:
                wanted["partner"] = keys.key("partner", partner=named.partner)
        found = self._at_once(wanted)
        if "mail" not in found:
            raise NotFound("There is no such mail.")
        return Addressed(
            mail_from_item(from_wire(found["mail"])),
            member_from_wire(found["member"]) if "member" in found else None,
            partner_from_wire(found["partner"]) if "partner" in found else None,
        )

    def wishes(self, brand: str, member: str, hashed: str) -> tuple[MailPreferences, Suppressed | None]:
        """What a member wants by mail, and whether and why their address (by its hash) gets none, read at once and
        consistently: as `MemberMails.preferences` and `Suppressions.address` say it."""
        found = self._at_once(
            {
                "preferences": keys.key("mail_preferences", member=member),
                "suppressed": keys.key("suppressed", brand=brand, hash=hashed),
            }
        )
        plain = {name: from_wire(item) for name, item in found.items()}
        return (
            preferences_from_item(plain["preferences"]) if "preferences" in plain else MailPreferences(member=member),
            suppressed_from_item(plain["suppressed"]) if "suppressed" in plain else None,
        )

    def _at_once(self, wanted: Mapping[str, keys.Key]) -> dict[str, Wire]:
        """Of some items, by names of the asker's, those that are there: with one request."""
        names = {(key.pk, key.sk): name for name, key in wanted.items()}
        found = batch_get_wire(self._connection, self._table, list(wanted.values()))
        return {names[item[keys.PK]["S"], item[keys.SK]["S"]]: item for item in found}

    def mails(self, of: str) -> tuple[Mail, ...]:
        """All that was written to a partner, or to a brand's staff, newest first."""
        found = map(mail_from_item, whole(self._connection, self._table, keys.partition("mail", of=of)))
        # By time in memory: a mail's key is its id alone, so that a repeated step meets it.
        return tuple(sorted(found, key=lambda mail: (mail.at, mail.mail), reverse=True))

    def unsent(self, brand: str, cursor: str | None = None, limit: int = 50) -> Page[Mail]:
        """A page of the mails of a brand that nobody has got, as far as we know; the oldest first. The index lags by
        moments: what was sent meanwhile is left out."""
        owner = keys.owner_partition("mail", brand=brand, list=LATE)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        found = map(mail_from_item, page.items)
        return Page(tuple(each for each in found if each.status in UNSENT), page.cursor)

    def due(self, brand: str, now: datetime, cursor: str | None = None, limit: int = 50) -> Page[Mail]:
        """A page of the mails of a brand that waited for a moment that has come; the oldest moment first. The index
        lags by moments: what is not due any more is left out."""
        owner = keys.owner_partition("mail", brand=brand, list=DUE)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=False)
        found = [mail_from_item(item) for item in page.items]
        due = tuple(
            each for each in found if each.status is MailStatus.WAITING and each.not_before and each.not_before <= now
        )
        # In order of the moment: behind one that is not due there is none.
        later = any(each.not_before is not None and each.not_before > now for each in found)
        return Page(due, None if later else page.cursor)

    # ----------------------------------------------------------------------------------------------------- writes

    def put(self, mail: Mail) -> bool:
        """Puts a mail by itself; whether it is new. One that is there stays as it is. Raises `Unavailable`."""
        item = to_wire(mail_to_item(mail))
        pk, sk = item.pop(keys.PK)["S"], item.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(
                    self._table, pk, sk, attributes=item, condition=Path(keys.PK).does_not_exist()
                )
        except Refused:
            return False
        return True

    def put_all(self, mails: Sequence[Mail]) -> None:
        """Puts mails, many at once; those that are there stay as they are. Raises `Unavailable`."""
        wanted = [keys.key("mail", of=mail.of, mail=mail.mail) for mail in mails]
        there = {item["mail"] for item in batch_get(self._connection, self._table, wanted, ["mail"])}
        new = [mail for mail in mails if mail.mail not in there]
        for start in range(0, len(new), BATCH):
            some = new[start : start + BATCH]
            puts = [mail_put(self._connection, self._table, mail) for mail in some]
            # Where another put one of them meanwhile, each is asked for by itself.
            if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
                for mail in some:
                    self.put(mail)

    def mark(
        self,
        mail: Mail,
        status: MailStatus,
        now: datetime,
        *,
        reason: str = "",
        message: str = "",
        people: int = 0,
        not_before: datetime | None = None,
    ) -> Mail:
        """The mail's next status; the mail as it is then. It waits for this moment, or for none any more.

        Raises `Conflict` when it has another status meanwhile from which this one cannot follow: another is at it, or
        has been. `Unavailable`.
        """
        before = [each for each, following in NEXT.items() if status in following]
        after = replace(
            mail, status=status, status_since=now, reason=reason, message=message, people=people, not_before=not_before
        )
        key = keys.key("mail", of=mail.of, mail=mail.mail)
        values = {"status": status.value, "status_since": milliseconds(now)}
        values |= {"reason": reason, "message": message, "people": people}
        actions = [Path(name).set(to_wire({name: value})[name]) for name, value in values.items()]
        moment = Path("not_before")
        actions += [moment.set(milliseconds(not_before)) if not_before else moment.remove(), *_listing(after)]
        condition = Path("status").is_in(*(each.value for each in before))
        self._update(key, actions, condition)
        return after

    def claim(self, mail: Mail, claim: str, now: datetime) -> Mail:
        """The mail is being handed over by whoever claims it so, and by nobody else; the mail as it is then. `claim` is
        a word of chance that nobody says twice: a request that is repeated because its answer was lost finds its own
        claim. Raises `Conflict` when it waits no more; `Unavailable`."""
        after = replace(mail, status=MailStatus.SENDING, status_since=now, reason="", message="", not_before=None)
        values = {"status": after.status.value, "status_since": milliseconds(now), "reason": "", "message": ""}
        actions = [Path(name).set(to_wire({name: value})[name]) for name, value in (values | {"claim": claim}).items()]
        status = Path("status")
        mine = (status == MailStatus.SENDING.value) & (Path("claim") == claim)
        key = keys.key("mail", of=mail.of, mail=mail.mail)
        actions += [Path("not_before").remove(), *_listing(after)]
        self._update(key, actions, (status == MailStatus.WAITING.value) | mine)
        return after

    def postpone(self, mail: Mail, until: datetime) -> Mail:
        """Lets a mail that waits wait for a moment; the mail as it is then. Raises `Conflict` when it waits no longer;
        `Unavailable`."""
        after = replace(mail, not_before=until, permitted=False)
        actions = [Path("not_before").set(milliseconds(until)), Path("permitted").remove(), *_listing(after)]
        key = keys.key("mail", of=mail.of, mail=mail.mail)
        self._update(key, actions, Path("status") == MailStatus.WAITING.value)
        return after

    def release(self, mail: Mail, *, permitted: bool) -> Mail:
        """Hands on a mail whose moment has come, by way of the stream, with a permit where one was taken for it; the
        mail as it is then. Raises `Conflict` when it does not wait for this moment any more; `Unavailable`."""
        assert mail.not_before is not None, "it waits for no moment"
        after = replace(mail, not_before=None, permitted=permitted)
        actions = [Path("not_before").remove(), *_listing(after)]
        actions.append(Path("permitted").set(1) if permitted else Path("permitted").remove())
        waits = Path("status") == MailStatus.WAITING.value
        key = keys.key("mail", of=mail.of, mail=mail.mail)
        self._update(key, actions, waits & (Path("not_before") == milliseconds(mail.not_before)))
        return after

    def sent(self, mail: Mail, message: str, now: datetime) -> Mail:
        """The mail service has it, under this id of its own, by which the mail is found from now on; the mail as it is
        then. It is counted at once; where others count with the same figures just then it is not, and `saw` is to
        count it. Raises `Conflict` when it has a status meanwhile that this one cannot follow; `Unavailable`."""
        for seen in (mail.seen | {Seen.SENT}, mail.seen):
            after = replace(mail, status=MailStatus.SENT, status_since=now, reason="", message=message,
                            not_before=None, seen=seen)  # fmt: skip
            if self._sent(after):
                return after
        raise Conflict("This mail is not where it was any more.", code="mail_moved")

    def _sent(self, after: Mail) -> bool:
        now, message, counts = after.status_since, after.message, Seen.SENT in after.seen
        before = [each.value for each, following in NEXT.items() if MailStatus.SENT in following]
        key = keys.key("mail", of=after.of, mail=after.mail)
        values = {"status": after.status.value, "status_since": milliseconds(now), "reason": "", "message": message}
        if counts:
            values["seen_sent"] = 1
        actions = [Path(name).set(to_wire({name: value})[name]) for name, value in values.items()]
        update = self._connection.get_operation_kwargs(
            self._table,
            key.pk,
            key.sk,
            actions=[*actions, Path("not_before").remove(), *_listing(after)],
            condition=Path("status").is_in(*before),
        )
        place = {
            **keys.key("mail_place", message=message).item(),
            "of": after.of,
            "mail": after.mail,
            "expires_at": milliseconds(now + PLACE_KEPT) // 1000,
        }
        put = put_operation(self._connection, self._table, place)
        # Whoever else writes it writes another moment, which is no repeat of this.
        token = derived_id("t", after.mail, message, "sent", milliseconds(now), int(counts))
        updates = (update, self._counter(after, Seen.SENT)) if counts else (update,)
        return write_all(self._connection, (put,), updates, (), token=token)

    def by_message(self, message: str) -> tuple[str, str] | None:
        """Among whose mails the one stands that the mail service knows under this id, and its own id; None: there is
        none."""
        item = one(self._connection, self._table, keys.key("mail_place", message=message))
        return (str(item["of"]), str(item["mail"])) if item else None

    def told_of(self, message: str, of: str, mail: str) -> tuple[tuple[str, str] | None, Mail | None]:
        """What `by_message` says, and the mail that is named so, where one is: read at once and consistently."""
        wanted = {"place": keys.key("mail_place", message=message)}
        if of and mail:
            wanted["mail"] = keys.key("mail", of=of, mail=mail)
        found = {name: from_wire(item) for name, item in self._at_once(wanted).items()}
        place = found.get("place")
        return (
            (str(place["of"]), str(place["mail"])) if place else None,
            mail_from_item(found["mail"]) if "mail" in found else None,
        )

    def saw(self, mail: Mail, what: Seen) -> bool:
        """Marks and counts what became of a mail; whether it is new to the mail as it was read. Mark and counter are
        one transaction, so that each mail counts once. Raises `Unavailable`, also when others count with the same
        figures again and again."""
        for _ in range(TRIES):
            if what in mail.seen:
                return False
            if self._count(mail, what):
                return True
            # Refused: it was counted before, is forgotten, or another transaction was met.
            try:
                mail = self.mail(mail.of, mail.mail)
            except NotFound:
                return False
        raise Unavailable("Others count these mails just now: try again.", code="figures_busy")

    def _count(self, mail: Mail, what: Seen) -> bool:
        mark = Path(f"seen_{what.value}")
        key = keys.key("mail", of=mail.of, mail=mail.mail)
        updates = (
            self._connection.get_operation_kwargs(
                self._table, key.pk, key.sk, actions=[mark.set(1)],
                condition=Path(keys.PK).exists() & mark.does_not_exist(),
            ),
            self._counter(mail, what),
        )  # fmt: skip
        return write_all(self._connection, (), updates, (), token=derived_id("t", mail.mail, "seen", what.value))

    def _counter(self, mail: Mail, what: Seen) -> dict[str, Any]:
        figure = keys.key("mail_figure", brand=mail.brand, series=mail.counted_as, shard=shard_of(mail.mail))
        return self._connection.get_operation_kwargs(
            self._table, figure.pk, figure.sk, actions=[Path(what.value).add(1)]
        )

    def _update(self, key: keys.Key, actions: list[Any], condition: Any) -> None:
        try:
            with writing():
                self._connection.update_item(self._table, key.pk, key.sk, actions=actions, condition=condition)
        except Refused as error:
            raise Conflict("This mail is not where it was any more.", code="mail_moved") from error
