"""`make test-faults`: thousands of schedules in memory and some on the local cloud, on every core.

    python -m tests.faults                                  # of the engine and of payout runs each 10,000 in memory,
                                                            # and 200 of each on the local cloud; a case at every
                                                            # point of a payout run, each once, in memory; and 10,000
                                                            # closes of a contest, in memory
    python -m tests.faults --of payouts --memory 500 --cloud 0 --first 4000
    python -m tests.faults --of payouts --seed 4711         # one of them again (--where cloud)

The last line says how many schedules ran and how many left the books wrong. It ends with 1 when any did, or when a call
site was met and never crashed at.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Set
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.faults import contests, payout_sites, sites
from tests.faults.cases import plans
from tests.faults.running import CASES, CONTESTS, ENGINE, PAYOUTS, Share, run_share, runner
from tests.faults.wire import AFTER, BEFORE

KINDS = (ENGINE, PAYOUTS, CASES, CONTESTS)
ON_CLOUD = {ENGINE: 200, PAYOUTS: 200}
SITES: Mapping[str, Set[str]] = {
    ENGINE: sites.SITES,
    PAYOUTS: payout_sites.SITES,
    CASES: set(),
    CONTESTS: set(contests.SITES),
}
SELDOM = 200
"""A call site that so few of all schedules' calls were made at need not have been crashed at."""
CHUNK = {"memory": 100, "cloud": 25}
SHOWN = 20
"""So many failed seeds are told in full."""


def main() -> int:
    given = _arguments()
    if given.seed is not None:
        of = given.of or ENGINE
        with runner(given.where, of) as run:
            outcome = run.run(given.seed)
        print(f"seed {given.seed} of {of} ({given.where}): {outcome.violation or 'the books are right'}")
        print("faults:", dict(outcome.trouble.faults))
        return 1 if outcome.violation else 0
    total, failed = Share(), False
    for of in (given.of,) if given.of else KINDS:
        for where, count in _counts(of, given).items():
            if count <= 0:
                continue
            share = _all(of, where, range(given.first, given.first + count), given.jobs)
            left_out = _left_out(of, share) if where == "memory" and count >= 10_000 else []
            _tell(of, where, share, left_out)
            failed |= bool(left_out)
            total.add(share)
    print(f"schedules {total.schedules}, violations {len(total.violations)}")
    return 1 if failed or total.violations else 0


def _counts(of: str, given: argparse.Namespace) -> Mapping[str, int]:
    """How many schedules are run where."""
    if of == CASES:
        # Not by chance: there are so many, and no more; and none of them is for the cloud.
        return {"memory": min(given.memory, len(plans()) - given.first)}
    if of == CONTESTS:
        # Their steps are the product's own, in this process: the state machine has tests of its own on the cloud.
        return {"memory": given.memory}
    return {"memory": given.memory, "cloud": given.cloud if given.cloud >= 0 else ON_CLOUD[of]}


def _all(of: str, where: str, seeds: range, jobs: int) -> Share:
    share, start = Share(), time.perf_counter()
    # Spawned, not forked: a child must not share its parent's connections.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        size = CHUNK[where] if where == "memory" else max(1, -(-len(seeds) // jobs))
        running = [
            pool.submit(run_share, where, seeds[first : first + size], of) for first in range(0, len(seeds), size)
        ]
        for done in as_completed(running):
            part = done.result()
            share.add(part)
            for seed, violation in part.violations:
                if len(share.violations) <= SHOWN:
                    again = f"python -m tests.faults --of {of} --seed {seed} --where {where}"
                    print(f"  VIOLATION seed {seed} of {of} on {where}: {violation}\n    again: {again}", flush=True)
            if share.schedules % 1000 == 0:
                print(f"  {of}, {where}: {share.schedules} schedules, {time.perf_counter() - start:.0f} s", flush=True)
    return share


def _left_out(of: str, share: Share) -> list[str]:
    """The call sites and moments without a crash."""
    wanted = SITES[of] | {site for site, calls in share.seen.items() if calls > SELDOM}
    return [
        f"{site}: {moment}" for site in sorted(wanted) for moment in (BEFORE, AFTER) if not share.crashed[site, moment]
    ]


def _tell(of: str, where: str, share: Share, left_out: list[str]) -> None:
    each = share.seconds / share.schedules * 1000
    print(f"{of}, {where}: {share.schedules} schedules, {each:.0f} ms each on one core")
    print("  " + ", ".join(f"{count} {what}" for what, count in sorted(share.facts.items())))
    print("  faults: " + ", ".join(f"{count} {kind}" for kind, count in share.faults.most_common()))
    print("  crashes before sending and after the commit, by call site:")
    for site in sorted(SITES[of] | set(share.seen)):
        print(f"    {share.crashed[site, BEFORE]:6} {share.crashed[site, AFTER]:6}  {site} ({share.seen[site]} calls)")
    for each_left in left_out:
        print(f"  NEVER CRASHED AT {each_left}")
    for seed, violation in share.violations:
        print(f"  failed seed {seed} of {of} on {where}: {violation}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Fault schedules.")
    parser.add_argument("--of", choices=KINDS, help="only these schedules")
    parser.add_argument("--memory", type=int, default=10_000, help="schedules in memory, of each kind")
    parser.add_argument("--cloud", type=int, default=-1, help="schedules on the local cloud, of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--seed", type=int, help="run one schedule again")
    parser.add_argument("--where", choices=["memory", "cloud"], default="memory", help="where to run that one")
    return parser.parse_args()


if __name__ == "__main__":
    # Sets of texts have one order then, here and in the children: a seed is a schedule.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]])
    sys.exit(main())
