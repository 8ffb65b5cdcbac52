"""Names of the people who did something: the books keep ids alone. And who reads a partner's mail."""

from __future__ import annotations

from collections.abc import Iterator

from introducer.domain.configuration import Member, Role
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


def owners_of(configuration: Configuration, partner: str) -> Iterator[Member]:
    """Everybody who reads the partner's mail. Raises `Unavailable`."""
    return (each for each in configuration.every_member(partner) if each.role is Role.OWNER)
