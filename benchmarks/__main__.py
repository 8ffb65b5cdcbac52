"""Measure everything, print the table, write `build/bench.json`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

from rich.console import Console

from benchmarks import broadcast, clicks, contests, cost, cpu, imports, load, payouts, runtime, verifying, writes
from benchmarks.figures import Figures, percentile
from benchmarks.gateway import CONNECTIONS
from benchmarks.load import Load
from benchmarks.meter import Meter
from benchmarks.world import LINKS_OF_PARTNER, PARTNERS, World
from benchmarks.writes import CASES, ENGINE, INTAKE, OLD, POSTBACK, REDIRECT, ROLLUP, USUAL
from introducer_ops.localcloud import LocalCloud, Stack
from tests.support.scenario import the_stacks_account

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build" / "bench.json"
RULES = (
    "Write units by AWS's rules (benchmarks/units.py) from the items before and after each write of the deployed"
    " functions; the emulator says it consumed as much; refused writes count."
)

FRAUD_SEED, FRAUD_SEEDS = 2, 10
"""Worlds in which the detectors are judged. Their parameters were set in another one, that of seed 1."""

console = Console()


def main(wanted: Sequence[str] = ()) -> int:
    """Measures the named parts, or all. Exit code 0 also when a goal is missed: the table says so. What cannot be
    measured raises."""
    if unknown := sorted(set(wanted) - PARTS.keys()):
        console.print(f"There is no part {', '.join(unknown)}: the parts are {', '.join(PARTS)}.", soft_wrap=True)
        return 2
    began = time.monotonic()
    figures = Figures()
    for name, part in PARTS.items():
        if not wanted or name in wanted:
            with console.status(name) as status:
                part(figures, status.update)
    figures.write(OUTPUT, beside=bool(wanted))
    figures.print(console)
    console.print(
        f"\n{OUTPUT.relative_to(ROOT)} says how each was measured, docs/benchmarks.md what it means."
        f" Took {time.monotonic() - began:.0f} s.",
        soft_wrap=True,
    )
    return 0


def _apart(module: str, *arguments: str) -> dict[str, float]:
    """What a module of ours measures in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _verifying(figures: Figures) -> None:
    found = _apart("benchmarks.verifying")
    how = (
        f"verify_books on {found['events']:,} applied events among {found['items']:,} items, of {verifying.CLIENTS}"
        " clients under a capped cpa and a pooled share with an override above and closed months; items decoded from"
        f" pages that are held ready; process CPU time, median of {verifying.ROUNDS} rounds"
    )
    figures.add("verify_events_per_s", found["events_per_s"], "events/s", how)
    figures.add("verify_ratio", found["ratio"], "× fold", f"{how}; over folding the same events alone, in turns")


def _fraud(figures: Figures) -> None:
    found = _apart("benchmarks.fraud", "--json", "--seed", str(FRAUD_SEED), "--seeds", str(FRAUD_SEEDS))
    worlds = (
        f"{found['worlds']} worlds of 500 partners over 60 days after 45 honest ones, seeds {FRAUD_SEED} to"
        f" {FRAUD_SEED + FRAUD_SEEDS - 1} (parameters were set on seed 1), with {found['attacks']:,} labelled attacks"
        " of twelve kinds and of 0.5 to 3 times the agreed sizes; folded and scored daily by the product's pure code,"
        " cases decided rightly on the third day (benchmarks/fraud/evaluating.py says what the words mean)"
    )
    figures.add(
        "fraud_recall",
        found["recall"],
        "of attacks",
        f"Attacks of at least the agreed size that a right case was opened about. Of all sizes:"
        f" {found['recall_all']:.3f}. {worlds}",
    )
    figures.add(
        "fraud_precision",
        found["precision"],
        "of cases",
        f"Cases of whose clients at least half belong to an attack, one for each attacker at most, over those and all"
        f" others. {worlds}",
    )
    figures.add(
        "fraud_false_holds_per_1000",
        found["false_holds_per_1000"],
        "cases",
        f"{found['false_holds']} cases about partners that do not attack, or not yet, for 1,000 of their"
        f" {found['honest_months']:,.0f} months. {worlds}",
        goal=2,
    )
    figures.add(
        "fraud_in_time",
        found["in_time"],
        "of money",
        f"Of what attacks that were found earned: in a case on the day of the first payout it could be in. {worlds}",
    )
    figures.add(
        "fraud_escaped",
        found["escaped"],
        "of money",
        f"Of what attacks of at least the agreed size earned: in no case. {worlds}",
    )
    figures.add(
        "fraud_delay_days",
        found["delay_days"],
        "days",
        f"Median of attacks of at least the agreed size that were found, from the day on which what was agreed to be"
        f" suspicious was there. {worlds}",
    )


def _click(figures: Figures) -> None:
    found = _apart("benchmarks.clicks")
    how = (
        f"process CPU time of functions/redirect app.handler, sockets included, for HTTP API events with five subs in a"
        f" container that knows links and routes: one put to a process on loopback, median of {clicks.ROUNDS} rounds of"
        f" {clicks.CLICKS} clicks"
    )
    figures.add("click_cpu_us", found["ours"], "µs", how)
    figures.add(
        "click_boto3_cpu_us",
        found["boto3"],
        "µs",
        f"The same handler on boto3, in turns with it, less what reading the item from JSON takes: {how}",
    )
    figures.add(
        "click_cpu_ratio",
        found["ratio"],
        "× boto3",
        "click_cpu_us over click_boto3_cpu_us of the same round, median of the rounds",
        goal=0.10,
    )
    for name, said in (("facts", "FACTS takes"), ("all", "FACTS and the queue take")):
        for share in (50, 99):
            figures.add(
                f"click_{name}_silent_p{share}_ms",
                found[f"{name}_p{share}_ms"],
                "ms",
                f"How long the handler takes when {said} what is sent and never answers; {clicks.STALLED} clicks with"
                f" the product's deadline of {clicks.DEADLINE_MS:g} ms",
            )
    found = _apart("benchmarks.runtime")
    loop = (
        f"process CPU time for each event of the loop of awslambdaric, Lambda's own runtime client, against a Runtime"
        f" API on loopback; median of {runtime.ROUNDS} rounds of {runtime.EVENTS}, in turns"
    )
    figures.add("click_ric_cpu_us", found["ours"], "µs", f"The redirect: {loop}")
    figures.add("click_ric_boto3_cpu_us", found["boto3"], "µs", f"The same handler on boto3: {loop}")
    figures.add("click_ric_empty_cpu_us", found["empty"], "µs", f"A handler that does nothing: {loop}")
    for share in (50, 99):
        figures.add(
            f"click_ric_p{share}_ms",
            found[f"p{share}_us"] / 1000,
            "ms",
            "From handing an event to the redirect to its answer, of the same clicks, on a machine that does other work"
            " too",
        )


def _cpu(figures: Figures) -> None:
    found = _apart("benchmarks.cpu")
    stub = (
        f"process CPU time, median of {cpu.ROUNDS} rounds of {cpu.CALLS} calls; botocore's HTTP layer is answered in"
        " process, so sockets, TLS and waiting are left out"
    )
    figures.add("put_item_cpu_us", found["put"], "µs", f"boto3 put_item of a click, the baseline of folds: {stub}")
    figures.add(
        "accrue_us_per_event",
        found["trade"],
        "µs",
        f"domain.earnings.accrue of one trade into the state of a client with {cpu.MONTHS} months of"
        f" {cpu.TRADES_OF_MONTH} trades under cpa and revshare; process CPU time, median of {cpu.ROUNDS} rounds of"
        f" {cpu.CALLS}",
    )
    figures.add(
        "accrue_ratio", found["trade_ratio"], "× put_item", "accrue_us_per_event over put_item_cpu_us, as above"
    )
    figures.add(
        "accrue_history_ratio",
        found["history_ratio"],
        "×",
        f"a trade after {cpu.LONG_HISTORY:,} of the same months over one after {cpu.SHORT_HISTORY}; median of rounds",
        goal=1.2,
    )


def _imports(figures: Figures) -> None:
    seconds, ratios = imports.measure()
    how = (
        f"CPU time of a fresh interpreter, byte code present, median of {imports.ROUNDS} rounds in which the baseline"
        " and all functions take turns"
    )
    figures.add("import_baseline_ms", seconds * 1000, "ms", f"importing botocore and creating a DynamoDB client; {how}")
    for function, ratio in ratios.items():
        figures.add(
            f"import_ratio.{function}",
            ratio,
            "× botocore",
            f"importing functions/{function}/app.py over import_baseline_ms of the same round; {how}",
        )
    figures.add(
        "redirect_import_ratio", ratios["redirect"], "× botocore", "The same as import_ratio.redirect", goal=0.25
    )
    figures.add(
        "redirect_modules",
        imports.modules("redirect"),
        "modules",
        "In sys.modules of a fresh interpreter that has imported functions/redirect/app.py; what the interpreter and"
        " this virtual environment begin with are among them",
        goal=130,
    )


def _cloud(figures: Figures, tell: Callable[[str], None]) -> None:
    tell("starting the local cloud")
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start(Path(folder)) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack), Meter(stack) as meter:
            _on_the_cloud(figures, stack, meter, tell)


def _on_the_cloud(figures: Figures, stack: Stack, meter: Meter, tell: Callable[[str], None]) -> None:
    world = World(stack)
    load.prepare(stack)
    tell("postback through the gateway")
    _load(figures, "postback", load.postback(world), load.POSTS, "signed posts of one event, engine and rollup held")
    tell("redirect through the gateway")
    load.warm_up(world)
    stack.mapping(ROLLUP).disable()
    _load(figures, "redirect", load.redirect(world), load.VISITS, "visits to 50 links with five subs, rollup held")
    tell("write units of clicks")
    meter.attach(REDIRECT, POSTBACK, ENGINE, ROLLUP, INTAKE)
    _counters(figures, world, meter)
    _clicks(figures, world, meter)
    tell("write units of events")
    _events(figures, world, meter)
    tell("write units of scores")
    _scores(figures, world, meter)
    _cost(figures, stack)


def _load(figures: Figures, name: str, found: Load, count: int, what: str) -> None:
    how = (
        f"{what}; through the local gateway, {CONNECTIONS} keep-alive connections, {load.ROUNDS} rounds of {count}."
        " The emulator shares this machine: compare runs by the ratio only"
    )
    figures.add(f"{name}_rps", median(found.path.rates), "requests/s", f"Median of the rounds: {how}")
    for share in (50, 99):
        figures.add(
            f"{name}_p{share}_ms", percentile(found.path.times, share / 100) * 1000, "ms", f"Of all requests: {how}"
        )
    figures.add(
        f"{name}_p50_ratio",
        found.ratio,
        "× put",
        f"Median time of {what}, over that of a bare PutItem to the same emulator, signed beforehand, by as many"
        f" connections just before; median of the {load.ROUNDS} rounds",
    )


def _counters(figures: Figures, world: World, meter: Meter) -> None:
    made, batches = writes.counters(world, meter, load.CLICKS)
    links = PARTNERS * LINKS_OF_PARTNER
    figures.add(
        "wru_counters_per_click",
        sum(write.units for write in made) / sum(batches),
        "write units",
        f"Rollup's writes for {sum(batches)} clicks on {links} links that waited while its mapping was disabled, in"
        f" batches of {', '.join(map(str, batches))}. {RULES}",
        goal=0.15,
    )


def _clicks(figures: Figures, world: World, meter: Meter) -> None:
    made = writes.clicks(world, meter)
    sizes = [write.size for write in made]
    figures.add(
        "wru_per_click",
        sum(write.units for write in made) / writes.CLICKS,
        "write units",
        f"The redirect's writes for {writes.CLICKS} visits of people with all five subs, and the drain's for those that"
        f" went by the queue ({sum(write.function == INTAKE for write in made)}). {RULES}",
        goal=1.05,
    )
    figures.add(
        "click_bytes_mean",
        mean(sizes),
        "bytes",
        f"Item size of those clicks by DynamoDB's formula; the largest has {max(sizes)}, a write unit ends at 1,024",
    )


def _events(figures: Figures, world: World, meter: Meter) -> None:
    found = writes.events(world, meter)
    alone = (
        "Postback, engine and its counters, for registration, KYC, deposit, six trades and a withdrawal of one client,"
        " each sent when the one before was in the books; a partner without ancestors, trades in another currency than"
        " the deal's"
    )
    together = (
        "Postback, engine and its counters, for ten events of one client posted as one batch and folded in one"
        f" transaction: the first ten (registration to seventh trade), then {writes.BATCHES} times ten trades"
    )
    for name, case in CASES.items():
        suffix = "" if name == USUAL else f".{name}"
        one, ten = found[name].alone, found[name].together
        parts = ", ".join(f"{kind} {units / len(one):g}" for kind, units in found[name].by_kind.most_common())
        figures.add(
            f"wru_per_event_alone{suffix}",
            mean(one),
            "write units",
            f"{alone}; {case.said}. From {min(one):g} to {max(one):g}; by item: {parts}. {RULES}",
            goal=12,
        )
        figures.add(
            f"wru_per_event_in_tens{suffix}",
            mean(ten),
            "write units",
            f"{together}; {case.said}. By batch: {', '.join(f'{each:g}' for each in ten)}. {RULES}",
            goal=4,
        )
    old = found[OLD]
    for way, said in (("alone", "each by itself"), ("together", "in batches of ten")):
        figures.add(
            f"wru_fraud_features_per_event_{way}",
            mean(found[USUAL].features[way]),
            "write units",
            f"Of the write units of events, {said}, those of traces and persons, which detectors alone look at; the"
            f" registration is among the events. {RULES}",
        )
    figures.add(
        f"wru_per_event_in_tens.{OLD}",
        mean(old.together),
        "write units",
        f"Ten trades at a time of the same client after {writes.OLD_TRADES} trades over half a year; its state then has"
        f" {old.state_bytes} bytes (at first {found[USUAL].state_bytes}). {RULES}",
    )
    figures.add(
        "wru_intake_day_per_event_alone",
        mean(found[USUAL].alone_counted),
        "write units",
        "Rollup's count of events accepted and applied by source and day, for the events sent one by one. In batches of"
        f" ten: {mean(found[USUAL].together_counted):.2g}; it falls with the traffic of the whole source. {RULES}",
    )
    journals = [size for name in CASES for size in found[name].journals]
    figures.add(
        "journal_bytes_mean",
        mean(journals),
        "bytes",
        f"Item size of the {len(journals)} journals that those batches of ten posted, receipts included; the largest"
        f" has {max(journals)}, a write unit ends at 1,024",
    )
    others = ", ".join(f"{name} {each.state_bytes:,}" for name, each in found.items() if name != USUAL)
    figures.add(
        "client_state_bytes",
        found[USUAL].state_bytes,
        "bytes",
        f"Item size of the client's state after 30 events; {CASES[USUAL].said}; in the other cases: {others}. Each"
        " transaction writes it whole, at two units per begun kilobyte",
    )


def _scores(figures: Figures, world: World, meter: Meter) -> None:
    found = writes.scores(world, meter)
    what = (
        "What events that score in a contest cost more than the same events of another partner's client before there"
        " was one; the contest counts all five metrics. Each further one costs as much for an entry of its own"
    )
    parts = ", ".join(f"{kind} {units / len(found.alone):g}" for kind, units in found.by_kind.most_common() if units)
    figures.add(
        "wru_per_score",
        mean(found.alone),
        "write units",
        f"{what}. Postback and engine, a deposit and nine trades one by one; from {min(found.alone):g} to"
        f" {max(found.alone):g}; by item: {parts}. The client's state, which each transaction writes whole, grows from"
        f" {found.state_bytes['unscored']:,} to {found.state_bytes['contests']:,} bytes with each contest, at two units"
        f" per begun kilobyte. {RULES}",
        goal=2,
    )
    figures.add(
        "wru_per_score_in_tens",
        mean(found.together),
        "write units",
        f"{what}. Ten trades in a transaction; by batch: {', '.join(f'{each:g}' for each in found.together)}. {RULES}",
        goal=0.2,
    )


def _cost(figures: Figures, stack: Stack) -> None:
    name = stack.functions[REDIRECT].name
    memory = stack.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"]
    click, counter, cpu_us = (
        figures[name].value for name in ("wru_per_click", "wru_counters_per_click", "click_ric_cpu_us")
    )
    billed = cost.milliseconds_billed(cpu_us, memory)
    counted = counter * cost.WRITE_UNITS
    figures.add(
        "usd_per_million_clicks",
        cost.per_million_clicks(cpu_us, memory, click),
        "US dollars",
        f"us-east-1 list prices: HTTP API ${cost.HTTP_API:.2f} and Lambda ${cost.LAMBDA_REQUESTS:.2f} a million,"
        f" {billed} ms (click_ric_cpu_us by the {memory / cost.CORE_OF_MEMORY:.2f} cores that {memory} MB give, and"
        f" {cost.PUT_MS:g} ms assumed for the put) at ${cost.LAMBDA_GB_SECOND} a GB-second, wru_per_click at"
        f" ${cost.WRITE_UNITS} a million. Counting costs ${counted:.3f} more. Without storage, logs and CloudFront",
    )


def _payouts(figures: Figures, tell: Callable[[str], None]) -> None:
    found = payouts.measure(tell=tell)
    seconds = found.seconds
    machine = ("reserve", "send", "close")
    what = (
        f"one run of {found.partners:,} partners, each paid in euros from a list, seeded into the books, on a local"
        " cloud of its own with what listens to the books held"
    )
    figures.add(
        "payout_run_s",
        sum(seconds[each] for each in machine),
        "s",
        f"{what}: {', '.join(f'{each} {seconds[each]:.0f} s' for each in machine)}; a person's saying that all lists"
        f" were paid took another {seconds['confirm']:.0f} s. Emulator and functions share this machine's cores",
    )
    transitions = found.transitions / found.partners
    figures.add(
        "payout_transitions_per_payout",
        transitions,
        "state transitions",
        f"{found.transitions:,} in {found.executions:,} executions of {what}: each state that was entered, by the"
        " histories of the run and of all children that DescribeMapRun counts, and one more for each execution",
    )
    figures.add(
        "payout_history_events",
        found.events,
        "events",
        f"Of the run's own execution; {what}. Counted as AWS does, two more than the emulator for a call with a token"
        f" and one for any other. Its largest has {found.largest_event:,} bytes. A run that hears nothing for sixty"
        " days looks some three hundred times, at nine events each (tests/unit/test_run_waits.py)",
        goal=payouts.MOST_EVENTS / 5,
    )
    figures.add(
        "payout_child_history_events",
        found.most_events_of_a_child,
        "events",
        f"Of the child execution with the longest history; {what}",
        goal=payouts.MOST_EVENTS / 5,
    )
    figures.add(
        "payout_worker_growth",
        found.memory_peak / found.memory_before,
        "×",
        f"Peak resident memory of the largest worker of the payout function during {what}, {found.memory_peak:.0f} MB,"
        f" over what it held after a run of {payouts.METERED}, {found.memory_before:.0f} MB",
    )
    kinds = ", ".join(f"{kind} {units:.3g}" for kind, units in found.by_kind.items())
    figures.add(
        "wru_per_payout",
        found.write_units,
        "write units",
        f"From reserving to the invoice, saying that it was paid included: a run of {payouts.METERED}. By item:"
        f" {kinds}. {RULES}",
    )
    figures.add(
        "rru_per_payout",
        found.read_units,
        "read units",
        f"Of the same run: a unit for each begun 4 KB of an item, half where it may be stale, from"
        f" {found.dynamodb_calls:.1f} calls of DynamoDB for each payout, reading and writing",
    )
    used = cost.PerPayout(
        transitions=transitions,
        write_units=found.write_units,
        read_units=found.read_units,
        calls=found.dynamodb_calls + 1,
        invocations=found.invocations / found.partners,
        cpu_seconds=found.cpu_seconds / found.partners,
    )
    figures.add(
        "usd_per_thousand_payouts",
        cost.per_thousand_payouts(used, payouts.MEMORY_MB),
        "US dollars",
        f"us-east-1 list prices: ${cost.TRANSITIONS:.0f} a million transitions, ${cost.WRITE_UNITS} and"
        f" ${cost.READ_UNITS} a million write and read units, ${cost.KMS_REQUESTS:.0f} a million KMS requests (one for"
        f" each payout), invocations, and {payouts.MEMORY_MB} MB at ${cost.LAMBDA_GB_SECOND} a GB-second for"
        f" {used.cpu_seconds * 1000:.1f} ms of CPU for each payout measured here (a core comes with"
        f" {cost.CORE_OF_MEMORY:,} MB) and {cost.CALL_MS:g} ms assumed for each call. Without mails, storage, logs and"
        " what banks and PayPal ask",
    )


def _clicks_and_events(figures: Figures, tell: Callable[[str], None]) -> None:
    """What a million clicks cost follows from their CPU time and from their writes: one run has both."""
    tell("CPU time of a click")
    _click(figures)
    tell("import times")
    _imports(figures)
    _cloud(figures, tell)


PARTS: dict[str, Callable[[Figures, Callable[[str], None]], None]] = {
    "clicks": _clicks_and_events,
    "folds": lambda figures, tell: _cpu(figures),
    "verifying": lambda figures, tell: _verifying(figures),
    "fraud": lambda figures, tell: _fraud(figures),
    "contests": lambda figures, tell: contests.measure(figures.part("contests"), tell),
    "broadcast": lambda figures, tell: broadcast.measure(figures.part("broadcast"), tell),
    "payouts": _payouts,
}
"""What can be measured, in the order in which it is."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
