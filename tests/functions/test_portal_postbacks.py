"""Where partners and the brand are told what happens: added, tested, replayed, paused, and what the log shows of it."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain import signatures
from introducer.domain.postback_out import MOST_FAILURES, MOST_TARGETS, asked
from introducer.gateways.outside_http import Bounds
from introducer.services.send_postback import Outcome
from introducer.services.try_target import MOST_TESTS
from tests.support.casework import HELPER
from tests.support.hooked import URL, WISH, Hooked, a_hooked_portal, as_it_was
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, PIPS
from tests.support.receiver import Request, a_receiver, answers
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

WEBHOOKS = "/desk/webhooks"


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Hooked]:
    """For tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch, a_hooked_portal(patch) as found:
        yield found


@pytest.fixture
def world(unchanged: Hooked) -> Iterator[Hooked]:
    with as_it_was(unchanged) as found:
        yield found


def page(world: Hooked, path: str, who: str = HARBOUR) -> str:
    """What a browser shows, as text."""
    answer = world.portal.signed_in(who).get(path)
    assert answer.status == 200, answer.body
    return text(answer.body)


# ------------------------------------------------------------------------------------------------------------- adding


def test_an_owner_adds_a_target_in_a_browser_and_sees_its_secret_once(world: Hooked) -> None:
    # given an owner who has none
    browser = world.portal.signed_in(HARBOUR)
    shown = browser.get("/postbacks")
    assert "Nothing is told yet" in text(shown.body)

    # when it fills in the form, and presses twice
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    form = {"name": "Voluum", "url": URL, "method": "GET", "events[]": ["", "ftd", "qftd"], "campaigns[]": [""]}
    done, again = browser.post("/postbacks", guard | form), browser.post("/postbacks", guard | form)

    # then there is one, with a preview, and its secret is shown once
    assert (done.status, again.location) == (303, done.location), done.body
    [target] = world.gets("/postbacks").json["items"]
    assert (target["events"], target["standing"], target["secret_shown"]) == (["ftd", "qftd"], "active", False)
    path = f"/postbacks/{target['target']}"
    here = browser.get(done.location)
    assert "Show the secret, once" in text(here.body)
    assert "cid=AQAAAZTest0Click0Id0For0Preview0&amp;e=ftd&amp;sum=250.00" in here.body
    secret = browser.post(f"{path}/secret", {"csrf": here.field("csrf")})
    assert secret.status == 200 and "whsec_" in secret.body
    after = browser.get(path)
    assert "whsec_" not in after.body and "Make another secret" in text(after.body)
    assert world.posts(f"{path}/secret", {}).json["code"] == "secret_shown"
    # An answer to a request with a key is kept for its repeats: a secret is not to be in it.
    other = world.adds()["target"]
    assert world.posts(f"/postbacks/{other}/secret", {}, idempotency_key="k").json["code"] == "no_key_here"
    assert "whsec_" in world.posts(f"/postbacks/{other}/secret", {}).json["secret"]


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"url": "http://track.example.com/"}, "url", "The URL must begin with https://."),
        ({"url": "https://10.0.0.1/"}, "url", "Write the host as a full name"),
        ({"url": "https://t.example.com/{clickid}"}, "url", "There is no such macro"),
        ({"url": "https://{sub1}.example.com/"}, "url", "not in the host"),
        ({"events[]": [""]}, "events", "Choose at least one event."),
        ({"name": ""}, "name", "Fill this in."),
        ({"campaigns[]": ["cmp_gone"]}, "campaigns", "One of these campaigns is no more"),
    ],
)
def test_what_was_typed_stays_beside_what_is_wrong(
    unchanged: Hooked, wrong: dict[str, Any], field: str, said: str
) -> None:
    browser = unchanged.portal.signed_in(HARBOUR)
    shown = browser.get("/postbacks")
    form = {"csrf": shown.field("csrf"), "name": "Voluum", "url": URL, "method": "POST_JSON", "events[]": ["ftd"]}
    answer = browser.post("/postbacks", form | wrong)
    assert answer.status in (404, 422), answer.body
    assert f'id="note-{field}"' in answer.body and said in text(answer.body)
    if field != "events":
        assert 'value="ftd" checked' in answer.body
    assert 'value="POST_JSON" selected' in answer.body
    assert unchanged.gets("/postbacks").json["items"] == []


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"url": "https://127.0.0.1/"}, 422, "url_host"),
        ({"events": []}, 422, "target_events"),
        ({"events": ["trade"]}, 422, "invalid"),
        ({"method": "PUT"}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
        ({"campaigns": ["cmp_gone"]}, 404, "not_found"),
    ],
)
def test_a_program_is_told_what_is_wrong_by_a_stable_code(
    unchanged: Hooked, wish: dict[str, Any], status: int, code: str
) -> None:
    answer = unchanged.posts("/postbacks", WISH | wish)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body


def test_a_repeated_request_adds_one_and_there_are_ten_at_most(world: Hooked) -> None:
    first = world.posts("/postbacks", WISH, idempotency_key="k-1")
    again = world.posts("/postbacks", WISH, idempotency_key="k-1")
    assert (first.status, again.json) == (201, first.json)
    for _ in range(MOST_TARGETS - 1):
        world.adds()
    refused = world.posts("/postbacks", WISH)
    assert (refused.status, refused.json["code"]) == (409, "too_many_targets")


def test_a_target_is_changed_paused_resumed_and_deleted(world: Hooked) -> None:
    path = f"/postbacks/{world.adds()['target']}"
    changed = world.posts(path, WISH | {"name": "Keitaro", "method": "POST_FORM", "events": ["earning"]})
    assert (changed.json["name"], changed.json["events"]) == ("Keitaro", ["earning"])
    assert "The values besides" in page(world, path)
    assert world.posts(f"{path}/pause", {}).json["standing"] == "paused"
    assert "Resume it" in page(world, path)
    assert world.posts(f"{path}/resume", {}).json["standing"] == "active"
    assert world.posts(f"{path}/rotate", {"generation": 1}).json["code"] == "secret_not_shown"
    assert world.posts(f"{path}/secret", {}).status == 200
    assert world.posts(f"{path}/rotate", {"generation": 1}).json["generation"] == 2
    assert world.posts(f"{path}/rotate", {"generation": 1}).json["generation"] == 2
    assert "The one before is good until" in page(world, path)
    assert world.posts(f"{path}/delete", {}).json["standing"] == "deleted"
    assert (world.gets(path).status, world.gets(path).json["code"]) == (404, "no_such_target")
    assert "Deleted." in page(world, "/postbacks?done=deleted")


# -------------------------------------------------------------------------------------------------------------- others


def test_two_partners_see_nothing_of_each_other(world: Hooked) -> None:
    mine = world.adds()
    path = f"/postbacks/{mine['target']}"
    world.tells(1)
    [row] = world.gets(path).json["items"]
    assert world.gets("/postbacks", PIPS).json["items"] == []
    assert world.gets(path, PIPS).status == 404
    replay = f"/deliveries/{row['place']}/{row['delivery']}/replay"
    for step, fields in (
        ("", WISH), ("/pause", {}), ("/resume", {}), ("/delete", {}), ("/secret", {}), ("/rotate", {"generation": 1}),
        ("/test", {"event": "ftd"}), ("/held", {}), (replay, {}),
    ):  # fmt: skip
        assert world.posts(path + step, fields, PIPS).status == 404, step
    # Nor by a target of one's own and another's delivery.
    own = world.adds(PIPS)
    assert world.posts(f"/postbacks/{own['target']}{replay}", {}, PIPS).json["code"] == "no_such_delivery"
    # A page of another's log is no page of one's own.
    world.tells(2)
    following = world.gets(f"{path}?limit=1").json["next"]
    assert world.gets(f"/postbacks/{own['target']}?cursor={following}", PIPS).status == 400
    assert world.gets(path).json["target"]["standing"] == "active"


def test_a_member_who_is_no_owner_looks_and_changes_nothing(world: Hooked) -> None:
    path = f"/postbacks/{world.adds()['target']}"
    assert "Only an owner" in page(world, path, HELPER)
    for step, fields in (("", WISH), ("/pause", {}), ("/secret", {}), ("/test", {"event": "ftd"}), ("/held", {})):
        answer = world.posts(path + step, fields, HELPER)
        assert (answer.status, answer.json["code"]) == (403, "owner_only_targets"), step


def test_an_admin_has_webhooks_of_all_partners_a_manager_looks_and_others_do_not(world: Hooked) -> None:
    hook = world.adds(ADMIN, WEBHOOKS, url="https://hooks.example.com/", method="POST_JSON")
    path = f"{WEBHOOKS}/{hook['target']}"
    for name in (HARBOUR, PIPS):
        assert world.tells(1, name=name) == 1
    rows = world.gets(path, ADMIN).json["items"]
    assert {row["values"]["partner"] for row in rows} == {world.portal.partners[name] for name in (HARBOUR, PIPS)}
    assert "Where your systems are told" in page(world, WEBHOOKS, MANAGER)
    assert world.posts(WEBHOOKS, WISH, MANAGER).json["code"] == "owner_only_targets"
    assert world.gets(WEBHOOKS, MAKER).json["code"] == "webhooks_not_yours"
    assert world.gets(WEBHOOKS, HARBOUR).json["code"] == "staff_only"
    assert world.gets("/postbacks", ADMIN).json["code"] == "partners_only"
    # The brand's targets are none of a partner's.
    assert world.gets(f"/postbacks/{hook['target']}").status == 404


# -------------------------------------------------------------------------------------------------------------- the log


def test_a_test_arrives_signed_and_the_log_shows_what_came_of_it(world: Hooked) -> None:
    with a_receiver(answers(200, b"thank you")) as receiver:
        target = world.adds(url=receiver.url("/p?cid={click_id}&e={event}&s={sub1}"))
        path = f"/postbacks/{target['target']}"
        secret = world.posts(f"{path}/secret", {}).json["secret"]
        sent = world.posts(f"{path}/test", {"event": "ftd"})
        assert (sent.status, sent.json["status"], sent.json["test"]) == (201, "waiting", True)
        assert world.sends() == [Outcome.DELIVERED]
    [request] = receiver.requests
    line = request.line.removeprefix("GET ").removesuffix(" HTTP/1.1")
    assert line == "/p?cid=AQAAAZTest0Click0Id0For0Preview0&e=ftd&s=summer%20%26%20sun"
    header = request.headers["introducer-signature"]
    signatures.check(header, asked(receiver.url(line)), [secret.encode()], world.portal.now)
    assert request.headers["introducer-delivery"] == sent.json["delivery"]
    [row] = world.gets(path).json["items"]
    assert (row["status"], row["attempts"][0]["status"], row["attempts"][0]["said"]) == ("delivered", 200, "thank you")
    shown = page(world, path)
    assert "First deposit Test" in shown and "Delivered" in shown and "thank you" in shown


def test_tests_are_limited(world: Hooked) -> None:
    path = f"/postbacks/{world.adds()['target']}"
    for _ in range(MOST_TESTS):
        assert world.posts(f"{path}/test", {"event": "ftd"}).status == 201
    refused = world.posts(f"{path}/test", {"event": "ftd"})
    assert (refused.status, refused.json["code"]) == (429, "too_many_tests")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    browser = world.portal.signed_in(HARBOUR)
    answer = browser.submit(path, f"{path}/test", event="ftd")
    assert answer.status == 429 and "Ten tests an hour are sent" in text(answer.body)


def test_each_kind_of_trouble_is_met_right_and_stands_in_the_log_in_words(world: Hooked) -> None:
    # given receivers that are slow, answer 500, hang, redirect, and a name that leads to the cloud's metadata
    def slow(connection: socket.socket, request: Request) -> None:
        world.elapsed += 3.0
        answers(200)(connection, request)

    def hangs(connection: socket.socket, request: Request) -> None:
        hanging.released.wait(60)

    with (
        a_receiver(slow) as slowly, a_receiver(answers(500, b"oops")) as broken, a_receiver(hangs) as hanging,
        a_receiver() as elsewhere, a_receiver(answers(302, b"", f"Location: {elsewhere.url()}")) as moving,
    ):  # fmt: skip
        world.names["meta.example.com"] = ["169.254.169.254"]
        world.bounds = Bounds(connect=5, whole=10)
        urls = {
            "slow": slowly.url(), "broken": broken.url(), "moving": moving.url(), "meta": "https://meta.example.com/p",
            "hanging": hanging.url(),
        }  # fmt: skip
        paths = {
            name: f"/postbacks/{world.adds(name=name, url=url, events=['ftd'])['target']}" for name, url in urls.items()
        }

        # when something happens: what hangs has a hundredth of a second
        world.tells(1)
        world.queue.sort(key=lambda each: paths["hanging"].split("/")[2] in each[1])
        hung = world.queue.pop()
        assert sorted(world.sends()) == ["delivered", "failed", "failed", "failed"]
        world.bounds = Bounds(connect=5, whole=0.01)
        world.queue.insert(0, hung)
        assert world.sends() == [Outcome.FAILED]
        assert elsewhere.requests == []

    # then each stands in its log, in words
    said = {
        "broken": "The target answered, but not with success (2xx): 500",
        "moving": "The target answered, but not with success (2xx): 302",
        "meta": "The name leads to an address that is not public: nothing was sent",
        "hanging": "The target did not answer in time",
    }
    codes = {"broken": "not_2xx", "moving": "not_2xx", "meta": "address_refused", "hanging": "timed_out"}
    for name, words in said.items():
        shown = page(world, paths[name]).replace(" : ", ": ")
        assert words in shown and "Next try" in shown and "1 try in a row failed" in shown, (name, shown)
        [row] = world.gets(paths[name]).json["items"]
        assert (row["status"], row["attempts"][0]["error"]) == ("waiting", codes[name])
        assert row["next_try"] is not None
    assert world.gets(paths["slow"]).json["items"][0]["status"] == "delivered"
    assert world.gets(paths["slow"]).json["target"]["slow"] is True
    assert "Slow" in page(world, paths["slow"])


def test_twenty_five_failures_pause_it_and_what_was_held_back_is_sent_after_a_resume(world: Hooked) -> None:
    with a_receiver(answers(500)) as receiver:
        target = world.adds(url=receiver.url())
        path = f"/postbacks/{target['target']}"
        world.tells(10)
        world.passes(hours=8)
        assert len(receiver.requests) == MOST_FAILURES
        assert f"Nothing arrived here in {MOST_FAILURES} tries" in page(world, path)
        world.tells(2)
        assert world.sends() == []
        rows = world.gets(f"{path}?limit=100").json["items"]
        assert {row["status"] for row in rows} == {"held"}
        assert world.posts(f"{path}/held", {}).json["code"] == "target_paused"

        receiver.does = answers(200)
        world.posts(f"{path}/resume", {})
        assert "Send what was held back" in page(world, path)
        # What is pressed on a page of the log begins there, and says where the next one goes on.
        following = world.gets(f"{path}?limit=2").json["next"]
        assert f"/held?cursor={following}" in world.portal.signed_in(HARBOUR).get(f"{path}?cursor={following}").body
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("introducer.services.try_target.AT_ONCE", 4)
            some = world.posts(f"{path}/held?cursor={following}", {}).json
        assert (some["sent"], some["more"]) == (4, True)
        assert world.posts(f"{path}/held?cursor={some['next']}", {}).json == {"sent": 6, "more": False, "next": None}
        assert "Send what was held back" in page(world, f"{path}?done=held_some&cursor={some['next']}")
        assert world.posts(f"{path}/held", {}).json["sent"] == 2
        assert world.sends() == [Outcome.DELIVERED] * 12


def test_one_delivery_is_sent_again_by_hand_under_its_id(world: Hooked) -> None:
    with a_receiver() as receiver:
        path = f"/postbacks/{world.adds(url=receiver.url())['target']}"
        world.tells(1)
        world.sends()
        [row] = world.gets(path).json["items"]
        replay = f"{path}/deliveries/{row['place']}/{row['delivery']}/replay"
        soon = world.posts(replay, {})
        assert (soon.status, soon.json["code"]) == (429, "replayed_too_soon")
        world.passes(minutes=2)
        browser = world.portal.signed_in(HARBOUR)
        assert browser.submit(path, replay).status == 303
        assert world.posts(replay, {}).json["code"] == "delivery_waits"
        assert world.sends() == [Outcome.DELIVERED]
        assert {each.headers["introducer-delivery"] for each in receiver.requests} == {row["delivery"]}
    for wrong in (f"{row['place']}/dlv_nothing", f"0/{row['delivery']}", f"x/{row['delivery']}"):
        assert world.posts(f"{path}/deliveries/{wrong}/replay", {}).json["code"] == "no_such_delivery"


def test_the_log_pages_and_comes_as_csv(world: Hooked) -> None:
    path = f"/postbacks/{world.adds()['target']}"
    for _ in range(5):
        world.tells(1)
        world.portal.now += world.portal.now.resolution * 1000
    seen, following = [], ""
    while True:
        answer = world.gets(f"{path}?limit=2{following}").json
        seen += [row["values"]["event_id"] for row in answer["items"]]
        if answer["next"] is None:
            break
        following = f"&cursor={answer['next']}"
    assert seen == [f"evt_{number}" for number in range(5, 0, -1)]
    rows = list(csv.DictReader(io.StringIO(world.portal.machine(HARBOUR, "text/csv").get(path).body)))
    assert [row["event_id"] for row in rows] == seen and rows[0]["status"] == "waiting"
