"""Which journal is this, when nobody said whose it is? For operator commands."""

from __future__ import annotations

from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.ledger import Journal, journal_month
from introducer.store.configuration import Configuration
from introducer.store.journal_search import JournalSearch


def check_journal_id(journal: str) -> None:
    """Raises `Invalid` when this cannot be the id of a journal."""
    if journal_month(journal) is None:
        raise Invalid(
            f"{journal[:60]!r} is not an earning's number: that begins with jrn_ and stands at the foot of its page.",
            code="not_a_journal",
        )


def find_journal(configuration: Configuration, search: JournalSearch, *, brand: str, journal: str) -> Journal:
    """The journal with this id among a brand's partners: their list is read a page at a time, each page's keys in one
    request, and nothing is scanned. Raises `Invalid`, `NotFound`, `Conflict` when two partners have one of that id."""
    check_journal_id(journal)
    found: list[Journal] = []
    cursor: str | None = None
    while True:
        page = configuration.cards(brand, cursor, limit=100)
        found += search.among([card.partner for card in page.items], journal)
        cursor = page.cursor
        if found or cursor is None:
            break
    if not found:
        raise NotFound(f"No partner of {brand} has an earning {journal}.")
    if len(found) > 1:
        owners = ", ".join(sorted(each.key.partner for each in found))
        raise Conflict(f"{journal} is an earning of several partners: say --partner, one of {owners}.")
    return found[0]
