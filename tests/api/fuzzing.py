"""Questions that nobody thought of, made by Schemathesis from the API's own description, asked with each role's token.

`python -m tests.api.fuzzing` (`make fuzz`) asks for a while and says what it found: an error of ours, or an answer that
the description does not know (its status, its kind, its shape). `FUZZ="--seconds 600 --seed 4711"` says how long, and
repeats a run.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.gateway import wsgi
from tests.browser.world import Visitor
from tests.support.everything import LOGINS, ROLES, Everything, as_it_was, everything
from tests.support.writes import WRITES

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
SEED = 20_260_402
"""Of what the tests ask."""
JSON = "application/json"
KINDS = (JSON, JSON, JSON, "text/html", "text/csv", "*/*")
"""What is asked for, one of them."""


@dataclass
class Found:
    """How many questions were asked, and what was wrong, by route."""

    asked: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def operations(world: Everything) -> list[Any]:
    """All that the description has, in its order."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", wsgi(world))
    return [each.ok() for each in schema.get_all_operations()]


def asks(
    world: Everything, operation: Any, roles: Iterable[str], found: Found, *, examples: int = 1, seed: int = 0
) -> None:
    """Asks one route, with the tokens of these roles (`stranger` has none)."""
    for role in roles:
        chance = random.Random(f"{seed} {role} {operation.label}")
        run = _asking(world, operation, role, found, chance)
        given_cases = given(case=operation.as_strategy())(run)
        quiet = settings(
            max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        seeded(chance.randrange(2**32))(quiet(given_cases))()


def asked_oddly(world: Everything, found: Found, seed: int = SEED) -> int:
    """Asks every route twice: by whoever may, and by one of the others in turn. How many routes there are."""
    everybody, described = ("stranger", *ROLES), operations(world)
    for number, operation in enumerate(described):
        role = "admin" if operation.path.startswith("/desk") else "owner"
        asks(world, operation, dict.fromkeys((role, everybody[number % len(everybody)])), found, seed=seed)
    return len(described)


def _asking(world: Everything, operation: Any, role: str, found: Found, chance: random.Random) -> Callable[..., None]:
    route = f"{operation.method.upper()} {operation.path}"

    def ask(case: Any) -> None:
        with as_it_was(world):
            _made_likely(world, case, chance)
            headers = {"accept": chance.choice(KINDS)}
            if role != "stranger":
                headers["authorization"] = f"Bearer {LOGINS[role].encode().hex()}"
            answer = case.call(headers=headers)
            found.asked += 1
            found.statuses[answer.status_code] = found.statuses.get(answer.status_code, 0) + 1
            try:
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as error:
                found.wrong.setdefault(route, f"as {role}: {error}")

    return ask


def _made_likely(world: Everything, case: Any, chance: random.Random) -> None:
    """Mostly what there is: with ids of nothing and bodies of nonsense, all that is asked is one refusal."""
    known = world.values_of(case.operation.path)
    for name, value in known.items():
        if chance.random() < 0.85:
            case.path_parameters[name] = value
    write = WRITES.get(case.operation.path) if case.method == "POST" else None
    if write is None or write.content or not isinstance(case.body, dict) or chance.random() < 0.2:
        return
    body = write.sent(world)
    odd = {name: value for name, value in case.body.items() if chance.random() < 0.3}
    case.body = body | odd


def main(arguments: list[str]) -> int:
    """Says what was found; 1 when anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.api.fuzzing")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--only", default="")
    given_ = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    found, ends, rounds = Found(), time.monotonic() + given_.seconds, 0
    with pytest.MonkeyPatch.context() as patch, everything(patch) as world:
        if not given_.only:
            OpenAPIV31SpecValidator(Visitor(world, {}).get("/openapi.json").json).validate()
        all_of_them = [each for each in operations(world) if given_.only in each.label]
        while time.monotonic() < ends:
            for role in ("stranger", *ROLES):
                for operation in all_of_them:
                    if time.monotonic() >= ends:
                        break
                    asks(world, operation, [role], found, examples=given_.examples, seed=given_.seed + rounds)
            rounds += 1
            if given_.only:
                break
    for line in _told(found):
        print(line)
    print(
        f"{found.asked:,} questions to {len(all_of_them)} routes, seed {given_.seed}: {len(found.wrong)} answered wrong"
    )
    print("statuses: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items())))
    return 1 if found.wrong or found.asked == 0 else 0


def _told(found: Found) -> Iterator[str]:
    for route, said in sorted(found.wrong.items()):
        yield f"{route}\n    " + said.replace("\n", "\n    ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
