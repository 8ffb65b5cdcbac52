"""Deliveries of outbound postbacks in BOOKS: one item each, with its tries, listed under its target."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from introducer.domain.errors import NotFound
from introducer.domain.events import from_milliseconds, milliseconds
from introducer.domain.postback_out import (
    KEPT,
    MACROS,
    Attempt,
    Delivery,
    DeliveryStatus,
    News,
    news_from_text,
    news_of_amount,
)
from introducer.store import keys
from introducer.store.owned import owned_places
from introducer.store.paging import Page
from introducer.store.partitions import one, whole
from introducer.store.wire import Refused, Wire, connect, from_wire, to_wire, writing

_ID = re.compile(r"dlv_[0-9A-Z]{26}", re.ASCII)
_CLIENT = keys.parts(keys.partition("client", brand="", client=""))[0]
_JOURNAL, _OF_JOURNAL = "jrn_", ("client", "rule", "amount", "currency", "posted_at")


def delivery_to_item(delivery: Delivery) -> dict[str, Any]:
    """The item of a delivery, with its place in the target's log."""
    return {
        **keys.key("delivery", brand=delivery.brand, about=delivery.about, delivery=delivery.delivery).item(),
        **keys.owner_key(
            "delivery", target=delivery.target, created=f"{delivery.created:013}", delivery=delivery.delivery
        ),
        "of": delivery.of,
        "target": delivery.target,
        "event": delivery.event,
        "test": int(delivery.test),
        "values": json.dumps({name: value for name, value in delivery.values.items() if value}, sort_keys=True),
        "status": delivery.status.value,
        "created": delivery.created,
        "until": delivery.until,
        "next_at": delivery.next_at,
        "tries": delivery.tries,
        "since": delivery.since,
        "attempts": json.dumps(delivery.attempts),
        keys.TTL: milliseconds(from_milliseconds(delivery.created) + KEPT) // 1000,
    }


def delivery_from_item(item: Mapping[str, Any]) -> Delivery:
    """The delivery of an item."""
    _, brand, about = keys.parts(item[keys.PK])
    return Delivery(
        delivery=keys.unescape(item[keys.SK]),
        of=item["of"],
        target=item["target"],
        brand=brand,
        about=about,
        event=item["event"],
        test=bool(item["test"]),
        values=dict.fromkeys(MACROS, "") | json.loads(item["values"]),
        status=DeliveryStatus(item["status"]),
        created=item["created"],
        until=item["until"],
        next_at=item["next_at"],
        tries=item["tries"],
        since=item["since"],
        attempts=tuple(Attempt(*each) for each in json.loads(item["attempts"])),
    )


def news_of_image(image: Wire) -> tuple[News, ...] | None:
    """What an item of the stream tells: a client's state with news beside it, or a journal that earns something. None
    for anything else."""
    pk, sk = (image.get(name, {}).get("S", "") for name in (keys.PK, keys.SK))
    if pk.startswith(_CLIENT + "#") and "news" in image:
        _, brand, client = keys.parts(pk)
        return news_from_text(image["news"]["S"], brand, client)
    if sk.startswith(_JOURNAL):
        _, partner, *_ = keys.parts(pk)
        said = from_wire({name: image[name] for name in _OF_JOURNAL})
        journal = keys.unescape(sk)
        return (
            news_of_amount(
                journal, partner, said["client"], said["rule"], said["amount"], said["currency"], said["posted_at"]
            ),
        )
    return None


class Deliveries:
    """Reads and conditional writes of deliveries. All of them may raise `Unavailable`."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    # ------------------------------------------------------------------------------------------------------ reads

    def delivery(self, brand: str, about: str, delivery: str) -> Delivery:
        """One delivery, as it stands now. Raises `NotFound`."""
        item = None
        if _ID.fullmatch(delivery):
            item = one(self._connection, self._table, keys.key("delivery", brand=brand, about=about, delivery=delivery))
        if item is None:
            raise NotFound("There is no such delivery.", code="no_such_delivery")
        return delivery_from_item(item)

    def of_target(self, target: str, cursor: str | None = None, limit: int = 50) -> Page[Delivery]:
        """A page of what a target was told, newest first."""
        owner = keys.owner_partition("delivery", target=target)
        page = owned_places(self._connection, self._table, owner, cursor, limit, newest_first=True)
        return Page(tuple(delivery_from_item(item) for _, item in page.items), page.cursor)

    def of_client(self, brand: str, client: str) -> Iterator[Delivery]:
        """All that targets are told of a client, in no promised order."""
        pk = keys.partition("delivery", brand=brand, about=client)
        return map(delivery_from_item, whole(self._connection, self._table, pk))

    def place(self, target: str, created: str, delivery: str) -> Delivery:
        """One delivery by its place in the log of its target: `created` is its moment in ms. Raises `NotFound`."""
        if _ID.fullmatch(delivery) and created.isascii() and created.isdigit() and len(created) <= 13:
            # The index alone knows under which client it lies.
            after = keys.owner_key("delivery", target=target, created=f"{int(created):013}", delivery=delivery)
            owner = keys.owner_partition("delivery", target=target)
            page = owned_places(self._connection, self._table, owner, after[keys.OWNER_SK] + "~", 1, newest_first=True)
            for _, item in page.items:
                found = delivery_from_item(item)
                if found.delivery == delivery:
                    return found
        raise NotFound("There is no such delivery.", code="no_such_delivery")

    # ----------------------------------------------------------------------------------------------------- writes

    def create(self, delivery: Delivery) -> bool:
        """Whether it is new; one with this id is left as it is."""
        return self._put(delivery, Path(keys.PK).does_not_exist())

    def move(self, before: Delivery, after: Delivery) -> bool:
        """Whether the delivery went from one state to the next: not, when somebody else moved it meanwhile."""
        as_read = (Path("tries") == before.tries) & (Path("status") == before.status.value)
        return self._put(after, as_read & (Path("until") == before.until))

    def _put(self, delivery: Delivery, condition: Any) -> bool:
        values = to_wire(delivery_to_item(delivery))
        pk, sk = values.pop(keys.PK)["S"], values.pop(keys.SK)["S"]
        try:
            with writing():
                self._connection.put_item(self._table, pk, sk, attributes=values, condition=condition)
        except Refused:
            return False
        return True
