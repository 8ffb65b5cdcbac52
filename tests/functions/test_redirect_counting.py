"""Honest counting, from the visit to the counter: ten thousand real requests, and every crawler that is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from introducer.domain import click_id
from introducer.domain.clicks import FLAGS
from introducer.services.count_clicks import count_facts
from introducer.store.click_counts import ClickCount
from introducer_ops.access_log import read_access_log
from tests.support import mmdb
from tests.support.clicks import inserted
from tests.support.ordinary_agents import ordinary_agents
from tests.support.redirecting import EDGE, World, a_redirect

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def world() -> Iterator[World]:
    """The function in a container, with files of networks to its side."""
    with pytest.MonkeyPatch.context() as patch, a_redirect(patch) as found:
        found.start()
        yield found


def shared(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"../shared/data/{name} is not here")
    return path


class Sums:
    """Counters, all in one."""

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def add(self, addition: ClickCount, spans: Any, capped: Any = None) -> bool:
        self.numbers.update(clicks=addition.clicks, unique=addition.unique, flagged=addition.flagged)
        self.reasons.update(dict(addition.reasons))
        return True

    def sub_numbers(self, partner: str, link: str, subs: Iterable[str]) -> dict[str, str]:
        return {sub1: sub1 for sub1 in subs}

    def positions(self, *_: str) -> dict[int, str]:
        return {}


def counted(world: World) -> Sums:
    """What the rollup makes of the clicks that were recorded."""
    sums: Any = Sums()
    items = list(world.amazon.tables["facts"].values())
    outcome = count_facts((inserted(item) for item in items), sums, sums)
    assert outcome.failed is None and outcome.clicks == len(items)
    found: Sums = sums
    return found


def payable(world: World) -> int:
    """Recorded clicks whose id may bring a client."""
    ids = [click_id.read(item["click"]["S"]) for item in world.amazon.tables["facts"].values()]
    return sum(found is not None and not found.flagged for found in ids)


def test_of_ten_thousand_real_requests_each_is_recorded_and_counted_under_one_reason(world: World) -> None:
    # given a week of a web server's log, with feed readers, crawlers and damaged lines in it
    with shared("access_log_10k.log").open("rb") as file:
        requests = [request for request in read_access_log(file) if request.method]
    # when each is a visit of a link, by the address of its line
    for request in requests:
        headers = {"referer": request.referer.decode("latin-1"), "x_forwarded_for": request.address}
        agent = request.agent.decode("latin-1")
        method = "HEAD" if request.method == "HEAD" else "GET"
        answer = world.visit(agent=agent, method=method, introducer_edge=EDGE, **headers)
        assert answer["statusCode"] == 302
    # then all are recorded, and what counts and what does not adds up
    sums = counted(world)
    assert sums.numbers["clicks"] + sums.numbers["flagged"] == len(requests) > 9_990
    assert sum(sums.reasons.values()) == sums.numbers["flagged"]
    assert payable(world) == sums.numbers["clicks"]
    # about a quarter is no person's: mostly crawlers, then those who say nothing, programs, previews and checkers
    assert 2_500 < sums.numbers["flagged"] < 2_900
    assert [reason for reason, _ in sums.reasons.most_common(2)] == ["bot", "no_agent"]
    assert set(sums.reasons) == {"bot", "no_agent", "preview", "tool", "head"}, sums.reasons


def test_no_click_of_any_known_crawler_is_payable(world: World) -> None:
    entries = json.loads(shared("crawler-user-agents.json").read_text("utf-8"))
    agents = [agent for entry in entries for agent in entry["instances"]]
    assert len(agents) > 2_000
    for agent in agents:
        world.visit(agent=agent)
    assert (payable(world), counted(world).numbers["clicks"]) == (0, 0)


def test_an_ordinary_browsers_click_is_payable(world: World) -> None:
    agents = ordinary_agents()
    for agent in agents:
        world.visit(agent=agent, accept="text/html,application/xhtml+xml,*/*;q=0.8", sec_fetch_dest="document")
    assert payable(world) >= len(agents) * 0.999
    assert counted(world).numbers["unique"] == payable(world)


def test_where_a_visit_comes_from_stands_in_its_flags_and_its_country(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given files that name a country, a hidden sender and a data centre
    mmdb.write(tmp_path, "a.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "TH"}}}, kind="GeoLite2-Country")
    hidden = {"203.0.113.64/26": {"is_tor_exit_node": True}, "198.51.100.0/24": {"is_hosting_provider": True}}
    mmdb.write(tmp_path, "b.mmdb", hidden, kind="GeoIP2-Anonymous-IP")
    monkeypatch.setenv("NETWORKS_FOLDER", str(tmp_path))
    world.start()

    def visit(address: str, **more: str) -> tuple[str, list[str]]:
        click = world.click(introducer_edge=EDGE, x_forwarded_for=address, **more)
        named = click_id.read(click["click"])
        assert named is not None and named.flagged == ("flags" in click)
        return click["country"], click.get("flags", [])

    assert visit("203.0.113.1") == ("TH", [])
    assert visit("203.0.113.70") == ("TH", ["anonymous"])
    # what the edge says of the country comes first
    assert visit("203.0.113.1", cloudfront_viewer_country="LA") == ("LA", [])
    assert visit("192.0.2.1", cloudfront_viewer_asn="24940") == ("ZZ", ["hosting"])
    # and who comes past the edge is believed in nothing but the address that it really has
    click = world.click(x_forwarded_for="203.0.113.1", cloudfront_viewer_asn="7470", cloudfront_viewer_country="LA")
    assert (click["country"], click["flags"]) == ("ZZ", ["hosting"])


def test_each_flag_with_a_name_is_one_that_the_redirect_gives() -> None:
    modules = ("visit", "networks", "route", "agents")
    folder = Path(__file__).resolve().parents[2] / "functions" / "redirect"
    code = "\n".join((folder / f"{name}.py").read_text() for name in modules)
    # the vocabulary is in the product's domain, which the redirect is too light to import
    for flag in FLAGS:
        assert f'"{flag}"' in code, flag
