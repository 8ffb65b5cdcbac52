"""People: their names, which no record of what they did keeps; who did what; and who reads a partner's mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import NotFound
from introducer.store.configuration import Configuration

SYSTEM = "system:"
"""What stands before the name of whatever did something by itself."""
KEY = "key_"
"""What the ids of API keys begin with: a program acts in the place of a member."""


class Names:
    """Names of members, each read once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._known: dict[str, str] = {"": ""}

    def of(self, member: str) -> str:
        """The member's name, or that of an API key; empty for a login that is gone, and for what no person did."""
        if member.startswith(SYSTEM):
            return ""
        if member not in self._known and member.startswith(KEY):
            self._known[member] = self._configuration.api_key_name(member)
        if member not in self._known:
            try:
                self._known[member] = self._configuration.member(member).name
            except NotFound:
                self._known[member] = ""
        return self._known[member]


def by_member(member: Member, at: datetime, why: str) -> Change:
    """What somebody does in the portal, for the audit trail."""
    return Change(by=member.member, at=at, why=why, origin="portal")


def owners_of(configuration: Configuration, partner: str) -> Iterator[Member]:
    """Everybody who reads the partner's mail. Raises `Unavailable`."""
    return (each for each in configuration.every_member(partner) if each.role is Role.OWNER)
