"""Traces in BOOKS: what one client looks like to the detectors, listed under the partner by the day of registration.

The engine writes them in its own transaction (`accruals`). What the registration says of the person is in attributes
of its own: a later change of the trace leaves it as it is, and erasing the person removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.calendar import DAY_MS, day_at
from introducer.domain.fraud.trace import Flow, Trace
from introducer.store import keys
from introducer.store.wire import Wire, connect, from_wire, reading

TRACE_DAYS = 400
"""How long a trace is kept, from the registration on: as long as clicks are."""

PERSONAL = ("email", "phone", "device", "address", "prefix", "pattern")
"""The attributes that say who somebody is, as keyed hashes."""

GONE = "gone"
"""On a trace whose client is another partner's now."""


def trace_to_item(partner: str, trace: Trace) -> dict[str, Any]:
    """The item of a trace, with what the registration says."""
    return {
        **_key(partner, trace.registered, trace.client).item(),
        "trace": _text(trace),
        **{name: getattr(trace, name) or None for name in PERSONAL},
        "disposable": 1 if trace.disposable else None,
        keys.TTL: _expires(trace.registered),
    }


def trace_update(connection: Connection, table: str, partner: str, trace: Trace) -> dict[str, Any]:
    """The part of a transaction that changes a trace, and leaves what the registration said."""
    key = _key(partner, trace.registered, trace.client)
    actions = [Path("trace").set(_text(trace)), Path(keys.TTL).set(_expires(trace.registered)), Path(GONE).remove()]
    return connection.get_operation_kwargs(table, key.pk, key.sk, actions=actions)


def gone_item(partner: str, registered: int, client: str) -> dict[str, Any]:
    """What stands where a trace stood of a client that is not the partner's any more, or registered at another time."""
    return {**_key(partner, registered, client).item(), GONE: 1, keys.TTL: _expires(registered)}


def trace_from_item(item: Mapping[str, Any]) -> Trace | None:
    """The trace of an item; None where the client is another's now."""
    if GONE in item or "trace" not in item:
        return None
    said = json.loads(item["trace"])
    for name in ("deposits", "withdrawals"):
        said[name] = tuple(Flow(*flow) for flow in said.get(name, ()))
    for name in ("kyc", "qualified", "disallowed"):
        said[name] = bool(said.get(name))
    return Trace(
        client=keys.parts(item[keys.SK])[2],
        **said,
        **{name: item.get(name, "") for name in PERSONAL},
        disposable=bool(item.get("disposable")),
    )


def trace_of_image(image: Wire) -> tuple[str, str] | None:
    """The partner and the client that a trace in a stream's image is of; None when the image is of something else."""
    item = from_wire({name: image[name] for name in (keys.PK, keys.SK) if name in image})
    if not item.get(keys.SK, "").startswith(keys.prefix("trace")):
        return None
    return keys.parts(item[keys.PK])[1], keys.parts(item[keys.SK])[2]


class Traces:
    """Reads of traces."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def since(self, partner: str, day: str, most: int = 5000) -> list[Trace]:
        """The traces of clients who registered on a UTC day or later, the oldest first; of more than `most`, the
        newest."""
        found: list[Trace] = []
        start: Any = None
        condition = Path(keys.SK) >= keys.prefix("trace", registered=day)
        while len(found) < most:
            with reading():
                answer = self._connection.query(
                    self._table,
                    keys.partition("trace", partner=partner),
                    range_key_condition=condition,
                    exclusive_start_key=start,
                    scan_index_forward=False,
                )
            found += [trace for trace in map(trace_from_item, map(from_wire, answer["Items"])) if trace]
            start = answer.get("LastEvaluatedKey")
            if not start:
                break
        return sorted(found[:most], key=lambda trace: (trace.registered, trace.client))


def _key(partner: str, registered: int, client: str) -> keys.Key:
    return keys.key("trace", partner=partner, registered=day_at(registered), client=client)


def _expires(registered: int) -> int:
    return (registered + TRACE_DAYS * DAY_MS) // 1000


def _text(trace: Trace) -> str:
    said: dict[str, Any] = {
        "registered": trace.registered,
        "link": trace.link,
        "campaign": trace.campaign,
        "since_click": trace.since_click,
        "country": trace.country,
        "kyc": int(trace.kyc),
        "deposits": trace.deposits,
        "withdrawals": trace.withdrawals,
        "chargebacks": trace.chargebacks,
        "qualified": int(trace.qualified),
        "trades": trace.trades,
        "lots": trace.lots,
        "quick_lots": trace.quick_lots,
        "flat_lots": trace.flat_lots,
        "disallowed": int(trace.disallowed),
    }
    kept = {name: value for name, value in said.items() if value or (value == 0 and name == "since_click")}
    return json.dumps(kept, separators=(",", ":"))
