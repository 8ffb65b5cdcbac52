"""Names of the people who did something. The books keep ids alone."""

from __future__ import annotations

from introducer.domain.errors import NotFound
from introducer.store.configuration import Configuration

SYSTEM = "system:"
"""What stands before the name of whatever did something by itself."""


class Names:
    """Names of members, each read once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, str] = {"": ""}

    def of(self, member: str) -> str:
        """The member's name; empty for a login that is gone, and for what no person did."""
        if member.startswith(SYSTEM):
            return ""
        if member not in self._known:
            try:
                self._known[member] = self._configuration.member(member).name
            except NotFound:
                self._known[member] = ""
        return self._known[member]
