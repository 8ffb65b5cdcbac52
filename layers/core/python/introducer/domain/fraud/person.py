"""A person as the index knows one: by a single thing that it has. Light to import: the postback asks by it."""

from __future__ import annotations

from typing import NamedTuple


class Person(NamedTuple):
    """An e-mail, phone, device or address, by its keyed hash."""

    kind: str
    hash: str
