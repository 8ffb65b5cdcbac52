"""What a name may lead to before anything is sent there: public addresses, and of those all."""

from __future__ import annotations

import socket

import pytest

from introducer.domain.errors import Invalid, Unavailable
from introducer.gateways.public_address import MOST_ADDRESSES, is_public, public_addresses

PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "193.0.6.139",
    "223.255.255.255",
    "2600:1f18::1",
    "2a00:1450:4001:81b::200e",
    "2606:4700::6810:84e5",
)
REFUSED = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.8.9.10",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2600:1f18::1%1",
    "fec0::1",
    "ff02::1",
    "8.8.8.8 ",
    "08.8.8.8",
    "0x8.8.8.8",
    "134744072",
    "localhost",
    "",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address: str) -> None:
    assert is_public(address)
    assert public_addresses("partner.test", 443, seconds=9, resolve=lambda *_: [address]) == (address,)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_no_public_address_is_refused_even_beside_a_public_one(address: str) -> None:
    assert not is_public(address)
    for found in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        with pytest.raises(Invalid) as refused:
            public_addresses("partner.test", 443, seconds=9, resolve=lambda *_, found=found: found)
        assert refused.value.code == "address_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "::1", "localhost"])
def test_however_this_machine_is_written_the_systems_resolver_shows_it(host: str) -> None:
    with pytest.raises(Invalid) as refused:
        public_addresses(host, 443, seconds=9)
    assert refused.value.code == "address_refused"


def test_the_local_stage_reaches_this_machine_and_nothing_else_that_is_private() -> None:
    given = {"loopback": True, "seconds": 9.0}
    assert public_addresses("here.test", 80, resolve=lambda *_: ["127.0.0.1", "::1"], **given) == ("127.0.0.1", "::1")
    for address in ("169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1"):
        with pytest.raises(Invalid):
            public_addresses("here.test", 80, resolve=lambda *_, each=address: [each], **given)


def test_a_name_that_has_no_address_may_have_one_later() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    for resolve in (unknown, lambda *_: []):
        with pytest.raises(Unavailable) as failed:
            public_addresses("gone.test", 443, seconds=9, resolve=resolve)
        assert failed.value.code == "name_unresolved"


def test_a_name_with_more_addresses_than_are_looked_at_is_refused() -> None:
    many = [f"8.8.{at}.8" for at in range(MOST_ADDRESSES + 1)]
    with pytest.raises(Invalid):
        public_addresses("many.test", 443, seconds=9, resolve=lambda *_: many)


def test_a_resolver_that_does_not_answer_is_not_waited_for() -> None:
    from threading import Event

    ends = Event()

    def hangs(host: str, port: int) -> list[str]:
        ends.wait(60)
        return ["8.8.8.8"]

    with pytest.raises(Unavailable) as failed:
        public_addresses("slow.test", 443, seconds=0.01, resolve=hangs)
    ends.set()
    assert failed.value.code == "name_unresolved"
