"""Exact tail probabilities of counts, in log space: no approximation is trusted where an accusation hangs on it.

All answers are natural logarithms of probabilities, so that one in ten to the hundredth is a number like any other;
`odds` makes a threshold of a detector (`1e-7`) comparable with them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from math import exp, inf, lgamma, log, log1p

_ENOUGH = 1e-17
"""A term so small beside the sum changes no digit of it."""


def odds(probability: float) -> float:
    """The logarithm of a probability."""
    return log(probability)


def binomial_tail(seen: int, of: int, share: float) -> float:
    """Of `of` that each do it with probability `share`: that `seen` or more do."""
    if seen <= 0:
        return 0.0
    if seen > of or share <= 0:
        return -inf
    if share >= 1:
        return 0.0
    if seen <= of * share:
        # The other side has fewer terms, and all of them fall.
        return _rest(_at_most(seen - 1, of, share))
    ratio = share / (1 - share)
    return _falling(_binomial(seen, of, share), lambda number: (of - number + 1) / number * ratio, seen + 1, of)


def binomial_head(seen: int, of: int, share: float) -> float:
    """Of `of` that each do it with probability `share`: that `seen` or fewer do."""
    return binomial_tail(of - seen, of, 1 - share)


def poisson_tail(seen: int, mean: float) -> float:
    """That something that happens `mean` times happens `seen` times or more often."""
    if seen <= 0:
        return 0.0
    if mean <= 0:
        return -inf
    if seen <= mean:
        return _rest(poisson_head(seen - 1, mean))
    first = seen * log(mean) - mean - lgamma(seen + 1)
    return _falling(first, lambda number: mean / number, seen + 1, None)


def poisson_head(seen: int, mean: float) -> float:
    """That something that happens `mean` times happens `seen` times or less often."""
    if seen < 0:
        return -inf
    if mean <= 0:
        return 0.0
    if seen > mean:
        return _rest(poisson_tail(seen + 1, mean))
    first = seen * log(mean) - mean - lgamma(seen + 1)
    return _falling(first, lambda step: (seen - step + 1) / mean, 1, seen)


def fisher_tail(seen: int, of: int, before: int, of_before: int) -> float:
    """Fisher's exact test, one side: that so many or more of all `seen + before` fall among the `of`, when those among
    `of` do it no oftener than those among `of_before`."""
    both, least = seen + before, max(0, seen + before - of_before)
    if seen <= least:
        return 0.0
    if seen > min(of, both):
        return -inf
    if seen * (of + of_before) <= both * of:
        # At or below the mean: as many of the others that do it, seen from their side.
        return _rest(fisher_tail(before + 1, of_before, seen - 1, of)) if before + 1 <= of_before else 0.0
    first = _choose(of, seen) + _choose(of_before, before) - _choose(of + of_before, both)

    def ratio(number: int) -> float:
        return (of - number + 1) * (both - number + 1) / (number * (of_before - both + number))

    return _falling(first, ratio, seen + 1, min(of, both))


def band(of: int, share: float, tail: float) -> tuple[int, int]:
    """Between how many and how many of `of` are expected: beyond either end lies no more than `tail`."""
    if of <= 0 or share <= 0:
        return 0, 0
    if share >= 1:
        return of, of
    limit = log(tail)
    low = bisect_left(range(of), True, key=lambda seen: binomial_head(seen, of, share) > limit)
    high = bisect_left(range(of), True, key=lambda seen: binomial_tail(seen + 1, of, share) <= limit)
    return low, high


def _at_most(seen: int, of: int, share: float) -> float:
    if seen < 0:
        return -inf
    ratio = (1 - share) / share
    return _falling(_binomial(seen, of, share), lambda step: (seen - step + 1) / (of - seen + step) * ratio, 1, seen)


def _binomial(seen: int, of: int, share: float) -> float:
    return _choose(of, seen) + seen * log(share) + (of - seen) * log1p(-share)


def _choose(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


def _falling(first: float, ratio: Callable[[int], float], start: int, end: int | None) -> float:
    """The logarithm of a sum of falling terms: the first by its logarithm, others by their ratio to the one before."""
    term, total, number = 1.0, 1.0, start
    while end is None or number <= end:
        term *= ratio(number)
        total += term
        if term < total * _ENOUGH:
            break
        number += 1
    return min(0.0, first + log(total))


def _rest(logarithm: float) -> float:
    """The logarithm of what is left of one."""
    return log1p(-exp(logarithm)) if logarithm < 0 else -inf
