"""Providers and banks of the schedules: they keep what `gateways/rails/protocol.py` promises, and nothing beyond it.

A provider takes a batch once under its key, for as long as it remembers the key; refuses one for good, is not reached,
fails before it takes it or is silent after it, and takes some that arrive minutes later. What became of each payment
comes with time: paid, failed, not claimed and returned, or returned after it was paid.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch, PayoutStatus
from introducer.gateways.rails.protocol import (
    Handed,
    NotReached,
    Outcome,
    Refusal,
    Refused,
    Transfer,
    Unsure,
    check_key,
    in_order,
    sent,
)

MARGIN = timedelta(hours=1)
"""So much longer than it says a provider knows a key: its clock is not ours."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Fate = Sequence[tuple[timedelta, PayoutStatus, str]]
FATES: tuple[Fate, ...] = (
    ((timedelta(0), PayoutStatus.PAID, ""),),
    ((HOUR, PayoutStatus.PAID, ""),),
    ((20 * HOUR, PayoutStatus.PAID, ""),),
    ((HOUR, PayoutStatus.FAILED, "receiver_account_invalid"),),
    ((timedelta(0), PayoutStatus.FAILED, "receiver_unregistered"),),
    ((timedelta(0), PayoutStatus.SENT, "unclaimed"), (3 * HOUR, PayoutStatus.RETURNED, "returned")),
    ((timedelta(0), PayoutStatus.SENT, "unclaimed"), (30 * DAY, PayoutStatus.RETURNED, "returned")),
    ((timedelta(0), PayoutStatus.SENT, "on_hold"), (5 * HOUR, PayoutStatus.PAID, "")),
    ((HOUR, PayoutStatus.PAID, ""), (4 * HOUR, PayoutStatus.RETURNED, "refunded")),
    ((HOUR, PayoutStatus.PAID, ""), (40 * DAY, PayoutStatus.RETURNED, "refunded")),
)
"""What may become of a payment, from the moment on at which it was taken."""


class Taken(NamedTuple):
    """A payment that the provider makes."""

    payout: str
    amount: int
    currency: str
    to: str
    at: datetime
    fate: Fate

    def stands(self, at: datetime) -> tuple[PayoutStatus, str]:
        """What has become of it by then."""
        come = [(status, reason) for after, status, reason in self.fate if self.at + after <= at]
        return come[-1] if come else (PayoutStatus.SENT, "")


@dataclass
class Provider:
    """What lies outside, on the other side of all rails."""

    chance: random.Random
    now: Callable[[], datetime]
    remembers: timedelta
    moods: Mapping[str, int]
    fates: Sequence[Fate] = FATES
    ready_from: datetime | None = None
    """Since when there is an account to pay from; None: always."""
    payments: dict[str, list[Taken]] = field(default_factory=dict)
    """By payout. More than one is what must never be."""
    under_way: dict[str, tuple[datetime, Sequence[Transfer]]] = field(default_factory=dict)
    """What was sent, and arrives at its moment, by key."""
    asked: dict[str, frozenset[tuple[str, int, str, str]]] = field(default_factory=dict)
    """What each batch was first handed over with."""
    wrong: list[str] = field(default_factory=list)
    over: bool = False
    """From now on it always answers."""
    _keys: dict[str, datetime] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)

    def look(self) -> None:
        """What was under way arrives."""
        for key, (at, transfers) in list(self.under_way.items()):
            if at <= self.now():
                del self.under_way[key]
                self._take(key, transfers, at)

    def stands(self, payout: str) -> PayoutStatus | None:
        """What has become of a payment by now; None for one that was never made."""
        self.look()
        made = self.payments.get(payout)
        return made[0].stands(self.now())[0] if made else None

    def knows(self, key: str, kind: RailKind) -> bool:
        """Whether a repeated key is known as one."""
        self.look()
        taken = self._keys.get(key)
        return taken is not None and (kind is not RailKind.PAYPAL or self.now() - taken < self.remembers + MARGIN)

    def ever_took(self, key: str) -> bool:
        self.look()
        return key in self._keys

    def receive(self, kind: RailKind, batch: Batch, transfers: Sequence[Transfer]) -> None:
        """A request arrives. Raises what the rail's promise has for it."""
        self.look()
        key = batch.batch
        if key in self._refused:
            raise Refused("Refused as before.", code="validation_error")
        known = self.knows(key, kind)
        names, weights = zip(*self.moods.items(), strict=True)
        mood = "ok" if self.over else self.chance.choices(names, weights)[0]
        if mood == "refuses" and not known and key not in self.under_way and batch.batch not in self._keys:
            self._refused.add(key)
            fault = self.chance.choice([{}, {transfers[0].payout: "receiver_invalid"}])
            raise Refused("Nothing of this was taken.", code="validation_error", faults=fault)
        if mood == "not reached":
            raise NotReached("Nobody there.")
        if mood == "fails before":
            raise Unsure("500")
        if mood == "commits late" and not known:
            arrives = self.now() + timedelta(seconds=self.chance.randint(1, 800))
            self.under_way.setdefault(key, (arrives, tuple(transfers)))
            raise Unsure("The answer was lost.")
        if not known:
            self._take(key, transfers, self.now())
        if mood == "commits and is silent":
            raise Unsure("The answer was lost.")

    def _take(self, key: str, transfers: Sequence[Transfer], at: datetime) -> None:
        if key in self._keys and at - self._keys[key] < self.remembers + MARGIN:
            return
        self._keys[key] = at
        self.under_way.pop(key, None)
        for each in transfers:
            payment = Taken(each.payout, each.amount, each.currency, _place(each), at, self.chance.choice(self.fates))
            self.payments.setdefault(each.payout, []).append(payment)

    def note_attempt(self, batch: Batch, transfers: Sequence[Transfer]) -> None:
        """A batch is handed over with the same transfers for ever."""
        said = frozenset((each.payout, each.amount, each.currency, _place(each)) for each in transfers)
        if self.asked.setdefault(batch.batch, said) != said:
            self.wrong.append(f"the batch {batch.batch} was handed over with other payouts than before")


class FakeRail:
    """One way for money to leave, that goes wrong as its provider and its connection do."""

    def __init__(self, kind: RailKind, provider: Provider, wire: Any, most_per_batch: int, dislikes: int) -> None:
        self.kind = kind
        self.most_per_batch = most_per_batch
        self.currencies: frozenset[str] | None = frozenset({"EUR"}) if kind is RailKind.SEPA else None
        self._answers = kind is RailKind.PAYPAL
        self.remembers: timedelta | None = provider.remembers if self._answers else None
        self._provider = provider
        self._wire = wire
        self._dislikes = dislikes
        self._call = {RailKind.SEPA: "S3 put", RailKind.PAYPAL: "PayPal post", RailKind.MANUAL: "S3 put"}[kind]

    @property
    def ready(self) -> bool:
        """Whether the broker has entered the account that it pays from."""
        since = self._provider.ready_from
        return self._provider.over or since is None or self._provider.now() >= since

    def check(self, transfer: Transfer) -> Refusal | None:
        """Amounts that a rail of its kind would not carry."""
        if transfer.amount % self._dislikes == 0:
            return Refusal("not_payable", "This rail does not like the amount.")
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        self._provider.note_attempt(batch, transfers)
        found = in_order(self, batch, transfers)
        check_key(batch, self.remembers, at)

        def hand_over() -> Handed:
            self._provider.receive(self.kind, batch, found)
            return self._handed(batch, found, at)

        return self._wire.outside(self._call, hand_over, _sending_fails)  # type: ignore[no-any-return]

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        def ask() -> Handed | None:
            provider = self._provider
            if self._answers and not provider.over and provider.chance.random() < 0.1:
                raise Unsure("500")
            if not provider.ever_took(batch.batch) or (self._answers and not batch.provider_id):
                return None
            if not self._answers:
                rest = Outcome(payout="", state=PayoutStatus.SENT)
                return Handed(provider_id=_provider_id(batch), file=f"{batch.batch}.csv", rest=rest)
            return self._says(batch, provider.asked[batch.batch])

        return self._wire.outside(self._call.split()[0] + " get", ask, Unsure)  # type: ignore[no-any-return]

    def _handed(self, batch: Batch, found: Sequence[Transfer], at: datetime) -> Handed:
        if self._answers and self._provider.chance.random() < 0.5:
            return self._says(batch, [(each.payout, each.amount, each.currency, "") for each in found])
        file = "" if self._answers else f"{batch.batch}.csv"
        return Handed(provider_id=_provider_id(batch), file=file, outcomes=sent(found))

    def _says(self, batch: Batch, those: Any) -> Handed:
        """What is known of each payment now; of some nothing is said yet."""
        provider, outcomes = self._provider, []
        for payout, *_ in sorted(those):
            if provider.over or provider.chance.random() < 0.9:
                state, reason = provider.payments[payout][0].stands(provider.now())
                outcomes.append(Outcome(payout=payout, state=state, reason=reason, reference=f"ref {payout}"))
        rest = Outcome(payout="", state=PayoutStatus.SENT) if provider.chance.random() < 0.5 else None
        return Handed(provider_id=_provider_id(batch), outcomes=tuple(outcomes), rest=rest)


class Kms:
    """Seals data keys for one partner each, as KMS does by its encryption context."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def generate_data_key(self, KeyId: str, KeySpec: str, EncryptionContext: Mapping[str, str]) -> dict[str, bytes]:
        return {"Plaintext": _data_key(EncryptionContext), "CiphertextBlob": _context(EncryptionContext)}

    def decrypt(self, KeyId: str, CiphertextBlob: bytes, EncryptionContext: Mapping[str, str]) -> dict[str, bytes]:
        def opened() -> dict[str, bytes]:
            if _context(EncryptionContext) != CiphertextBlob:
                raise ClientError({"Error": {"Code": "InvalidCiphertextException"}}, "Decrypt")
            return {"Plaintext": _data_key(EncryptionContext)}

        if self._wire is None:
            return opened()
        return self._wire.outside("KMS decrypt", opened, _kms_fails)  # type: ignore[no-any-return]


def _context(said: Mapping[str, str]) -> bytes:
    return json.dumps(said, sort_keys=True).encode()


def _data_key(said: Mapping[str, str]) -> bytes:
    return hashlib.sha256(_context(said)).digest()


def _kms_fails(kind: str) -> Exception:
    if kind in ("throttled", "not sent"):
        return ClientError({"Error": {"Code": "ThrottlingException"}}, "Decrypt")
    return ReadTimeoutError(endpoint_url="https://kms")


def _sending_fails(kind: str) -> Exception:
    return NotReached("Nobody there.") if kind == "not sent" else Unsure(kind)


def _place(transfer: Transfer) -> str:
    to = transfer.destination
    return f"{to.holder} {to.iban}{to.email}{to.instructions}"


def _provider_id(batch: Batch) -> str:
    return f"at the provider {batch.batch}"
