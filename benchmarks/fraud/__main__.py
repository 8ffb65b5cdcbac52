"""`python -m benchmarks.fraud --seed 1 [--seeds 10]`: what the detectors find in so many worlds from this seed on.

Parameters are set on seed 1 and reported on seeds 2 to 11. `--json` prints the figures alone, as `make bench` reads
them.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from rich.console import Console

from benchmarks.fraud.evaluating import Judgement, evaluate
from benchmarks.fraud.reporting import false_holds, figures, show
from benchmarks.fraud.world import a_world

PROCESSES = 2
WIDTH = 170
"""Columns that the tables need."""


def judge(seed: int) -> Judgement:
    """What the product's detectors find in the world of a seed."""
    from introducer.domain.fraud import registry

    return evaluate(a_world(seed), registry.score)


def main() -> int:
    """Exit code 0 whatever was found: the tables say it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fraud", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many worlds, from that seed on")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--json", action="store_true", help="only the figures, on one line")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.seeds)
    if len(seeds) == 1 or options.processes == 1:
        judgements = [judge(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(options.processes) as pool:
            judgements = list(pool.map(judge, seeds))
    if options.json:
        counted = {
            "worlds": len(judgements),
            "attacks": sum(len(each.outcomes) for each in judgements),
            "honest_months": sum(each.honest_months for each in judgements),
            "false_holds": sum(len(false_holds(each)) for each in judgements),
        }
        print(json.dumps(asdict(figures(judgements)) | counted))
    else:
        show(Console(width=max(WIDTH, Console().width)), judgements)
    return 0


if __name__ == "__main__":
    sys.exit(main())
