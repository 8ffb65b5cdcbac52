"""Who people of the demo world are; its clients as their platform tells it: invented people at example domains, one
address, phone and device each. Two who came by the same browser have its device in common, as households have."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple


class _Names(NamedTuple):
    code: str
    """Of the country's telephones."""
    first: tuple[str, ...]
    last: tuple[str, ...]


_NAMES: Mapping[str, _Names] = {
    "DE": _Names("49", ("anna", "jonas", "lena", "felix", "mia"), ("becker", "vogel", "krause", "brandt", "seidel")),
    "AT": _Names("43", ("lukas", "sophie", "jakob", "laura", "elias"), ("gruber", "moser", "pichler", "egger", "lang")),
    "ES": _Names("34", ("lucia", "pablo", "carmen", "diego", "elena"), ("romero", "vidal", "ortega", "serrano", "gil")),
    "GB": _Names("44", ("oliver", "emily", "harry", "grace", "tom"), ("turner", "hughes", "cole", "bennett", "shaw")),
    "PL": _Names("48", ("zofia", "jan", "maja", "piotr", "ewa"), ("nowak", "wrona", "lis", "mazur", "kaczmarek")),
    "JP": _Names("81", ("yuki", "haruto", "aoi", "ren", "mei"), ("sato", "kondo", "mori", "hayashi", "ono")),
    "TH": _Names("66", ("somchai", "malee", "anong", "niran", "ploy"), ("saetang", "srisuk", "chaiya", "dee")),
    "AE": _Names("971", ("omar", "layla", "hassan", "noor", "yusuf"), ("haddad", "mansour", "saleh", "nasser", "aziz")),
    "KW": _Names("965", ("fahad", "dana", "khaled", "reem", "sara"), ("rashid", "ajmi", "enezi", "mutairi", "sabah")),
}  # fmt: skip
_MAIL = ("mail.example", "post.example", "inbox.example", "webmail.example", "home.example")


def person(client: str, country: str, visitor: int | None = None) -> dict[str, str]:
    """The e-mail address, phone and device of a client: always the same for the same one. `visitor` is whose browser it
    came by; None when nobody knows."""
    chance = random.Random(f"person/{client}")
    names = _NAMES[country]
    first, last = chance.choice(names.first), chance.choice(names.last)
    own = chance.choice((f"{first}.{last}", f"{first}{last[0]}", f"{first[0]}.{last}", f"{last}.{first}"))
    return {
        "email": f"{own}{int(client) % 10_000}@{chance.choice(_MAIL)}",
        "phone": f"+{names.code}555{client[-6:]}",
        "device": device(f"visitor/{visitor}" if visitor is not None else f"client/{client}"),
    }


def full_name(of: str, country: str) -> str:
    """The name of somebody in a country: always the same one for whoever it is of."""
    chance, names = random.Random(f"name/{of}"), _NAMES[country]
    return f"{chance.choice(names.first).capitalize()} {chance.choice(names.last).capitalize()}"


def device(of: str) -> str:
    """A fingerprint as platforms' scripts make it."""
    return f"{random.Random(f'device/{of}').getrandbits(64):016x}"
