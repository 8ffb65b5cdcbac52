"""Scorings in BOOKS: one item per partner, written under the version that was read: by scoring, and by cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pynamodb.connection.base import Connection
from pynamodb.expressions.operand import Path

from introducer.domain.errors import Conflict
from introducer.domain.fraud.scoring import Scoring
from introducer.domain.fraud.seen import Match
from introducer.domain.ids import derived_id
from introducer.store import keys
from introducer.store.reservations import write_all
from introducer.store.wire import connect, from_wire, put_operation, reading


class Scorings:
    """Reads and conditional writes of scorings."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def get(self, brand: str, partner: str) -> Scoring:
        """The partner's scoring as it stands now; an empty one of version 0 when it never was scored."""
        key = keys.key("scoring", partner=partner)
        with reading():
            answer = self._connection.get_item(self._table, key.pk, key.sk, consistent_read=True)
        if "Item" not in answer:
            return Scoring(partner=partner, brand=brand)
        return scoring_from_item(from_wire(answer["Item"]))

    def change(self, before: Scoring, after: Scoring) -> Scoring:
        """The scoring as it is from now on. Raises `Conflict` (code `scoring_changed`) when it is not as it was read,
        and `Unavailable`."""
        put = scoring_put(self._connection, self._table, before, after)
        if not write_all(self._connection, [put], (), (), token=derived_id("t", put)):
            raise Conflict("The partner is being scored by somebody else: read again.", code="scoring_changed")
        return replace(after, version=before.version + 1)


def scoring_put(connection: Connection, table: str, before: Scoring, after: Scoring) -> dict[str, Any]:
    """The part of a transaction that writes a scoring over the version that was read."""
    unchanged = Path("version") == before.version if before.version else Path(keys.PK).does_not_exist()
    return put_operation(connection, table, scoring_to_item(replace(after, version=before.version + 1)), unchanged)


def scoring_to_item(scoring: Scoring) -> dict[str, Any]:
    """The item of a scoring."""
    return {
        **keys.key("scoring", partner=scoring.partner).item(),
        "brand": scoring.brand,
        "scored_at": scoring.scored_at,
        "cases": scoring.cases,
        "open_case": scoring.open_case or None,
        "cleared": json.dumps(scoring.cleared, sort_keys=True, separators=(",", ":")) if scoring.cleared else None,
        "judged": json.dumps(scoring.judged, sort_keys=True, separators=(",", ":")) if scoring.judged else None,
        "matches": json.dumps(scoring.matches, sort_keys=True, separators=(",", ":")) if scoring.matches else None,
        "version": scoring.version,
    }


def scoring_from_item(item: Mapping[str, Any]) -> Scoring:
    """The scoring of an item."""
    return Scoring(
        partner=keys.parts(item[keys.PK])[1],
        brand=item["brand"],
        scored_at=item["scored_at"],
        cases=item["cases"],
        open_case=item.get("open_case", ""),
        cleared=json.loads(item.get("cleared", "{}")),
        judged=json.loads(item.get("judged", "{}")),
        matches={
            client: tuple(Match(*match) for match in found)
            for client, found in json.loads(item.get("matches", "{}")).items()
        },
        version=item["version"],
    )
