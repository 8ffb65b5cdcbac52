"""Invented company names, of a place or a thing and a trade: no person, and the same ones for the same seed."""

from __future__ import annotations

import random

_FIRST = (
    "Amber",
    "Arctic",
    "Basalt",
    "Birch",
    "Bramble",
    "Cinder",
    "Cobalt",
    "Copper",
    "Coral",
    "Drift",
    "Ember",
    "Fable",
    "Fern",
    "Flint",
    "Granite",
    "Harbour",
    "Hazel",
    "Indigo",
    "Ivory",
    "Juniper",
    "Kestrel",
    "Lantern",
    "Larch",
    "Marble",
    "Meadow",
    "Nimbus",
    "Onyx",
    "Orchid",
    "Pebble",
    "Quarry",
    "Raven",
    "Saffron",
    "Sable",
    "Sierra",
    "Tundra",
    "Umber",
    "Velvet",
    "Walnut",
    "Willow",
    "Zephyr",
)
_SECOND = (
    "beam",
    "bridge",
    "court",
    "crest",
    "field",
    "forge",
    "gate",
    "grove",
    "haven",
    "hill",
    "mark",
    "mill",
    "moor",
    "peak",
    "port",
    "reach",
    "ridge",
    "stone",
    "way",
    "wick",
)
_TRADE = {
    "affiliate": ("Media", "Review", "Compare", "Digest", "Traffic", "Signals", "Broadcast", "Click Lab"),
    "ib": ("Capital", "Trading School", "Markets Club", "Partners", "Advisory", "Desk", "Academy", "Network"),
}


def company_names(kinds: list[str], chance: random.Random) -> list[str]:
    """One name for each partner of these kinds, all different."""
    first = chance.sample(_FIRST, len(_FIRST))
    names: list[str] = []
    for number, kind in enumerate(kinds):
        stem = first[number % len(first)] + chance.choice(_SECOND)
        names.append(f"{stem} {chance.choice(_TRADE[kind])}")
    return names
