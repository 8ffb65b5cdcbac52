"""The languages of platforms: what a message, a page or a file of theirs says, as events in our own words.

    dialect = dialects.of("mt5")
    settings = dialect.settings("mt5-live", "brd_one", {"currency": "USD", "time_zone": "America/New_York+7"})
    for line in dialect.each(body, source=settings, received_at=now): …

A dialect is a table of fields with a few words beside it (`model.Dialect`); docs/decisions/0034-a-dialect-is-a-table.md
says why, docs/sources/ what each one reads.
"""

from __future__ import annotations

from importlib import import_module

from introducer.domain.errors import Invalid
from introducer.sources.dialects.model import Dialect

_MODULES = {
    "json": "json_events",
    "s2s": "s2s",
    "mt5": "mt5",
    "ctrader": "ctrader",
    "hasoffers": "hasoffers",
}
_FORMER = {"introducer": "json"}
"""What sources were registered with before there was a choice."""


def names() -> tuple[str, ...]:
    """Every dialect there is."""
    return tuple(_MODULES)


def of(name: str) -> Dialect:
    """The dialect of this name. Raises `Invalid` (`unknown_dialect`)."""
    module = _MODULES.get(_FORMER.get(name, name))
    if module is None:
        raise Invalid(
            f"Nobody here reads the dialect {name[:40]!a}: say {', '.join(_MODULES)}.", code="unknown_dialect"
        )
    # Imported when it is asked for: a function that reads one language does not load the others.
    found: Dialect = import_module(f"{__name__}.{module}").DIALECT
    return found
