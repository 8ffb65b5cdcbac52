"""Runs, payouts, batches and those left out, as items of BOOKS and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import (
    Batch,
    BatchStatus,
    LeftOut,
    Part,
    Payout,
    PayoutStatus,
    Run,
    RunStatus,
    Sum,
)
from introducer.domain.rates import Rate
from introducer.store import keys


def run_to_item(run: Run) -> dict[str, Any]:
    """The item of a run."""
    started = milliseconds(run.started_at)
    return _without_none(
        {
            **keys.key("run", brand=run.brand, run=run.run).item(),
            **keys.owner_key("run", brand=run.brand, started=started, run=run.run),
            "brand": run.brand,
            "run": run.run,
            "schedule": run.schedule,
            "first": run.first,
            "through": run.through,
            "pay_day": run.pay_day,
            "status": run.status.value,
            "started_at": started,
            "started_by": run.started_by,
            "why": run.why,
            "rates_day": run.rates_day,
            "rates_feed": run.rates_feed,
            "per_euro": _json(dict(run.per_euro)),
            "sums": _json(
                [
                    [each.status, each.rail, each.currency, each.pay_currency, each.count, each.amount, each.pays]
                    for each in run.sums
                ]
            ),
            "left_out": _json(dict(run.left_out)),
            "token": run.token,
            "asked_at": _at(run.asked_at),
            "deadline": _at(run.deadline),
            "reminders": run.reminders,
            "decided_at": _at(run.decided_at),
            "decided_by": run.decided_by,
            "decision": run.decision,
            "confirm_by": _at(run.confirm_by),
            "closed_at": _at(run.closed_at),
            "version": run.version,
        }
    )


def run_from_item(item: Mapping[str, Any]) -> Run:
    """The run of an item."""
    return Run(
        brand=item["brand"],
        run=item["run"],
        schedule=item["schedule"],
        first=item["first"],
        through=item["through"],
        pay_day=item["pay_day"],
        status=RunStatus(item["status"]),
        started_at=from_milliseconds(item["started_at"]),
        started_by=item["started_by"],
        why=item["why"],
        rates_day=item["rates_day"],
        rates_feed=item["rates_feed"],
        per_euro=json.loads(item["per_euro"]),
        sums=tuple(
            Sum(
                status=PayoutStatus(status),
                rail=RailKind(rail),
                currency=currency,
                pay_currency=pay_currency,
                count=count,
                amount=amount,
                pays=pays,
            )
            for status, rail, currency, pay_currency, count, amount, pays in json.loads(item["sums"])
        ),
        left_out=json.loads(item["left_out"]),
        token=item["token"],
        asked_at=_moment(item, "asked_at"),
        deadline=_moment(item, "deadline"),
        reminders=item["reminders"],
        decided_at=_moment(item, "decided_at"),
        decided_by=item["decided_by"],
        decision=item["decision"],
        confirm_by=_moment(item, "confirm_by"),
        closed_at=_moment(item, "closed_at"),
        version=item["version"],
    )


def payout_to_item(payout: Payout) -> dict[str, Any]:
    """The item of a payout."""
    created = milliseconds(payout.created_at)
    return {
        **keys.key("payout", brand=payout.brand, run=payout.run, payout=payout.payout).item(),
        **keys.owner_key("payout", partner=payout.partner, created=created, payout=payout.payout),
        "payout": payout.payout,
        "brand": payout.brand,
        "run": payout.run,
        "partner": payout.partner,
        "name": payout.name,
        "rail": payout.rail.value,
        "currency": payout.currency,
        "amount": payout.amount,
        "pay_currency": payout.pay_currency,
        "pays": payout.pays,
        "parts": _json([part_to_json(part) for part in payout.parts]),
        "masked": payout.masked,
        "profile_version": payout.profile_version,
        "status": payout.status.value,
        "status_since": milliseconds(payout.status_since),
        "created_at": created,
        "reason": payout.reason,
        "note": payout.note,
        "batch": payout.batch,
        "reference": payout.reference,
        "notice": payout.notice,
        "version": payout.version,
    }


def payout_from_item(item: Mapping[str, Any]) -> Payout:
    """The payout of an item."""
    return Payout(
        payout=item["payout"],
        brand=item["brand"],
        run=item["run"],
        partner=item["partner"],
        name=item["name"],
        rail=RailKind(item["rail"]),
        currency=item["currency"],
        amount=item["amount"],
        pay_currency=item["pay_currency"],
        pays=item["pays"],
        parts=tuple(part_from_json(part) for part in json.loads(item["parts"])),
        masked=item["masked"],
        profile_version=item["profile_version"],
        status=PayoutStatus(item["status"]),
        status_since=from_milliseconds(item["status_since"]),
        created_at=from_milliseconds(item["created_at"]),
        reason=item["reason"],
        note=item["note"],
        batch=item["batch"],
        reference=item["reference"],
        notice=item["notice"],
        version=item["version"],
    )


def left_out_to_item(brand: str, run: str, left: LeftOut) -> dict[str, Any]:
    """The item that says why a run does not pay a partner."""
    return {
        **keys.key("left_out", brand=brand, run=run, partner=left.partner, currency=left.currency).item(),
        "partner": left.partner,
        "name": left.name,
        "currency": left.currency,
        "amount": left.amount,
        "reason": left.reason,
    }


def left_out_from_item(item: Mapping[str, Any]) -> LeftOut:
    """Who is left out, of an item."""
    return LeftOut(**{name: item[name] for name in ("partner", "name", "currency", "amount", "reason")})


def batch_to_item(batch: Batch) -> dict[str, Any]:
    """The item of a batch."""
    return _without_none(
        {
            **keys.key("batch", brand=batch.brand, run=batch.run, batch=batch.batch).item(),
            "batch": batch.batch,
            "brand": batch.brand,
            "run": batch.run,
            "rail": batch.rail.value,
            "currency": batch.currency,
            "after": batch.after,
            "through": batch.through,
            "status": batch.status.value,
            "count": batch.count,
            "pays": batch.pays,
            "first_tried_at": _at(batch.first_tried_at),
            "trying_since": _at(batch.trying_since),
            "provider_id": batch.provider_id,
            "file": batch.file,
            "note": batch.note,
            "version": batch.version,
        }
    )


def batch_from_item(item: Mapping[str, Any]) -> Batch:
    """The batch of an item."""
    return Batch(
        batch=item["batch"],
        brand=item["brand"],
        run=item["run"],
        rail=RailKind(item["rail"]),
        currency=item["currency"],
        after=item["after"],
        through=item["through"],
        status=BatchStatus(item["status"]),
        count=item["count"],
        pays=item["pays"],
        first_tried_at=_moment(item, "first_tried_at"),
        trying_since=_moment(item, "trying_since"),
        provider_id=item["provider_id"],
        file=item["file"],
        note=item["note"],
        version=item["version"],
    )


def part_to_json(part: Part) -> list[Any]:
    """A part of a payout, as items have it."""
    rate = part.rate
    # A rate passes 2 ** 53: it is a text.
    told = [] if rate is None else [rate.source, rate.target, str(rate.scaled), rate.day, rate.feed]
    return [part.amount, part.month, *told]


def part_from_json(said: Sequence[Any]) -> Part:
    """The part of a payout that an item says."""
    amount, month, *rate = said
    if not rate:
        return Part(amount, month, None)
    source, target, scaled, day, feed = rate
    return Part(amount, month, Rate(source, target, int(scaled), day, feed))


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    return from_milliseconds(item[name]) if name in item else None


def _without_none(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
