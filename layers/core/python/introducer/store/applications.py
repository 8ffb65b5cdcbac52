"""Applications in BOOKS. Each step is one transaction: the application under the condition of its version, what its
recruiter sees of it, the audit record, and the mail that tells the applicant.

Who an applicant is stands sealed in the application itself; erasing empties it and its hash in one write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from introducer.domain.application import PREFIX, Application, ApplicationState, partner_of
from introducer.domain.configuration import Change, PartnerKind
from introducer.domain.errors import Conflict, NotFound, TooMany
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.lead import Consent
from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one, whole
from introducer.store.wire import REFUSED, Refused, connect, from_wire, put_operation, unavailable, writing

_ID = re.compile(rf"{PREFIX}_[0-9A-Z]{{26}}", re.ASCII)
_RATE_KEPT = timedelta(days=2)
_KNOWN_KEPT = timedelta(days=180)
_RECRUITED_KEPT = timedelta(days=400)
NO_APPLICATION = "There is no such application."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recruited:
    """What a recruiter sees of somebody who came by its link: nothing of who it is."""

    application: str
    at: datetime
    """When the address was confirmed."""
    state: ApplicationState


def application_to_item(application: Application) -> dict[str, Any]:
    """The item of an application, listed under its brand by its state."""
    item: dict[str, Any] = {
        **_key(application.brand, application.application).item(),
        **keys.owner_key(
            "application", brand=application.brand, state=application.state.value,
            since=f"{milliseconds(application.since):013d}", application=application.application,
        ),
        "application": application.application,
        "brand": application.brand,
        "at": milliseconds(application.at),
        "country": application.country,
        "kind": application.kind.value,
        "language": application.language,
        "currency": application.currency,
        "consent": json.dumps(
            {
                "text": application.consent.text,
                "language": application.consent.language,
                "at": milliseconds(application.consent.at),
            },
            ensure_ascii=False,
        ),
        "state": application.state.value,
        "since": milliseconds(application.since),
        "set_up": int(application.set_up),
        "version": application.version,
    }  # fmt: skip
    optional = {name: getattr(application, name) for name in _OPTIONAL}
    item |= {name: value for name, value in optional.items() if value}
    if application.erased_at is not None:
        item["erased_at"] = milliseconds(application.erased_at)
    if application.expires_at is not None:
        item[keys.TTL] = milliseconds(application.expires_at) // 1000
    return item


_OPTIONAL = (
    "via", "email_hash", "sealed", "data_key", "before", "decided_by", "reason", "manager", "below", "terms",
)  # fmt: skip


def application_from_item(item: Mapping[str, Any]) -> Application:
    """The application of an item."""
    consent = json.loads(item["consent"])
    return Application(
        application=item["application"],
        brand=item["brand"],
        at=from_milliseconds(item["at"]),
        country=item["country"],
        kind=PartnerKind(item["kind"]),
        language=item["language"],
        currency=item["currency"],
        consent=Consent(text=consent["text"], language=consent["language"], at=from_milliseconds(consent["at"])),
        state=ApplicationState(item["state"]),
        since=from_milliseconds(item["since"]),
        set_up=bool(item["set_up"]),
        erased_at=from_milliseconds(item["erased_at"]) if "erased_at" in item else None,
        version=item["version"],
        **{name: item.get(name, "") for name in _OPTIONAL},
    )


def asked_of_image(image: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """Brand and id of an application in the stream; None for one that nobody confirmed, and for another item."""
    item = from_wire(image)
    brand, application = str(item.get("brand", "")), str(item.get("application", ""))
    if not _ID.fullmatch(application) or item.get("state") == ApplicationState.UNCONFIRMED:
        return None
    return (brand, application) if tuple(_key(brand, application)) == (item[keys.PK], item[keys.SK]) else None


class Applications:
    """Reads and conditional writes of applications and recruiting codes. All of them may raise `Unavailable`."""

    def __init__(self, books: str, region: str | None = None, host: str | None = None) -> None:
        self._table = books
        self._connection = connect(books, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def application(self, brand: str, application: str) -> Application:
        """One application of a brand, as it stands now. DynamoDB takes its time to remove one that has expired: see its
        `expires_at`. Raises `NotFound`."""
        if not _ID.fullmatch(application):
            raise NotFound(NO_APPLICATION)
        item = one(self._connection, self._table, _key(brand, application))
        if item is None:
            raise NotFound(NO_APPLICATION)
        return application_from_item(item)

    def of_brand(
        self, brand: str, state: ApplicationState, cursor: str | None = None, limit: int = 25
    ) -> Page[Application]:
        """A page of a brand's applications in a state: the longest waiting first while somebody is to decide them, the
        newest first otherwise. The index lags by moments: what is elsewhere by now is left out."""
        owner = keys.owner_partition("application", brand=brand, state=state.value)
        newest_first = state is not ApplicationState.WAITING
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=newest_first)
        found = map(application_from_item, page.items)
        return Page(tuple(each for each in found if each.state is state), page.cursor)

    def last_of(self, brand: str, email_hash: str, at: datetime) -> str:
        """The last confirmed application with this e-mail, by its hash; empty where there is none any more."""
        item = one(self._connection, self._table, _known_key(brand, email_hash))
        if item is None or item[keys.TTL] * 1000 <= milliseconds(at):
            return ""
        return str(item["application"])

    def sent_on(self, brand: str, kind: str, hashed: str, day: str) -> int:
        """How many applications came on a UTC day from an e-mail, an address or a network, by its keyed hash."""
        item = one(self._connection, self._table, _rate_key(brand, kind, hashed, day))
        return 0 if item is None else int(item["applications"])

    def recruiter(self, code: str) -> str:
        """The partner whose recruiting link has this code. Raises `NotFound`."""
        item = one(self._connection, self._table, keys.key("recruit_code", code=code))
        if item is None:
            raise NotFound("There is no such recruiting link.", code="no_such_code")
        return str(item["partner"])

    def recruited(self, partner: str) -> tuple[Recruited, ...]:
        """Who applied by a partner's recruiting link in the last 400 days, by id."""
        found = whole(self._connection, self._table, keys.partition("recruited", partner=partner), consistent=False)
        return tuple(
            Recruited(
                application=keys.unescape(item[keys.SK]),
                at=from_milliseconds(item["at"]),
                state=ApplicationState(item["state"]),
            )
            for item in found
        )

    # ----------------------------------------------------------------------------------------------------- writes

    def count(self, brand: str, kind: str, hashed: str, day: str, most: int, at: datetime) -> None:
        """Counts an application of an e-mail, an address or a network. Raises `TooMany` when there were `most`."""
        key = _rate_key(brand, kind, hashed, day)
        counted = Path("applications")
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[counted.add(1), Path(keys.TTL).set(milliseconds(at + _RATE_KEPT) // 1000)],
                    condition=counted.does_not_exist() | (counted < most),
                )
        except Refused:
            raise TooMany(
                "Enough applications came from here today: try again tomorrow.", code="too_many_applications"
            ) from None

    def submit(self, application: Application, mail: Mail, change: Change) -> None:
        """A new application and the mail with its link. Raises `Conflict` when its id is taken."""
        absent = Path(keys.PK).does_not_exist()
        self._write(
            "submit_application",
            None,
            application,
            change,
            [self._put(application_to_item(application), absent), mail_put(self._connection, self._table, mail)],
        )

    def confirm(
        self, before: Application, after: Application, earlier: tuple[Application, Application] | None, change: Change
    ) -> None:
        """The address of an application is its own, and a person is to decide. `earlier` is the one of the same address
        that waited until now, as it was and as it is withdrawn. Raises `Conflict` when anything changed meanwhile."""
        absent = Path(keys.PK).does_not_exist()
        # Whoever is known last is what was read: of two at once, one reads again.
        as_read = absent | (Path(keys.TTL) <= milliseconds(change.at) // 1000)
        if after.before:
            as_read |= Path("application") == after.before
        known = {
            **_known_key(after.brand, after.email_hash).item(),
            "application": after.application,
            "at": milliseconds(change.at),
            keys.TTL: milliseconds(change.at + _KNOWN_KEPT) // 1000,
        }
        puts = [
            self._put(application_to_item(after), Path("version") == before.version),
            self._put(known, as_read),
            *self._seen(after, change.at),
        ]
        if earlier is not None:
            was, now = earlier
            puts += [
                self._put(application_to_item(now), Path("version") == was.version),
                *self._seen(now, change.at),
                self._audit("withdraw_application", was, now, change),
            ]
        self._write("confirm_application", before, after, change, puts)

    def step(
        self, action: str, before: Application, after: Application, change: Change, mails: Sequence[Mail] = ()
    ) -> None:
        """A step of an application, with the mails that tell of it. Raises `Conflict` when it changed meanwhile."""
        puts = [
            self._put(application_to_item(after), Path("version") == before.version),
            *(self._seen(after, change.at) if after.state is not before.state else ()),
            *(mail_put(self._connection, self._table, mail) for mail in mails),
        ]
        self._write(action, before, after, change, puts)

    def erase(self, before: Application, after: Application, change: Change) -> None:
        """Who applied cannot be read any more, and is known no more by the address. Raises `Conflict`."""
        updates = []
        if before.email_hash:
            key = _known_key(before.brand, before.email_hash)
            item = one(self._connection, self._table, key)
            if item is not None and item["application"] == before.application:
                # As of long ago: readers pass over it at once, and DynamoDB removes it.
                updates.append(
                    self._connection.get_operation_kwargs(
                        self._table, key.pk, key.sk, actions=[Path(keys.TTL).set(0)],
                        condition=Path("application") == before.application,
                    )
                )  # fmt: skip
        updates += self._unsaid(before)
        puts = [
            self._put(application_to_item(after), Path("version") == before.version),
            *(self._seen(after, change.at) if after.state is not before.state else ()),
        ]
        self._write("erase_application", before, after, change, puts, updates)

    def make_code(self, brand: str, partner: str, code: str, change: Change) -> None:
        """A partner's recruiting link. Raises `Conflict` when the code is taken."""
        item = {**keys.key("recruit_code", code=code).item(), "partner": partner, "brand": brand}
        absent = Path(keys.PK).does_not_exist()
        record = audit_record(partner, "make_recruit_code", change, None, {"code": code}, brand=brand)
        self._transact([self._put(item, absent), self._put(audit_to_item(record), absent)], (), record.audit)

    # ------------------------------------------------------------------------------------------------------ parts

    def _unsaid(self, application: Application) -> list[dict[str, Any]]:
        """The mails to the applicant say no more why it was refused: that may name somebody."""
        found = whole(self._connection, self._table, keys.partition("mail", of=application.partner))
        updates = []
        for item in found:
            said = json.loads(item["values"])
            if said.get("reason"):
                emptied = json.dumps(said | {"reason": ""}, sort_keys=True, ensure_ascii=False)
                updates.append(
                    self._connection.get_operation_kwargs(
                        self._table, item[keys.PK], item[keys.SK], actions=[Path("values").set(emptied)],
                        condition=Path(keys.PK).exists(),
                    )
                )  # fmt: skip
        return updates

    def _seen(self, application: Application, at: datetime) -> list[dict[str, Any]]:
        """What the recruiter sees of it from now on."""
        if not application.via or application.state is ApplicationState.UNCONFIRMED:
            return []
        item = {
            **keys.key("recruited", partner=application.via, application=application.application).item(),
            "at": milliseconds(application.at),
            "state": application.state.value,
            keys.TTL: milliseconds(at + _RECRUITED_KEPT) // 1000,
        }
        return [self._put(item)]

    def _audit(self, action: str, before: Application | None, after: Application, change: Change) -> dict[str, Any]:
        said = None if before is None else told(before)
        record = audit_record(after.application, action, change, said, told(after), brand=after.brand)
        return self._put(audit_to_item(record), Path(keys.PK).does_not_exist())

    def _write(
        self,
        action: str,
        before: Application | None,
        after: Application,
        change: Change,
        puts: Sequence[dict[str, Any]],
        updates: Sequence[dict[str, Any]] = (),
    ) -> None:
        audit = self._audit(action, before, after, change)
        # The same for a resent request, so that a lost answer is answered again and not refused. A form that is sent
        # twice in one millisecond was sealed twice: these are two.
        self._transact([*puts, audit], updates, action, after.application, after.version, change.by,
                       milliseconds(change.at), after.sealed)  # fmt: skip

    def _transact(self, puts: Sequence[dict[str, Any]], updates: Sequence[dict[str, Any]], *token: object) -> None:
        try:
            self._connection.transact_write_items((), (), puts, updates, client_request_token=derived_id("t", *token))
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict(
                    "The application changed meanwhile: look at it again.", code="application_changed"
                ) from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error

    def _put(self, item: Mapping[str, Any], condition: Condition | None = None) -> dict[str, Any]:
        return put_operation(self._connection, self._table, item, condition)


def told(application: Application) -> dict[str, Any]:
    """What the audit trail says of an application: nothing of who it is, and no reason; these can be erased."""
    said = {
        "application": application.application,
        "state": application.state.value,
        "via": application.via,
        "manager": application.manager,
        "below": application.below,
        "set_up": int(application.set_up),
        "version": application.version,
    }
    return {name: value for name, value in said.items() if value != ""}


def _key(brand: str, application: str) -> keys.Key:
    return keys.key("application", partner=partner_of(brand, application), application=application)


def _known_key(brand: str, email_hash: str) -> keys.Key:
    return keys.key("application_known", brand=brand, hash=email_hash)


def _rate_key(brand: str, kind: str, hashed: str, day: str) -> keys.Key:
    return keys.key("application_rate", brand=brand, kind=kind, hash=hashed, day=day)
