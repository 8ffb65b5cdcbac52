"""Links in BOOKS by their ids, many at once: what each is called, and of which campaign it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from introducer.store import keys
from introducer.store.wire import batch_get, connect


class LinkName(NamedTuple):
    """A link in a list of figures."""

    code: str
    name: str
    """What its partner calls it; may be empty."""
    campaign: str


class LinkNames:
    """Reads of links by their ids, which are their first codes."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def of(self, links: Collection[str]) -> dict[str, LinkName]:
        """Those of them that there are, by id: a read for every hundred. Raises `Unavailable`."""
        wanted = [keys.key("link", code=link) for link in sorted(links)]
        found = batch_get(self._connection, self._table, wanted, ["code", "name", "campaign"]) if wanted else []
        return {each["code"]: LinkName(each["code"], each.get("name") or "", each["campaign"]) for each in found}
