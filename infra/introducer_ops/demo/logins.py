"""The logins of a running demo world, for commands that look at it: beside the local cloud's own notes, for this
person's eyes alone, and gone with them. They are generated for one run and open nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from introducer_ops.demo.building import Login

FILE = "logins.json"


def note_logins(logins: Mapping[str, Login], state_dir: Path) -> None:
    """Notes who can sign in, by what they are called."""
    path = state_dir / FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        json.dumps([{"role": role, "email": each.email, "password": each.password} for role, each in logins.items()])
    )


def noted_logins(state_dir: Path) -> Sequence[tuple[str, str, str]]:
    """Role, e-mail and password of each; empty when no demo world runs there."""
    try:
        found = json.loads((state_dir / FILE).read_text())
    except FileNotFoundError:
        return ()
    return tuple((each["role"], each["email"], each["password"]) for each in found)
