"""The people of the world: their networks, devices and e-mail addresses, and the keyed hashes that are kept of them.

Mobile carriers put thousands of subscribers behind a few addresses, and the largest of a country its busiest network
first; a home has a network of its own more or less; offices and universities put everybody behind one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from benchmarks.fraud.chance import pick
from introducer.domain import identity
from introducer.domain.fraud import seen

KEY = identity.brand_key(b"a secret of the world of fraud", "brd_world")

COUNTRIES = {
    "DE": 10.0, "PL": 8.0, "GB": 8.0, "ES": 7.0, "CZ": 4.0, "AE": 6.0, "TH": 9.0, "ID": 8.0, "VN": 7.0, "IN": 8.0,
    "BR": 6.0, "ZA": 6.0, "NG": 6.0,
}  # fmt: skip
MOBILE = {"DE": 0.4, "GB": 0.45, "CZ": 0.4, "PL": 0.5, "ES": 0.5}
"""Share of people on a carrier's network; elsewhere `MOSTLY`."""
MOSTLY = 0.7
CARRIERS = (0.5, 0.3, 0.2)
NETWORKS_OF_CARRIER, ADDRESSES_OF_NETWORK = 16, 64
HOMES = 6000
"""Networks of homes in a country."""
OFFICES = 25

FIRST = """
    anna jan peter maria lukas sofia marco elena david laura tom nina pavel ivan olga karim fatima ahmed yusuf
    somchai nok budi siti dewi minh linh huong raj priya arjun joao ana bruno thabo lerato chidi ngozi emeka
    grace liam emma noah mia oscar lea felix clara max julia simon eva adam zofia jakub hana tomas petra
    carlos lucia diego carmen
""".split()  # noqa: SIM905
LAST = """
    smith miller schmidt weber novak kowalski nowak garcia lopez martinez fernandez khan ali hassan saeed
    srisai chan wong nguyen tran pham le sharma patel singh kumar silva santos costa pereira dlamini nkosi
    okafor eze adeyemi bello brown jones taylor wilson fischer wagner becker hoffmann svoboda dvorak
    wisniewski wojcik ruiz torres moreno jimenez putra wijaya sari lestari hartono suharto kaya demir yilmaz
    rossi russo bianchi
""".split()  # noqa: SIM905
_WORDS = """
    trader gold lucky forex tiger king blue happy sun moon money wolf eagle star best pro cool fast old big
""".split()  # noqa: SIM905
_DOMAINS = {
    "gmail.com": 60.0, "yahoo.com": 8.0, "hotmail.com": 7.0, "outlook.com": 7.0, "icloud.com": 6.0, "own": 5.0,
    "national": 7.0,
}  # fmt: skip
_THROW_AWAY = ("tempbox.example", "tenminutes.example", "quickinbox.example", "burner.example")


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody goes online from."""

    prefix: str
    address: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who registers. Plain texts: only their hashes get into facts."""

    country: str
    email: str
    phone: str
    device: str
    place: Place
    disposable: bool = False

    def instead(self, **other: object) -> Person:
        """The same, with something else in its place."""
        return replace(self, **other)  # type: ignore[arg-type]


def keyed(kind: str, text: str) -> str:
    """The keyed hash by which facts know an e-mail address, a phone …"""
    return identity.keyed_hash(KEY, kind, text)


def bucket_of(prefix: str) -> int:
    """In which of the buckets clicks from a network are counted."""
    return seen.bucket_of(keyed(identity.PREFIX, prefix))


def a_place(chance: Random, country: str) -> Place:
    """A carrier's network, a home or an office."""
    if chance.random() < MOBILE.get(country, MOSTLY):
        carrier = chance.choices(range(len(CARRIERS)), CARRIERS)[0]
        number = min(int(chance.expovariate(1 / 4)), NETWORKS_OF_CARRIER - 1)
        return Place(prefix := f"{country}.m{carrier}.{number}", f"{prefix}.{chance.randrange(ADDRESSES_OF_NETWORK)}")
    if chance.random() < 0.02:
        return Place(prefix := f"{country}.o{chance.randrange(OFFICES)}", f"{prefix}.1")
    return a_home(chance, country)


def a_home(chance: Random, country: str) -> Place:
    """A home, or what looks like one: attackers rent such addresses."""
    return Place(prefix := f"{country}.h{chance.randrange(HOMES)}", f"{prefix}.{chance.randrange(250)}")


def an_email(chance: Random, country: str, first: str, last: str) -> str:
    """As people choose them."""
    domain = pick(chance, _DOMAINS)
    if domain == "own":
        domain = f"{last}{chance.randrange(10**4)}.example"
    elif domain == "national":
        domain = f"mail.{country.lower()}.example"
    digits = str(chance.choice((chance.randrange(10), chance.randrange(100), chance.randrange(1950, 2009), 7, 777)))
    styles = {
        f"{first}.{last}": 18.0,
        f"{first}{last}": 12.0,
        f"{first}{last}{digits}": 22.0,
        f"{first}.{last}{digits}": 9.0,
        f"{first}{digits}": 8.0,
        f"{first[0]}{last}{digits}": 9.0,
        f"{first[0]}.{last}": 5.0,
        f"{last}.{first}": 4.0,
        f"{first}_{last}": 3.0,
        f"{chance.choice(_WORDS)}{first}{digits}": 5.0,
        f"{chance.choice(_WORDS)}{chance.choice(_WORDS)}{digits}": 5.0,
    }
    return f"{pick(chance, styles)}@{domain}"


def a_device(chance: Random) -> str:
    return f"{chance.getrandbits(64):016x}"


def a_phone(chance: Random) -> str:
    return f"{chance.getrandbits(40)}"


def a_person(chance: Random, taken: set[str], country: str, place: Place | None = None) -> Person:
    """Somebody of a country, whose e-mail address nobody has yet: providers give each to one person. One in three
    hundred uses a throw-away address for reasons of their own."""
    email = an_email(chance, country, chance.choice(FIRST), chance.choice(LAST))
    while email in taken:
        name, _, domain = email.partition("@")
        email = f"{name}{chance.randrange(10)}@{domain}"
    taken.add(email)
    if disposable := chance.random() < 0.003:
        email = throw_away(chance)
    where = place or a_place(chance, country)
    return Person(country, email, a_phone(chance), a_device(chance), where, disposable)


def throw_away(chance: Random) -> str:
    """An address that its provider gives to anybody for ten minutes."""
    name = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=chance.randrange(7, 13)))
    return f"{name}@{chance.choice(_THROW_AWAY)}"
