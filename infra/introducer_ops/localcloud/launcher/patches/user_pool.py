"""A user pool that several callers add people to at once."""

from __future__ import annotations

from typing import Any

from ministack.services import cognito


def apply() -> None:
    """Who is looked for by an alias is looked for among those there are now: the emulator goes through the pool itself,
    and fails where somebody is added meanwhile."""
    look = cognito._resolve_user

    def resolve(pool: dict[str, Any], username: str | None) -> Any:
        if username in pool["_users"]:
            return look(pool, username)
        return look({**pool, "_users": dict(pool["_users"])}, username)

    cognito._resolve_user = resolve
