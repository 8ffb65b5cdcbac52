"""A world: partners over some months, as raw facts, and who of them attacks how.

`a_world(seed)` is the same for the same seed. Days count from the first day of the history; attacks begin after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random

from benchmarks.fraud import honest
from benchmarks.fraud.attacks import KINDS, USUAL_CONVERSION, Attack, spare
from benchmarks.fraud.facts import Facts, Partner

FIRST_DAY = "2026-01-15"
HISTORY, DAYS = 45, 60
"""Days before anybody attacks, and days of which it is judged what was found."""
PARTNERS = 500
ATTACKS_OF_A_KIND = 4
PURE = 0.4
"""Of the attackers, those that bring next to nothing else."""
SEMINARS = 5


@dataclass(frozen=True, slots=True)
class World:
    """All that happens, and its labels."""

    seed: int
    facts: Facts
    attacks: tuple[Attack, ...]
    history: int
    """Days before the first that is judged."""

    @property
    def attackers(self) -> frozenset[str]:
        """Partners that attack at some time."""
        return frozenset(partner for attack in self.attacks for partner in attack.partners)


def a_world(
    seed: int,
    *,
    partners: int = PARTNERS,
    history: int = HISTORY,
    days: int = DAYS,
    attacks_of_a_kind: int = ATTACKS_OF_A_KIND,
) -> World:
    """Everything that happens in a world."""
    chance = Random(seed)
    facts = Facts(chance, FIRST_DAY, history + days)
    everybody = [honest.a_partner(facts, number) for number in range(partners)]
    attacks = _plan(facts, everybody, seed, history, days, attacks_of_a_kind)
    for each in everybody:
        honest.traffic(facts, each)
    _coincidences(facts, partners, {name for attack in attacks for name in attack.partners})
    for attack in attacks:
        KINDS[attack.kind].act(facts, facts.partners[attack.partners[0]], attack)
    return World(seed, facts, tuple(attacks), history)


def _plan(
    facts: Facts, everybody: Sequence[Partner], seed: int, history: int, days: int, attacks_of_a_kind: int
) -> list[Attack]:
    """Who attacks how, from when on. Attackers ask for the deal that pays for what they do."""
    chance = facts.chance
    free = list(everybody)
    chance.shuffle(free)
    attacks = []
    for place, (name, kind) in enumerate(KINDS.items()):
        for number in range(attacks_of_a_kind):
            size = kind.sizes[(seed * attacks_of_a_kind + number + place) % len(kind.sizes)]
            latest = days - max(12, min(kind.within, 32))
            first_day = history + chance.randrange(1, max(2, latest))
            pure = chance.random() < PURE
            hosts = spare(free, facts, pure=pure, conversion=name == "incentivised")
            group = (hosts or free)[:1]
            if name == "shared_account":
                group += [each for each in free if each is not group[0] and each.weekly < 3][: round(size)]
            for each in group:
                free.remove(each)
            if pure and chance.random() < 0.5:
                # Became a partner for it: there is nothing to compare with.
                group[0].joined = first_day - chance.randrange(1, 7)
                group[0].conversion = USUAL_CONVERSION
            if kind.deals and group[0].deal.kind not in kind.deals:
                group[0].deal = honest.a_deal(chance, chance.choice(kind.deals))
            attack = Attack(
                kind=name,
                size=size,
                partners=tuple(each.partner for each in group),
                pure=pure,
                first_day=first_day,
                threshold=kind.threshold,
                within=kind.within,
            )
            attacks.append(attack)
    return attacks


def _coincidences(facts: Facts, partners: int, attackers: AbstractSet[str]) -> None:
    """What looks odd and is not: seminars, and partners who try their own link once."""
    chance = facts.chance
    everybody = [each for each in facts.partners.values() if each.partner not in attackers]
    middling = [each for each in everybody if 0.5 < each.weekly < 10 and not each.joined]
    for host in chance.sample(middling, min(len(middling), round(SEMINARS * partners / PARTNERS))):
        honest.seminar(facts, host, chance.randrange(5, facts.days - 2))
    for each in chance.sample(everybody, len(everybody) // 12):
        honest.tries_its_own_link(facts, each, chance.randrange(each.joined, facts.days))
