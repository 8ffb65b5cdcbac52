"""Payout schedules in BOOKS: when a brand pays, and under which conditions. Each change has its audit record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.ids import derived_id
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.store import keys
from introducer.store.audit import audit_record, audit_to_item
from introducer.store.reservations import write_all
from introducer.store.wire import connect, from_wire, put_operation, reading

_NUMBERS = ("days_after", "cool_off_days", "deadline_hours", "remind_hours", "confirm_days")


class PayoutSchedules:
    """Reads and conditional writes of schedules. A brand has few."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def get(self, brand: str, schedule: str) -> PayoutSchedule:
        """A schedule as it stands now. Raises `NotFound`."""
        key = keys.key("payout_schedule", brand=brand, schedule=schedule)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            raise NotFound("There is no such payout schedule.")
        return schedule_from_item(from_wire(answer["Item"]))

    def of_brand(self, brand: str) -> list[PayoutSchedule]:
        """All schedules of a brand, by name."""
        found: list[PayoutSchedule] = []
        start = None
        while True:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("payout_schedule", brand=brand),
                    exclusive_start_key=start,
                    consistent_read=True,
                )
            found += [schedule_from_item(from_wire(item)) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                return found

    def put(self, before: PayoutSchedule | None, after: PayoutSchedule, change: Change) -> None:
        """A new schedule, or one as it is from now on. Raises `Conflict` (code `schedule_changed`) when it is not as it
        was read."""
        condition = (
            Path(keys.PK).does_not_exist()
            if before is None
            else Path("settings") == schedule_to_item(before)["settings"]
        )
        item, told = schedule_to_item(after), None if before is None else schedule_to_item(before)
        audit = audit_to_item(
            audit_record(
                after.brand,
                "set_payout_schedule",
                change,
                None if told is None else {"schedule": before and before.schedule, "settings": told["settings"]},
                {"schedule": after.schedule, "settings": item["settings"]},
                brand=after.brand,
            )
        )
        puts = [
            put_operation(self._connection, self._table, item, condition),
            put_operation(self._connection, self._table, audit, Path(keys.PK).does_not_exist()),
        ]
        if not write_all(self._connection, puts, (), (), token=derived_id("t", *puts)):
            raise Conflict("The schedule was changed meanwhile: read it again.", code="schedule_changed")


def schedule_to_item(schedule: PayoutSchedule) -> dict[str, Any]:
    """The item of a schedule."""
    settings = {
        "cadence": schedule.cadence.value,
        "time_zone": schedule.time_zone,
        "currency": schedule.currency,
        "minimums": dict(schedule.minimums),
        "paused": schedule.paused,
        **{name: getattr(schedule, name) for name in _NUMBERS},
    }
    return {
        **keys.key("payout_schedule", brand=schedule.brand, schedule=schedule.schedule).item(),
        "brand": schedule.brand,
        "schedule": schedule.schedule,
        "settings": json.dumps(settings, sort_keys=True, separators=(",", ":")),
    }


def schedule_from_item(item: Mapping[str, Any]) -> PayoutSchedule:
    """The schedule of an item."""
    settings = json.loads(item["settings"])
    return PayoutSchedule(
        brand=item["brand"],
        schedule=item["schedule"],
        cadence=Cadence(settings["cadence"]),
        time_zone=settings["time_zone"],
        currency=settings["currency"],
        minimums=settings["minimums"],
        paused=settings["paused"],
        **{name: settings[name] for name in _NUMBERS},
    )
