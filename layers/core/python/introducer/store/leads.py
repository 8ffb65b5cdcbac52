"""Leads in BOOKS. A new one is one transaction: the lead, where it counts as evidence, who it is (sealed), its keyed
hashes, the audit record and the mail that tells sales. Each later step is one too, under the condition of its version.

Who a lead is, and what staff noted about it, stands sealed under a data key of the person's own. Erasing removes that
key in the same write as the hashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError, TransactWriteError
from pynamodb.expressions.operand import Path

from introducer.domain.configuration import AuditRecord, Change
from introducer.domain.errors import Conflict, NotFound, TooMany
from introducer.domain.events import Event, from_milliseconds, milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.lead import KNOWN_FOR, MOST_PER_HOUR, PREFIX, Consent, Lead, LostReason, Stage
from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.facts import event_to_item
from introducer.store.mails import mail_put
from introducer.store.owned import owned
from introducer.store.paging import Page
from introducer.store.partitions import one, whole
from introducer.store.wire import (
    REFUSED,
    Refused,
    batch_get,
    connect,
    from_wire,
    put_operation,
    reading,
    unavailable,
    writing,
)

_ID = re.compile(rf"{PREFIX}_[0-9A-Z]{{26}}", re.ASCII)
_RATE_KEPT = 86_400
NO_LEAD = "There is no such lead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What is kept of who a lead is: the sealed text and its sealed data key, base64."""

    text: str
    data_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a member noted, sealed."""

    note: str
    at: datetime
    by: str
    sealed: str


def lead_to_item(lead: Lead) -> dict[str, Any]:
    """The item of a lead, its place in whoever's list included."""
    owner = keys.owner_key(
        "lead", brand=lead.brand, salesperson=lead.salesperson, stage=lead.stage.value,
        since=f"{milliseconds(lead.since):013d}", lead=lead.lead,
    )  # fmt: skip
    item: dict[str, Any] = {
        **keys.key("lead", partner=lead.partner, lead=lead.lead).item(),
        **owner,
        "brand": lead.brand,
        "link": lead.link,
        "campaign": lead.campaign,
        "at": milliseconds(lead.at),
        "consent_text": lead.consent.text,
        "consent_language": lead.consent.language,
        "consent_at": milliseconds(lead.consent.at),
        "stage": lead.stage.value,
        "since": milliseconds(lead.since),
        "salesperson": lead.salesperson,
        "known": int(lead.known),
        "version": lead.version,
    }
    optional = {
        "email_hash": lead.email_hash,
        "phone_hash": lead.phone_hash,
        "lost": lead.lost.value if lead.lost else "",
        "client": lead.client,
        "first": lead.first,
    }
    item |= {name: value for name, value in optional.items() if value}
    if lead.erased_at is not None:
        item["erased_at"] = milliseconds(lead.erased_at)
    return item


def lead_from_item(item: Mapping[str, Any]) -> Lead:
    """The lead of an item."""
    return Lead(
        lead=keys.unescape(item[keys.SK]),
        brand=item["brand"],
        partner=keys.parts(item[keys.PK])[1],
        link=item["link"],
        campaign=item["campaign"],
        at=from_milliseconds(item["at"]),
        consent=Consent(
            text=item["consent_text"],
            language=item["consent_language"],
            at=from_milliseconds(item["consent_at"]),
        ),
        email_hash=item.get("email_hash", ""),
        phone_hash=item.get("phone_hash", ""),
        stage=Stage(item["stage"]),
        since=from_milliseconds(item["since"]),
        salesperson=item["salesperson"],
        lost=LostReason(item["lost"]) if "lost" in item else None,
        client=item.get("client", ""),
        first=item.get("first", ""),
        known=bool(item["known"]),
        erased_at=from_milliseconds(item["erased_at"]) if "erased_at" in item else None,
        version=item["version"],
    )


class Leads:
    """Reads and conditional writes of leads. All of them may raise `Unavailable`. `facts` is needed by `step` alone,
    where a lead is won and says so in FACTS."""

    def __init__(self, books: str, facts: str = "", region: str | None = None, host: str | None = None) -> None:
        self._table = books
        self._facts = facts
        tables = [books, facts] if facts else [books]
        self._connection = connect(*tables, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def lead(self, lead: str) -> Lead:
        """One lead, as it stands now. Raises `NotFound`."""
        place = self._place(lead)
        return self.of_its_partner(place["partner"], lead)

    def of_its_partner(self, partner: str, lead: str) -> Lead:
        """One lead of this partner, as it stands now. Raises `NotFound`."""
        if not _ID.fullmatch(lead):
            raise NotFound(NO_LEAD)
        item = self._get(keys.key("lead", partner=partner, lead=lead))
        if item is None:
            raise NotFound(NO_LEAD)
        return lead_from_item(item)

    def of_partner(self, partner: str, cursor: str | None = None, limit: int = 50) -> Page[Lead]:
        """A page of a partner's leads, the newest first."""
        pk = keys.partition("lead", partner=partner)
        with reading():
            answer = self._connection.query(
                self._table,
                pk,
                range_key_condition=Path(keys.SK) < cursor if cursor else None,
                limit=limit,
                scan_index_forward=False,
                consistent_read=True,
            )
        last = answer.get("LastEvaluatedKey")
        found = tuple(lead_from_item(from_wire(item)) for item in answer["Items"])
        return Page(found, last[keys.SK]["S"] if last else None)

    def of_salesperson(
        self, brand: str, salesperson: str, stage: Stage, cursor: str | None = None, limit: int = 50
    ) -> Page[Lead]:
        """A page of the leads of a stage that a member works, or `NOBODY` does: the longest waiting first while they
        are open, the newest first once closed."""
        owner = keys.owner_partition("lead", brand=brand, salesperson=salesperson, stage=stage.value)
        page = owned(self._connection, self._table, owner, cursor, limit, newest_first=not stage.is_open)
        # The index lags by moments: what is elsewhere by now is left out.
        found = (lead_from_item(item) for item in page.items)
        return Page(
            tuple(each for each in found if (each.salesperson, each.stage) == (salesperson, stage)), page.cursor
        )

    def person(self, lead: str) -> Sealed | None:
        """Who a lead is, sealed; None once erased."""
        item = self._get(keys.key("lead_person", lead=lead))
        if item is None or "data_key" not in item:
            return None
        return Sealed(text=item["sealed"], data_key=item["data_key"])

    def persons(self, leads: Sequence[str]) -> dict[str, Sealed]:
        """Who some leads are, sealed; erased ones are left out."""
        wanted = [keys.key("lead_person", lead=lead) for lead in dict.fromkeys(leads)]
        items = batch_get(self._connection, self._table, wanted) if wanted else []
        return {
            keys.parts(item[keys.PK])[1]: Sealed(text=item["sealed"], data_key=item["data_key"])
            for item in items
            if "data_key" in item
        }

    def notes(self, lead: str) -> tuple[Note, ...]:
        """What was noted about a lead, oldest first."""
        found: list[Note] = []
        noted = Path(keys.SK).startswith(keys.prefix("lead_note"))
        for item in whole(self._connection, self._table, keys.partition("lead_note", lead=lead), noted):
            _, at, note = keys.parts(item[keys.SK])
            found.append(Note(note=note, at=from_milliseconds(int(at)), by=item["by"], sealed=item["sealed"]))
        return tuple(found)

    def first_with(self, brand: str, hashes: Mapping[str, str], at: datetime) -> str:
        """The lead that came first with one of these keyed hashes, by kind; empty where there is none any more."""
        wanted = [_known_key(brand, kind, value) for kind, value in hashes.items()]
        items = batch_get(self._connection, self._table, wanted) if wanted else []
        # DynamoDB takes its time to remove what has expired.
        alive = [item for item in items if item[keys.TTL] * 1000 > milliseconds(at)]
        return min(((item["at"], item["lead"]) for item in alive), default=(0, ""))[1]

    def sent_by(self, brand: str, address: str, hour: str) -> int:
        """How many leads an address, by its keyed hash, sent within an hour."""
        item = self._get(keys.key("lead_rate", brand=brand, hash=address, hour=hour))
        return 0 if item is None else int(item["leads"])

    # ----------------------------------------------------------------------------------------------------- writes

    def count(self, brand: str, address: str, hour: str, at: datetime) -> None:
        """Counts a lead of an address. Raises `TooMany` when it sent enough within the hour."""
        key = keys.key("lead_rate", brand=brand, hash=address, hour=hour)
        leads = Path("leads")
        try:
            with writing():
                self._connection.update_item(
                    self._table,
                    key.pk,
                    key.sk,
                    actions=[leads.add(1), Path(keys.TTL).set(milliseconds(at) // 1000 + _RATE_KEPT)],
                    condition=leads.does_not_exist() | (leads < MOST_PER_HOUR),
                )
        except Refused:
            raise TooMany(
                "This address has sent enough for now: try again in an hour.", code="too_many_leads"
            ) from None

    def submit(self, lead: Lead, sealed: Sealed, mail: Mail, first: Lead | None) -> None:
        """A new lead; `first` is the one that it is a duplicate of. Raises `Conflict` when its id is taken."""
        counts = first or lead
        place = {
            **keys.key("lead_place", lead=lead.lead).item(),
            "partner": lead.partner,
            # A duplicate counts for whose lead it was first.
            "counts_in": counts.brand,
            "counts_by": counts.link,
            "counts_from": milliseconds(counts.at),
        }
        if first is not None:
            # Whoever asks again has as long again.
            place["counts_again"] = milliseconds(lead.at)
        person = {
            **keys.key("lead_person", lead=lead.lead).item(), "sealed": sealed.text, "data_key": sealed.data_key
        }  # fmt: skip
        absent = Path(keys.PK).does_not_exist()
        puts = [
            put_operation(self._connection, self._table, lead_to_item(lead), absent),
            put_operation(self._connection, self._table, place, absent),
            put_operation(self._connection, self._table, person, absent),
            mail_put(self._connection, self._table, mail),
        ]
        if first is None:
            # Of two at once one is the first: the other is refused, and reads again.
            free = absent | (Path(keys.TTL) <= milliseconds(lead.at) // 1000)
            puts += [put_operation(self._connection, self._table, item, free) for item in self._known_items(lead)]
        # Nobody is signed in: the form did it.
        change = Change(by="system:lead_form", at=lead.at, why="somebody sent the form", origin="portal")
        record = audit_record(lead.lead, "submit_lead", change, None, told(lead), brand=lead.brand)
        self._write(lead, record, puts, sealed=sealed.text)

    def step(
        self,
        action: str,
        before: Lead,
        after: Lead,
        change: Change,
        mails: Sequence[Mail] = (),
        won: Event | None = None,
    ) -> None:
        """A step of a lead, with the mails that tell of it and, of one that is `won`, the fact. Raises `Conflict` when
        it changed meanwhile: read again."""
        as_read = Path("version") == before.version
        puts = [put_operation(self._connection, self._table, lead_to_item(after), as_read)]
        puts += [mail_put(self._connection, self._table, mail) for mail in mails]
        if won is not None:
            absent = Path(keys.PK).does_not_exist()
            puts.append(put_operation(self._connection, self._facts, event_to_item(won), absent))
        record = audit_record(after.lead, action, change, told(before), told(after), brand=after.brand)
        self._write(after, record, puts)

    def note(self, lead: Lead, note: Note, change: Change) -> None:
        """A note about a lead; again changes nothing. The trail says that there is one, and not what it says."""
        item = {
            **keys.key("lead_note", lead=lead.lead, at=f"{milliseconds(note.at):013d}", note=note.note).item(),
            "by": note.by,
            "sealed": note.sealed,
        }
        absent = Path(keys.PK).does_not_exist()
        record = audit_record(lead.lead, "note_lead", change, None, {"note": note.note}, brand=lead.brand)
        self._write(lead, record, [put_operation(self._connection, self._table, item, absent)])

    def erase(self, before: Lead, after: Lead, change: Change) -> None:
        """Who the lead is cannot be read any more: the data key goes, and the hashes. Raises `Conflict` when it changed
        meanwhile: read again."""
        person = keys.key("lead_person", lead=before.lead)
        gone = self._connection.get_operation_kwargs(
            self._table, person.pk, person.sk,
            actions=[Path(name).remove() for name in ("sealed", "data_key")],
            condition=Path(keys.PK).exists(),
        )  # fmt: skip
        updates = [gone]
        for kind, value in _hashes(before).items():
            key = _known_key(before.brand, kind, value)
            mine = Path("lead") == before.lead
            with reading():
                answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
            if "Item" in answer and from_wire(answer["Item"]).get("lead") == before.lead:
                # As of long ago: readers pass over it at once, and DynamoDB removes it.
                updates.append(
                    self._connection.get_operation_kwargs(
                        self._table, key.pk, key.sk, actions=[Path(keys.TTL).set(0)], condition=mine
                    )
                )
        as_read = Path("version") == before.version
        puts = [put_operation(self._connection, self._table, lead_to_item(after), as_read)]
        record = audit_record(after.lead, "erase_lead", change, None, {"lead": after.lead}, brand=after.brand)
        self._write(after, record, puts, updates)

    # ------------------------------------------------------------------------------------------------------ parts

    def _place(self, lead: str) -> dict[str, Any]:
        item = self._get(keys.key("lead_place", lead=lead)) if _ID.fullmatch(lead) else None
        if item is None:
            raise NotFound(NO_LEAD)
        return item

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        return one(self._connection, self._table, key)

    def _known_items(self, lead: Lead) -> list[dict[str, Any]]:
        until = milliseconds(lead.at + KNOWN_FOR) // 1000
        return [
            {
                **_known_key(lead.brand, kind, value).item(),
                "lead": lead.lead,
                "at": milliseconds(lead.at),
                keys.TTL: until,
            }
            for kind, value in _hashes(lead).items()
        ]

    def _write(
        self,
        lead: Lead,
        record: AuditRecord,
        puts: Sequence[dict[str, Any]],
        updates: Sequence[dict[str, Any]] = (),
        sealed: str = "",
    ) -> None:
        audit = put_operation(self._connection, self._table, audit_to_item(record), Path(keys.PK).does_not_exist())
        # The same for a resent request, so that a lost answer is answered again and not refused. A form that is sent
        # twice in one millisecond was sealed twice: these are two.
        token = derived_id("t", record.audit, lead.version, sealed)
        try:
            self._connection.transact_write_items((), (), [*puts, audit], updates, client_request_token=token)
        except TransactWriteError as error:
            if any(reason is not None and reason.code in REFUSED for reason in error.cancellation_reasons):
                raise Conflict("The lead changed meanwhile: read again.", code="lead_changed") from error
            raise unavailable() from error
        except PynamoDBConnectionError as error:
            raise unavailable() from error


def told(lead: Lead) -> dict[str, Any]:
    """What the audit trail says of a lead: nothing of who it is, and no hash."""
    said: dict[str, Any] = {
        "lead": lead.lead,
        "partner": lead.partner,
        "stage": lead.stage.value,
        "salesperson": lead.salesperson,
        "version": lead.version,
    }
    optional = {"lost": lead.lost.value if lead.lost else "", "client": lead.client, "first": lead.first}
    return said | {name: value for name, value in optional.items() if value}


def _hashes(lead: Lead) -> dict[str, str]:
    return {kind: value for kind, value in (("email", lead.email_hash), ("phone", lead.phone_hash)) if value}


def _known_key(brand: str, kind: str, value: str) -> keys.Key:
    return keys.key("lead_known", brand=brand, kind=kind, hash=value)
