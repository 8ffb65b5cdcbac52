"""A journal whose partner is not known: its id names the month alone, so the keys of those it may belong to are tried,
a hundred in a request. For operator commands; whoever serves a partner knows the partner."""

from __future__ import annotations

from collections.abc import Sequence

from introducer.domain.ledger import Journal, journal_month
from introducer.store import keys
from introducer.store.ledger import journal_from_item
from introducer.store.wire import batch_get, connect


class JournalSearch:
    """Reads of the books."""

    def __init__(self, table: str, region: str | None = None, host: str | None = None) -> None:
        self._table = table
        self._connection = connect(table, region=region, host=host)

    def among(self, partners: Sequence[str], journal: str) -> list[Journal]:
        """The journals of these partners that have this id: one, none, or none where it is no journal's id. Raises
        `Unavailable`."""
        month = journal_month(journal)
        if month is None:
            return []
        wanted = [keys.key("journal", partner=partner, month=month, journal=journal) for partner in partners]
        return [journal_from_item(item) for item in batch_get(self._connection, self._table, wanted)]
