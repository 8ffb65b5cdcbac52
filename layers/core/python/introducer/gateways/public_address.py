"""Which addresses of the internet we may speak to when somebody else names the host.

A partner or an operator gives a URL; where its name leads is decided by whoever holds the name, and may change between
two looks. So a name is resolved once, **every** address that it has must be a public one, and the connection is made to
exactly the address that was checked. Private networks, this machine, the link (where a cloud keeps its metadata),
carriers' shared space, multicast, reserved space, and IPv6 addresses that carry an IPv4 address within them are
refused: https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from introducer.domain.errors import Invalid, Unavailable

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a host, in the order to try them. Raises OSError when it has none."""

MOST_ADDRESSES = 32
"""Addresses of one name that are looked at; a name with more is refused."""

_REFUSED_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' shared space
            "127.0.0.0/8",  # this machine
            "169.254.0.0/16",  # the link, and the clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""All that is given out as public. What lies outside (this machine, the link, unique local, site-local, multicast,
addresses mapped from IPv4, NAT64's 64:ff9b::/96 and 64:ff9b:1::/48) is refused with it."""
_REFUSED_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address is in it
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether this IP address is a public one. What is no address, or names a zone of this machine, is not."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _REFUSED_4)
    # `fe80::1%eth0` is read as fe80::1 with a zone: a public address has none.
    return found.scope_id is None and found in _GLOBAL_6 and not any(found in network for network in _REFUSED_6)


def is_loopback(address: str) -> bool:
    """Whether this IP address is this machine's own, written plainly: 127.0.0.0/8 or ::1."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None


def public_addresses(
    host: str,
    port: int,
    *,
    seconds: float,
    loopback: bool = False,
    resolve: Resolve | None = None,
) -> tuple[str, ...]:
    """The addresses of `host`, all of them public; the resolver has `seconds` to answer.

    `loopback` also lets this machine through: for the local stage alone. Raises `Invalid` (`address_refused`) when one
    of the addresses is not public, and `Unavailable` (`name_unresolved`) when the name has none just now.
    """
    try:
        found = tuple(dict.fromkeys(_within(seconds, resolve or _of_system, host, port)))
    except TimeoutError as error:
        raise Unavailable(f"The name {host} was not resolved in time.", code="name_unresolved") from error
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The name {host} has no address.", code="name_unresolved") from error
    if not found:
        raise Unavailable(f"The name {host} has no address.", code="name_unresolved")
    fine = len(found) <= MOST_ADDRESSES and all(is_public(each) or (loopback and is_loopback(each)) for each in found)
    if not fine:
        # One that is not public refuses all: else whoever holds the name would choose which one is met.
        raise Invalid(
            f"The name {host} leads to an address that is not public: nothing is sent there.", code="address_refused"
        )
    return found


def _of_system(host: str, port: int) -> Sequence[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _within(seconds: float, resolve: Resolve, host: str, port: int) -> Sequence[str]:
    """What `resolve` answers, or TimeoutError. The system's resolver cannot be told how long it has, so it works in a
    thread that is left behind when it is late; it ends by itself."""
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(resolve(host, port))
        except Exception as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], Exception):
        raise answer[0]
    found: Sequence[str] = answer[0]
    return found
