"""What kind of network an address is of: a data centre, where nobody browses, or one behind which senders hide.

Two sources. MaxMind DB files, when an operator gives some (a layer with a folder `networks`; its place is the setting
`NETWORKS_FOLDER`): what they hold is told by their own description, so GeoLite2, GeoIP2 and DB-IP files of countries,
cities, autonomous systems and anonymous addresses all serve. Without files, the number of the autonomous system that
CloudFront adds, against the list in `hosting.py`.

`FLAGGED_NETWORKS` says which of the two flags are given, by name; both unless it is set. A brand whose clients trade
through VPNs gives up `anonymous`.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from hosting import HOSTING
from keep import log
from maxmind import Maxmind

ANONYMOUS, HOSTS = "anonymous", "hosting"
FOLDER = "/opt/networks"
"""Where a layer's folder `networks` lies in a Lambda function."""

_HIDES = ("is_tor_exit_node", "is_public_proxy", "is_anonymous_vpn")
"""What of an anonymous address makes a flag. Not `is_residential_proxy`: people live at those addresses too."""


class _Files(NamedTuple):
    systems: list[Maxmind]
    anonymous: list[Maxmind]
    countries: list[Maxmind]


def flags(address: str, system: str = "") -> list[str]:
    """The flags of an address as `Visit.place` gives it; `system` is the number of its autonomous system, if the edge
    says it.

    Empty for an address that nothing is known of, and for one that cannot be read.
    """
    if not address or not (system or any(_files())):
        return []
    return [flag for flag in _kinds(address, system) if flag in _wanted()]


def country(address: str) -> str:
    """ISO code of the country that a file names for the address; empty when no file does."""
    return _country(address) if address and _files().countries else ""


@lru_cache(maxsize=4096)
def _kinds(address: str, system: str) -> tuple[str, ...]:
    files = _files()
    number = int(system) if system.isdecimal() and len(system) <= 10 else 0
    if not number:
        number = next((_whole(said.get("autonomous_system_number")) for said in _said(files.systems, address)), 0)
    hides = hosts = False
    for said in _said(files.anonymous, address):
        hides = hides or any(said.get(name) is True for name in _HIDES)
        hosts = hosts or said.get("is_hosting_provider") is True
    return (*((ANONYMOUS,) if hides else ()), *((HOSTS,) if hosts or number in HOSTING else ()))


@lru_cache(maxsize=4096)
def _country(address: str) -> str:
    for said in _said(_files().countries, address):
        for name in ("country", "registered_country"):
            place = said.get(name)
            code = place.get("iso_code") if isinstance(place, dict) else None
            if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isupper():
                return code
    return ""


def _said(files: list[Maxmind], address: str) -> list[dict[str, Any]]:
    """What each file says of the address. A record that cannot be read says nothing: no file is worth a visitor."""
    found = []
    for file in files:
        try:
            said = file.find(ip_address(address))
        except ValueError:
            continue
        if isinstance(said, dict):
            found.append(said)
    return found


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


@cache
def _wanted() -> frozenset[str]:
    return frozenset(os.environ.get("FLAGGED_NETWORKS", f"{ANONYMOUS} {HOSTS}").split())


@cache
def _files() -> _Files:
    """The files of the folder, opened once. One that cannot be read is told in the log and left out."""
    found = _Files([], [], [])
    for path in sorted(Path(os.environ.get("NETWORKS_FOLDER") or FOLDER).glob("*.mmdb")):
        try:
            file = Maxmind(path)
        except (OSError, ValueError) as error:
            log("ERROR", "networks_unread", file=path.name, reason=f"{type(error).__name__}: {error}"[:200])
            continue
        for kinds, group in ((("ASN", "ISP"), 0), (("Anonymous",), 1), (("City", "Country", "Enterprise"), 2)):
            if any(kind.lower() in file.kind.lower() for kind in kinds):
                found[group].append(file)
    return found
