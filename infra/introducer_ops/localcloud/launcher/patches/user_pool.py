"""A user pool that several callers add people to at once."""

from __future__ import annotations

from typing import Any

from ministack.services import cognito


def apply() -> None:
    """Who is looked for by an alias is looked for among those there are now, and who have it at all: the emulator goes
    through the pool itself, twice and slowly, and fails where somebody is added meanwhile."""
    look = cognito._resolve_user

    def resolve(pool: dict[str, Any], username: str | None) -> Any:
        if username in pool["_users"]:
            return look(pool, username)
        known = {
            name: user
            for name, user in dict(pool["_users"]).items()
            if any(each.get("Value") == username for each in user.get("Attributes", ()))
        }
        return look({**pool, "_users": known}, username)

    cognito._resolve_user = resolve
