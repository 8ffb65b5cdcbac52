"""Random numbers of the kinds that people and their days come in. All of them from one seeded `random.Random`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def poisson(chance: Random, mean: float) -> int:
    """How many of something that happens so often on the average."""
    if mean <= 0:
        return 0
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def around(chance: Random, median: float, spread: float) -> float:
    """A size as sizes are: half are above the median, few are far above (lognormal)."""
    return median * math.exp(chance.gauss(0, spread))


def pick(chance: Random, weights: Mapping[T, float]) -> T:
    """One of the keys, by weight."""
    return chance.choices(list(weights), list(weights.values()))[0]
