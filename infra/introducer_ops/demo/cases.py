"""What the detectors made of the demo world: whose cases they opened, the money that is held, and whether that is what
the attackers' clients earned, to the minor unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from introducer.domain.case import Case, CaseStatus
from introducer.domain.configuration import Partner
from introducer.domain.identity import CLIENT, brand_key, keyed_hash
from introducer.gateways.workflows import Workflows
from introducer.store.cases import Cases
from introducer.store.clients import Clients
from introducer_ops.demo.attacks import DETECTORS, Attack
from introducer_ops.demo.building import World
from introducer_ops.localcloud import Stack


@dataclass(frozen=True, slots=True)
class Caught:
    """A case, and what the script knows of its partner."""

    case: Case
    attack: Attack | None
    """None: the partner is honest."""
    earned: Mapping[str, int]
    """What the attack's clients earned the partner, minor units by currency: what is to be held."""
    waits: bool
    """Whether the case's execution runs."""

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be, in words."""
        case, found = self.case, ", ".join(self.case.detectors)
        if self.attack is None:
            return [f"{case.name} is honest, and has a case: {found}."]
        wrong = []
        if case.status is not CaseStatus.OPEN or not self.waits:
            wrong.append(f"The case of {case.name} does not wait for a verdict: it is {case.status.value}.")
        if not DETECTORS[self.attack.kind] & set(case.detectors):
            wrong.append(f"{case.name} was found by {found}, and by none of those that its attack is for.")
        if case.holds != self.earned or not case.holds:
            wrong.append(f"{case.name}: {case.holds} is held, and what its attack earned is {self.earned}.")
        return wrong


@dataclass(frozen=True, slots=True)
class Suspicions:
    """All cases of the brand, the first first, and whoever got away."""

    caught: tuple[Caught, ...]
    missed: tuple[str, ...]
    """Names of attackers without a case."""

    @property
    def held(self) -> dict[str, int]:
        """What all cases hold, minor units by currency."""
        sums: Counter[str] = Counter()
        for each in self.caught:
            sums.update(each.case.holds)
        return dict(sorted(sums.items()))

    @property
    def false(self) -> int:
        """Cases about honest partners."""
        return sum(each.attack is None for each in self.caught)

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be, in words."""
        return [
            *(sentence for each in self.caught for sentence in each.wrong),
            *(f"{name} cheats, and has no case." for name in self.missed),
        ]


def attackers(world: World) -> list[Partner]:
    """The partners that cheat."""
    return [made for made, planned in zip(world.partners, world.plan.partners, strict=True) if planned.attack]


def read_suspicions(stack: Stack, world: World, attacks: tuple[Attack, ...]) -> Suspicions:
    """What stands in the books now."""
    books = stack.outputs["BooksTableName"]
    workflows = Workflows(stack.client("stepfunctions"), stack.outputs["FraudCaseMachineArn"])
    of_partner = {world.partners[attack.partner].partner: attack for attack in attacks}
    caught = []
    for case in Cases(books).all_open(world.brand.brand):
        attack = of_partner.get(case.partner)
        execution = workflows.latest(case.execution) if case.execution else None
        caught.append(
            Caught(
                case,
                attack,
                _earned(stack, world, case.partner, attack.clients) if attack else {},
                execution is not None and execution.is_running,
            )
        )
    known = {each.case.partner for each in caught}
    return Suspicions(tuple(caught), tuple(each.name for each in attackers(world) if each.partner not in known))


def _earned(stack: Stack, world: World, partner: str, clients: tuple[str, ...]) -> dict[str, int]:
    """What these clients, by their platform's names, were posted for the partner."""
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["IdentityKeySecretName"])
    brand = world.brand.brand
    key = brand_key(secret["SecretString"].encode(), brand)
    states = Clients(stack.outputs["BooksTableName"]).states(
        (brand, keyed_hash(key, CLIENT, client)) for client in clients
    )
    sums: Counter[str] = Counter()
    for state in states.values():
        for posted, minor in state.posted.items():
            if posted.partner == partner:
                sums[posted.currency] += minor
    return dict(sums)
