"""Contests on the desk, through the pages and the API: designed without scripts, approved by a second person, changed,
ended and cancelled; and each refusal with its reason beside its field."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.contest import Contest, ContestStatus, Division, Metric, Prize, PrizeKind
from introducer.locale import CODES, language
from introducer.store.configuration import Configuration
from tests.browser.world import Answer, Visitor
from tests.support.contest_pages import PRIZES, ContestPages, contest_pages
from tests.support.form_fields import Fields, fields_of
from tests.support.payday import ADMIN, CHECKER, HARBOUR, LANTERN, MAKER, MANAGER, NOW, PIPS

pytestmark = pytest.mark.in_memory

DESK, NEW = "/desk/contests", "/desk/contests/new"
COMPLIANCE, SALES, THEM = "compliance@broker", "sales@broker", "them@other"
WHY = "The summer is long"
SETTINGS: Mapping[str, Any] = {
    "name": "Summer race",
    "weights": {"ftd": "1"},
    "time_zone": "Europe/Berlin",
    "first_day": "2026-05-01",
    "last_day": "2026-05-31",
    "divisions": [
        {
            "pool": "5000.00",
            "prizes": [
                {"kind": "fixed", "first": 1, "last": 1, "amount": "1000.00"},
                {"kind": "share", "first": 2, "last": 5, "share": "25"},
            ],
        }
    ],
}
"""May, in Berlin: 1,000.00 for the first place, and a pool for the four after it."""


@pytest.fixture(scope="module")
def desk() -> Iterator[ContestPages]:
    """Each test makes contests of its own."""
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as world:
        yield staffed(world)


def staffed(world: ContestPages) -> ContestPages:
    """With all roles, another brand's admin, and executions that are noted."""
    for email, role, brand in (
        (COMPLIANCE, Role.COMPLIANCE, world.brand), (SALES, Role.SALES, world.brand), (THEM, Role.ADMIN, "brd_other"),
    ):  # fmt: skip
        world.people[email] = Member(
            member=f"mem_{email}", partner=None, brand=brand, role=role, name=email, language="en"
        )
        if brand == world.brand:
            change = Change(by="system:test", at=NOW, why="set up", origin="test")
            Configuration(world.table).add_member(world.people[email], change)
    world.wiring.start_contest = lambda name, given: world.executions.start(name, given).name
    return world


def text(body: str) -> str:
    body = re.sub(r"</?(bdi|small|span|strong)[^>]*>", "", re.sub(r"(?s)<head>.*?</head>", "", body))
    plain = re.sub(r"<[^>]+>", " ", body)
    return re.sub(r"\s+", " ", html.unescape(plain))


def sent(desk: ContestPages, path: str, body: Mapping[str, Any], who: str = MANAGER) -> Answer:
    """As a program sends it."""
    return desk.machine(who).post(path, body, as_json=True)


def drafted(desk: ContestPages, name: str, who: str = MANAGER, **settings: Any) -> str:
    """The id of a new draft."""
    answer = sent(desk, NEW, dict(SETTINGS) | {"name": name} | settings, who)
    assert answer.status == 201, answer.body
    return str(answer.json["contest"])


def with_prizes(*prizes: Mapping[str, Any], **division: Any) -> dict[str, Any]:
    return {"divisions": [{"prizes": list(prizes)} | division]}


def fixed(first: int, last: int, amount: str = "100.00") -> dict[str, Any]:
    return {"kind": "fixed", "first": first, "last": last, "amount": amount}


def share(first: int, last: int, percent: str) -> dict[str, Any]:
    return {"kind": "share", "first": first, "last": last, "share": percent}


def error_at(page: str, field: str) -> str:
    """What stands beside a field of the form."""
    found = re.search(rf'<p class="wrong" id="note-{re.escape(field)}">(.*?)</p>', page)
    return html.unescape(found[1]) if found else ""


# --------------------------------------------------------------------------------------------------------- designing it


def test_a_contest_is_designed_row_by_row_without_scripts_and_nothing_typed_is_lost(desk: ContestPages) -> None:
    visitor = desk.signed_in(MANAGER)
    form = fields_of(visitor.get(NEW).body, "design")
    form |= {"name": "Row by row", "first_day": "2026-05-01", "last_day": "2026-05-31", "kinds[]": ["", "ib"]}
    form |= {"partners": f"{HARBOUR}\r\n{desk.partners[PIPS]}", "divisions.0.prizes.0.worth": "1000"}

    # when rows are added, and one of them is taken away again
    def pressed(button: str, **typed: str) -> tuple[str, Fields]:
        answer = visitor.post(f"{NEW}/check", form | typed | {"do": button})
        assert answer.status == 200
        return answer.body, fields_of(answer.body, "design")

    _, form = pressed("add-0")
    assert (form["divisions.0.prizes.1.kind"], form["divisions.0.prizes.1.first"]) == ("fixed", "2")
    form |= {
        "divisions.0.prizes.1.kind": "share", "divisions.0.prizes.1.last": "5", "divisions.0.prizes.1.worth": "20",
        "divisions.0.pool": "5000",
    }  # fmt: skip
    page, form = pressed("add-0")
    assert "Shared out: 80% of the pool" in text(page)
    page, form = pressed("divide")
    assert "Division 2 and its prizes" in text(page)
    _, form = pressed("remove-1")
    page, form = pressed("remove-0-2")

    # then all that was typed is there still, and nothing was kept
    assert form["name"] == "Row by row" and form["kinds[]"] == ["", "ib"] and "divisions.1.pool" not in form
    assert form["partners"].splitlines() == [HARBOUR, desk.partners[PIPS]]
    assert "divisions.0.prizes.2.kind" not in form
    assert "Row by row" not in desk.machine(MANAGER).get(DESK).body

    # when the rules are shown, then the pool does not add up, and it is said where
    refused = visitor.post(f"{NEW}/check", form)
    assert refused.status == 422
    assert "less than 100% of the pool" in text(refused.body)
    form = fields_of(refused.body, "design") | {"divisions.0.prizes.1.worth": "25"}
    shown = visitor.post(f"{NEW}/check", form)
    assert shown.status == 200
    for said in (
        "The most it can cost 6,000.00 EUR", "Place 1: 1,000.00 EUR.", "Places 2 to 5, each: 25% of the pool.",
        "Only for introducing brokers.", "This can be kept. Nothing was kept yet.",
    ):  # fmt: skip
        assert said in text(shown.body), said

    # and what is kept is that, with partners by their ids
    kept = visitor.post(NEW, fields_of(shown.body, "design"))
    assert kept.status == 303
    contest = desk.contests.contest(kept.location.rpartition("/")[2].partition("?")[0])
    assert contest.status is ContestStatus.DRAFT and contest.drafted_by == desk.people[MANAGER].member
    assert contest.conditions.partners == {desk.partners[HARBOUR], desk.partners[PIPS]}
    (division,) = contest.divisions
    assert (division.pool, [(each.kind, each.first, each.last) for each in division.prizes]) == (
        500_000, [(PrizeKind.FIXED, 1, 1), (PrizeKind.SHARE, 2, 5)],
    )  # fmt: skip
    assert "The draft is kept." in text(visitor.get(kept.location).body)
    # and its form shows what it is, with names
    again = fields_of(visitor.get(f"{DESK}/{contest.contest}/edit").body, "design")
    assert set(again["partners"].splitlines()) == {HARBOUR, PIPS}
    assert (again["divisions.0.prizes.1.worth"], again["metric"], again["opt_in"]) == ("25", "ftd", "yes")


def test_a_form_may_have_as_many_rows_as_a_contest_has_prizes(desk: ContestPages) -> None:
    visitor = desk.signed_in(MANAGER)
    form = fields_of(visitor.get(NEW).body, "design")
    form |= {"name": "Many rows", "first_day": "2026-05-01", "last_day": "2026-05-31"}
    for place in range(150):
        row = {"kind": "fixed", "first": place + 1, "last": "", "worth": "10"}
        form |= {f"divisions.0.prizes.{place}.{name}": value for name, value in row.items()}

    kept = visitor.post(NEW, form)

    assert kept.status == 303
    contest = desk.contests.contest(kept.location.rpartition("/")[2].partition("?")[0])
    assert len(contest.divisions[0].prizes) == 150


def test_a_program_checks_and_keeps_settings_and_what_a_change_leaves_out_stays(desk: ContestPages) -> None:
    checked = sent(desk, f"{NEW}/check", SETTINGS)
    assert checked.status == 200
    assert checked.json["checked"]["most"] == {"amount": "6000.00", "currency": "EUR"}
    assert checked.json["checked"]["starts_at"] == "2026-04-30T22:00:00.000Z"
    assert "What counts" in [each["heading"] for each in checked.json["checked"]["rules"]]

    contest = drafted(desk, "By a program", tie="first", minimum="3")
    changed = sent(desk, f"{DESK}/{contest}/edit", {"shown": 10, "version": 1, "why": WHY})

    assert changed.status == 200
    settings = changed.json["settings"]
    assert (settings["shown"], settings["tie"], settings["minimum"], settings["name"]) == (
        10, "first", "3", "By a program",
    )  # fmt: skip
    assert desk.machine(MANAGER).get(f"{DESK}/{contest}").json["settings"] == settings
    # and its settings make another one
    like = desk.machine(MANAGER).get(f"{NEW}?like={contest}").json["settings"]
    assert (like["tie"], "first_day" in like) == ("first", False)


def test_what_is_ticked_is_a_list_also_where_a_form_sends_one_as_a_text(desk: ContestPages) -> None:
    program = desk.machine(MANAGER)
    answer = program.post(f"{NEW}/check", {"do": "divide", "kinds": "ib"})
    assert (answer.status, answer.json["ticked"]) == (200, {"kinds": ["ib"], "deals": [], "managers": []})


def test_settings_sent_as_json_fill_the_form_of_whoever_accepts_a_page(desk: ContestPages) -> None:
    contest = drafted(desk, "Read by both")
    for path in (f"{NEW}/check", f"{DESK}/{contest}/edit/check"):
        page = desk.machine(MANAGER, "text/html").post(path, SETTINGS | {"shown": 7}, as_json=True)
        data = sent(desk, path, SETTINGS | {"shown": 7}).json
        assert page.status == 200, path
        assert re.search(r'name="shown"[^>]*value="7"', page.body) and data["settings"]["shown"] == 7
        refused = desk.machine(MANAGER, "text/html").post(path, SETTINGS | {"divisions": [1]}, as_json=True)
        assert refused.status == 422, path


def test_where_everybody_can_win_the_preview_says_what_it_costs_if_all_do(desk: ContestPages) -> None:
    by_score = {"kind": "threshold", "threshold": "10", "amount": "50.00"}
    checked = sent(desk, f"{NEW}/check", dict(SETTINGS) | with_prizes(by_score)).json["checked"]

    assert (checked["most"], checked["partners"], checked["if_all"]["amount"]) == (None, 7, "350.00")


def test_points_and_a_series_go_through_the_form(desk: ContestPages) -> None:
    visitor = desk.signed_in(ADMIN)
    form = fields_of(visitor.get(NEW).body, "design")
    form |= {
        "name": "Weekly points", "first_day": "2026-05-04", "last_day": "2026-05-10", "metric": "weighted",
        "weights.qftd": "10", "weights.deposits": "0.01", "every": "week", "until": "4", "opt_in": "no",
        "divisions.0.prizes.0.worth": "A watch", "divisions.0.prizes.0.kind": "gift",
    }  # fmt: skip

    kept = visitor.post(NEW, form)

    contest = desk.contests.contest(kept.location.rpartition("/")[2].partition("?")[0])
    assert contest.weights == ((Metric.DEPOSITS, 10), (Metric.QFTD, 10_000))
    assert contest.series is not None and (contest.series.every, contest.series.until) == ("week", 4)
    again = fields_of(visitor.get(f"{DESK}/{contest.contest}/edit").body, "design")
    assert (again["metric"], again["weights.deposits"], again["opt_in"]) == ("weighted", "0.01", "no")
    assert (again["every"], again["until"], again["divisions.0.prizes.0.worth"]) == ("week", "4", "A watch")


def test_what_looks_like_a_code_and_is_none_is_refused_in_a_form(desk: ContestPages) -> None:
    visitor = desk.signed_in(MANAGER)
    form = as_form(desk, dict(SETTINGS) | {"name": "In the EU"}, visitor)
    for path in (NEW, f"{NEW}/check"):
        refused = visitor.post(path, form | {"countries": "UK, EU"})
        assert refused.status == 422 and "“<bdi>EU</bdi>” is no country" in error_at(refused.body, "countries")
        assert fields_of(refused.body, "design")["countries"] == "United Kingdom, EU"
    # but what a program named stays when somebody changes another thing
    path = f"{DESK}/{drafted(desk, 'Of a program', countries=['EU'])}/edit"
    again = fields_of(visitor.get(path).body, "design") | {"name": "By hand", "why": "A better name"}
    assert (again["countries"], visitor.post(path, again).status) == ("EU", 303)
    refused = visitor.post(path, again | {"countries": "EU, ZZ"})
    assert refused.status == 422 and "is no country" in error_at(refused.body, "countries")


@pytest.mark.parametrize(
    ("spoken", "typed", "shown"),
    [
        ("ru", "германия; Таиланд", "Германия, Таиланд"),
        ("ar", "ألمانيا، تايلاند", "ألمانيا، تايلاند"),
        ("en", "DE th", "Germany, Thailand"),
    ],
)
def test_countries_are_typed_by_their_names(desk: ContestPages, spoken: str, typed: str, shown: str) -> None:
    visitor = desk.signed_in(MANAGER, accept_language=spoken)
    visitor.cookies["__Host-language"] = spoken
    form = as_form(desk, dict(SETTINGS) | {"name": f"By names {spoken}"}, visitor)
    # when one of them is none, then what was typed stays, and it is said which
    refused = visitor.post(f"{NEW}/check", form | {"countries": f"{typed}; <Polnad>"})
    comma = language(spoken).mark(",")
    assert refused.status == 422
    assert fields_of(refused.body, "design")["countries"] == f"{shown}{comma}<Polnad>"
    assert "“<bdi><Polnad></bdi>” is no country" in error_at(refused.body, "countries") or spoken != "en"
    assert "<bdi><Polnad></bdi>" in error_at(refused.body, "countries") and "<Polnad>" not in refused.body
    # when all are, then the check and another row keep names in the form, and programs read codes
    for button in ({}, {"do": "add-0"}):
        page = visitor.post(f"{NEW}/check", form | {"countries": typed} | button)
        assert (page.status, fields_of(page.body, "design")["countries"]) == (200, shown)
    assert page.body.count("<datalist") == 1
    kept = visitor.post(NEW, form | {"countries": typed})
    assert kept.status == 303, kept.body
    path = kept.location.partition("?")[0]
    assert desk.contests.contest(path.rpartition("/")[2]).conditions.countries == {"DE", "TH"}
    assert desk.machine(MANAGER).get(f"{path}/edit").json["typed"]["countries"] == "DE, TH"
    assert fields_of(visitor.get(f"{path}/edit").body, "design")["countries"] == shown


# ------------------------------------------------------------------------------------------------------------- refusals


REFUSED: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "places_overlap": (with_prizes(fixed(1, 3), fixed(3, 4)), "divisions.0.prizes.1.first", "This place wins twice"),
    "places_leave_hole": (with_prizes(fixed(1, 1), fixed(3, 4)), "divisions.0.prizes.1.first", "A place before this"),
    "places_reversed": (with_prizes(fixed(2, 1)), "divisions.0.prizes.0.last", "swap them"),
    "ends_before_start": ({"last_day": "2026-04-01"}, "last_day", "It ends before it starts"),
    "window_too_long": ({"last_day": "2026-12-31"}, "last_day", "180 days at most"),
    "pool_over_100": (with_prizes(share(1, 3, "40"), pool="900.00"), "divisions.0.prizes", "more than 100%"),
    "pool_under_100": (with_prizes(share(1, 2, "40"), pool="900.00"), "divisions.0.prizes", "less than 100%"),
    "pool_needed": (with_prizes(share(1, 1, "100")), "divisions.0.pool", "say how much is in it"),
    "amount_needed": (with_prizes(fixed(1, 1, "0.00")), "divisions.0.prizes.0.worth", "Write an amount"),
    "single_weight": ({"weights": {"ftd": "2"}}, "metric", "One thing alone needs no points"),
    "unknown_partner": ({"partners": ["Nobody, Sons & Co"]}, "partners", "no partner of yours"),
    "series_overlaps": ({"series": {"every": "week", "until": 0}}, "last_day", "would start before this one ends"),
}
"""By code: the settings, the field, and what stands beside it."""


@pytest.mark.parametrize("code", REFUSED)
def test_settings_that_cannot_be_are_refused_with_the_reason_beside_the_field(desk: ContestPages, code: str) -> None:
    wrong, field, said = REFUSED[code]
    for path in (NEW, f"{NEW}/check"):
        answer = sent(desk, path, dict(SETTINGS) | wrong)
        assert (answer.status, answer.json["code"]) == (422, code)
    # and through the form, where all that was typed stays
    form = as_form(desk, dict(SETTINGS) | wrong)

    page = desk.signed_in(MANAGER).post(NEW, form)

    assert page.status == 422
    beside = error_at(page.body, field) or text(page.body)
    assert said in beside, beside
    # The token is masked anew on each page.
    assert fields_of(page.body, "design") | {"csrf": form["csrf"]} == form


def as_form(desk: ContestPages, settings: Mapping[str, Any], visitor: Visitor | None = None) -> Fields:
    """These settings, typed into the form."""
    form = fields_of((visitor or desk.signed_in(MANAGER)).get(NEW).body, "design")
    form |= {name: str(settings[name]) for name in ("name", "time_zone", "first_day", "last_day")}
    weights = settings["weights"]
    form |= {"metric": "weighted"} | {f"weights.{name}": weight for name, weight in weights.items()}
    if weights == {"ftd": "1"}:
        form |= {"metric": "ftd", "weights.ftd": ""}
    form["partners"] = "\n".join(settings.get("partners", ()))
    form["every"] = (settings.get("series") or {}).get("every", "once")
    for at, division in enumerate(settings["divisions"]):
        form[f"divisions.{at}.pool"] = division.get("pool", "")
        for number, prize in enumerate(division["prizes"]):
            worth = prize.get("amount") or prize.get("share") or prize.get("gift")
            row = {"kind": prize["kind"], "first": prize["first"], "last": prize["last"], "worth": worth}
            form |= {f"divisions.{at}.prizes.{number}.{name}": str(value) for name, value in row.items()}
    return form


CHANGED: Mapping[str, tuple[dict[str, Any], ContestStatus]] = {
    "metric_changed_after_start": ({"weights": {"lots": "1"}}, ContestStatus.RUNNING),
    "prizes_changed_after_start": (with_prizes(fixed(1, 1)), ContestStatus.RUNNING),
    "start_changed_after_start": ({"first_day": "2026-04-20"}, ContestStatus.RUNNING),
    "participants_changed_after_start": ({"kinds": ["ib"]}, ContestStatus.RUNNING),
    "rules_changed_after_start": ({"minimum": "7"}, ContestStatus.RUNNING),
    "participants_frozen": ({"opt_in": False}, ContestStatus.COUNTING),
    "contest_frozen": ({"weights": {"lots": "1"}}, ContestStatus.PROVISIONAL),
    "contest_over": ({"shown": 3}, ContestStatus.DONE),
}
"""By code: what is changed, when."""


@pytest.mark.parametrize("code", CHANGED)
def test_what_may_not_change_any_more_is_refused_with_the_reason(desk: ContestPages, code: str) -> None:
    changes, status = CHANGED[code]
    contest = desk.planned(f"Stays: {code}", status=status)

    for path in ("edit", "edit/check"):
        said = {"version": contest.version, "why": WHY} | changes
        answer = sent(desk, f"{DESK}/{contest.contest}/{path}", said)
        assert (answer.status, answer.json["code"]) == (409, code)

    assert desk.contests.contest(contest.contest) == contest


def test_a_contest_that_runs_has_a_form_of_what_may_still_change(desk: ContestPages) -> None:
    contest = desk.running("It runs", description="Go!", shown=3)
    there = f"{DESK}/{contest.contest}/edit"
    visitor = desk.signed_in(MANAGER)
    form = fields_of(visitor.get(there).body, "design")
    assert {"description", "public", "shown"} < set(form) and "metric" not in form and "first_day" not in form

    refused = visitor.post(there, form | {"shown": "5"})
    assert refused.status == 422
    assert error_at(refused.body, "why") == "Say why, in 3 to 500 characters: it stays on record."
    changed = visitor.post(there, fields_of(refused.body, "design") | {"why": WHY})

    assert changed.status == 303
    after = desk.contests.contest(contest.contest)
    assert (after.shown, after.description, after.divisions) == (5, "Go!", contest.divisions)
    assert after.weights == contest.weights and after.starts_at == contest.starts_at
    # and whoever looked at it before that is told so; once it is counted, nothing changes any more
    late = visitor.post(there, form | {"shown": "9", "why": WHY})
    assert late.status == 409 and "It was changed since you looked at it" in text(late.body)
    desk.moves(contest, status=ContestStatus.COUNTING)
    frozen = visitor.post(there, form | {"version": "3", "shown": "9", "why": WHY})
    assert frozen.status == 409 and "It is counted: its settings stand for good." in text(frozen.body)


def test_money_that_was_approved_is_approved_again_when_it_changes(desk: ContestPages) -> None:
    contest = drafted(desk, "Approved twice")
    assert sent(desk, f"{DESK}/{contest}/approval", {"version": 1}, CHECKER).status == 200
    more = with_prizes(fixed(1, 1, "2000.00"))

    preview = sent(desk, f"{DESK}/{contest}/edit/check", more).json["checked"]
    changed = sent(desk, f"{DESK}/{contest}/edit", more | {"version": 2, "why": WHY}, ADMIN)

    assert preview["again"] is True and preview["most"]["amount"] == "2000.00"
    assert (changed.json["status"], desk.contests.contest(contest).approved_by) == ("draft", None)
    # and whoever changed the money does not approve it
    refused = sent(desk, f"{DESK}/{contest}/approval", {"version": 3}, ADMIN)
    assert (refused.status, refused.json["code"]) == (403, "same_person")


def test_rubbish_is_never_a_failure_of_ours(desk: ContestPages) -> None:
    rubbish: tuple[Any, ...] = (
        {}, {"name": None}, {"name": ["a"]}, {"divisions": "all"}, {"divisions": [{"prizes": [7]}]},
        {"divisions": [{"prizes": [{"kind": "car"}]}]}, {"weights": ["ftd"]}, {"weights": {"ftd": "1e9"}},
        {"first_day": "9999-12-31"}, {"first_day": "2026-02-30"}, {"last_day": 5}, {"time_zone": "../etc"},
        {"grace_hours": 10**30}, {"currency": "EURO"}, {"countries": ["Germany"]}, {"minimum": "-1"},
        {"series": {"every": "day"}}, {"partners": {"a": 1}}, {"shown": True}, {"unheard_of": 1}, {"name": "a\u202eb"},
    )  # fmt: skip
    for wrong in rubbish:
        for path in (NEW, f"{NEW}/check"):
            answer = sent(desk, path, (dict(SETTINGS) | wrong) if wrong else {})
            assert answer.status == 422, (wrong, answer.body)
    visitor = desk.signed_in(MANAGER)
    form = fields_of(visitor.get(NEW).body, "design")
    for typed in (
        {"do": "add-999"}, {"do": "remove-0-999"}, {"do": "remove-0"}, {"do": "ruin"}, {"do": "add-\u0663"},
        {"divisions.998.name": "far", "do": "add-998"}, {"divisions.0.prizes.0.kind": "share", "do": "add-0",
        "divisions.0.prizes.0.worth": "NaN"}, {"divisions.0.prizes.0.first": "9" * 5000, "do": "divide"},
    ):  # fmt: skip
        assert visitor.post(f"{NEW}/check", form | typed).status == 200, typed
    for typed in ({"version": "x"}, {"minimum": "9" * 5000}, {"kinds[]": ["bank"]}, {"metric": "clicks"}):
        assert visitor.post(NEW, form | typed).status == 422, typed


# --------------------------------------------------------------------------------------------------------- who may what


def test_managers_and_admins_draft_and_nobody_else(desk: ContestPages) -> None:
    contest = drafted(desk, "Who drafts")
    for who in (CHECKER, COMPLIANCE, SALES):
        for path, said in ((NEW, SETTINGS), (f"{NEW}/check", SETTINGS), (f"{DESK}/{contest}/edit", SETTINGS)):
            answer = sent(desk, path, dict(said), who)
            assert (answer.status, answer.json["code"]) == (403, "contest_role")
        assert desk.machine(who).get(NEW).json["code"] == "contest_role"
        page = desk.signed_in(who).get(f"{DESK}/{contest}").body
        assert "/edit" not in page and "/cancellation" not in page and 'href="/desk/contests/new' not in page
        assert sent(desk, f"{DESK}/{contest}/cancellation", {"why": WHY}, who).status == 403
        assert desk.machine(who).get(DESK).status == 200
    assert HARBOUR in desk.people and desk.machine(HARBOUR).get(DESK).json["code"] == "staff_only"


def test_a_second_person_of_finance_approves_what_it_costs_and_its_execution_starts(desk: ContestPages) -> None:
    contest = drafted(desk, "The approved race", ADMIN)
    there = f"{DESK}/{contest}"

    for who, code in ((MANAGER, "contest_role"), (COMPLIANCE, "contest_role"), (ADMIN, "same_person")):
        data = desk.machine(who).get(there).json
        assert (data["may_approve"], data["why_not"]) == (False, code)
        assert "/approval" not in desk.signed_in(who).get(there).body
        refused = sent(desk, f"{there}/approval", {"version": 1}, who)
        assert (refused.status, refused.json["code"]) == (403, code)
    visitor = desk.signed_in(CHECKER)
    page = visitor.get(there)
    assert "Approve 6,000.00 EUR" in text(page.body) and "What approving does" in page.body
    key = {"csrf": page.field("csrf"), "version": "1"}
    approved = visitor.post(f"{there}/approval", key)

    assert approved.location == f"{there}?done=approved"
    data = desk.machine(CHECKER).get(there).json
    assert (data["status"], data["approved_by"], data["next"]) == ("planned", "Chris Checker", "start")
    assert data["execution"].startswith("the-approved-race-20260430-") and data["execution"] in desk.executions.started
    assert {each["action"]: each["by"] for each in data["history"]} == {
        "draft_contest": "Ada Admin",
        "approve_contest": "Chris Checker",
    }
    shown = text(visitor.get(f"{there}?done=approved").body)
    assert "Approved: partners see it now" in shown and data["execution"] in shown
    # and once is enough
    again = sent(desk, f"{there}/approval", {"version": 1}, MAKER)
    assert (again.status, again.json["code"]) == (409, "not_a_draft")


def test_what_starts_too_soon_or_was_changed_meanwhile_is_not_approved(desk: ContestPages) -> None:
    late = drafted(desk, "Too late", first_day="2026-04-02T11:35", last_day="2026-04-09")
    data = desk.machine(CHECKER).get(f"{DESK}/{late}").json
    assert (data["may_approve"], data["why_not"], data["next"]) == (False, "too_late", "approve_late")
    refused = sent(desk, f"{DESK}/{late}/approval", {"version": 1}, CHECKER)
    assert (refused.status, refused.json["code"]) == (422, "start_too_soon")

    moving = drafted(desk, "It moves")
    assert sent(desk, f"{DESK}/{moving}/edit", {"version": 1, "why": WHY, "shown": 3}).status == 200
    refused = sent(desk, f"{DESK}/{moving}/approval", {"version": 1}, CHECKER)
    assert (refused.status, refused.json["code"]) == (409, "contest_changed")


def test_another_brands_staff_find_nothing(desk: ContestPages) -> None:
    contest = desk.running("Ours alone")
    desk.counted(contest)
    there = f"{DESK}/{contest.contest}"
    partner = desk.partners[HARBOUR]
    for path in ("", "/edit", "/participants", "/result", "/awards"):
        assert desk.machine(THEM).get(f"{there}{path}").status == 404, path
    assert desk.machine(THEM).get(f"{NEW}?like={contest.contest}").status == 404
    assert desk.machine(MANAGER).get(f"{DESK}/ctt_{'9' * 1100}").status == 404
    for path, said in (
        ("/edit", {"version": 1, "why": WHY}), ("/approval", {"version": 1}), ("/cancellation", {"why": WHY}),
        ("/end", {"version": 1, "why": WHY, "last_day": "2026-04-20"}),
        (f"/participants/{partner}/aside", {"why": WHY}), (f"/participants/{partner}/back", {"why": WHY}),
        ("/objections", {"partner": partner, "at": 1, "verdict": "refuse", "why": WHY}),
        ("/awards", {"partner": partner, "award": 1, "status": "sent"}),
    ):  # fmt: skip
        assert sent(desk, f"{there}{path}", said, THEM).status == 404, path
    assert desk.machine(THEM).get(DESK).json["items"] == []


# -------------------------------------------------------------------------------------------------- ending, cancelling


def test_a_contest_is_ended_later_and_sooner_with_a_reason_and_its_execution_is_woken(desk: ContestPages) -> None:
    contest = desk.running("Longer", token="token of longer")
    there = f"{DESK}/{contest.contest}"
    visitor = desk.signed_in(MANAGER)
    page = visitor.get(there)
    form = {"csrf": page.field("csrf"), "version": "1", "when": "day", "last_day": "2026-05-05", "why": WHY}

    refused = visitor.post(f"{there}/end", form | {"last_day": "2026-03-20"})
    assert (
        refused.status == 422
        and error_at(refused.body, "last_day") == "It would end before it starts: choose a later day."
    )
    assert 'value="2026-03-20"' in refused.body and f'value="{WHY}"' in refused.body
    extended = visitor.post(f"{there}/end", form)
    assert extended.location == f"{there}?done=end"
    assert desk.contests.contest(contest.contest).ends_at.isoformat() == "2026-05-05T22:00:00+00:00"
    assert desk.executions.woken[-1][0] == "token of longer"
    sooner = sent(desk, f"{there}/end", {"version": 2, "when": "now", "why": WHY})

    assert (sooner.status, sooner.json["ends_at"]) == (200, "2026-04-02T09:32:00.000Z")
    history = desk.machine(MANAGER).get(there).json["history"]
    assert {(each["action"], each["why"], each["by"]) for each in history} == {
        ("close_contest_early", WHY, "Sam Okoro"),
        ("extend_contest", WHY, "Sam Okoro"),
    }
    for said, status, code in (
        ({"version": 1, "last_day": "2026-04-20", "why": WHY}, 409, "contest_changed"),
        ({"version": 3, "last_day": "soon", "why": WHY}, 422, "invalid_day"),
        ({"version": 3, "last_day": "2026-04-01", "why": WHY}, 422, "end_too_soon"),
        ({"version": 3, "last_day": "2027-04-01", "why": WHY}, 422, "window_too_long"),
        ({"version": 3, "last_day": "9999-12-31", "why": WHY}, 422, "invalid_day"),
        ({"version": 3, "last_day": "2026-04-20", "why": "  "}, 422, "invalid"),
    ):  # fmt: skip
        answer = sent(desk, f"{there}/end", said)
        assert (answer.status, answer.json["code"]) == (status, code), said
    assert sent(desk, f"{there}/end", {"version": 3, "when": "now", "why": WHY}, CHECKER).json["code"] == "contest_role"
    frozen = desk.moves(contest, status=ContestStatus.COUNTING)
    answer = sent(desk, f"{there}/end", {"version": frozen.version, "last_day": "2026-05-20", "why": WHY})
    assert (answer.status, answer.json["code"]) == (409, "contest_frozen")
    assert "/end" not in visitor.get(there).body


def test_a_contest_is_cancelled_with_a_reason_until_its_result_is_final(desk: ContestPages) -> None:
    contest = desk.running("To be cancelled")
    desk.enters(contest, PIPS)
    there = f"{DESK}/{contest.contest}"
    visitor = desk.signed_in(ADMIN)
    page = visitor.get(there)
    assert "Cancel it for 1 participant" in text(page.body)

    refused = visitor.post(f"{there}/cancellation", {"csrf": page.field("csrf"), "why": " "})
    assert refused.status == 422
    cancelled = visitor.post(f"{there}/cancellation", {"csrf": page.field("csrf"), "why": "The prize is gone"})

    assert cancelled.location == f"{there}?done=cancelled"
    data = desk.machine(ADMIN).get(there).json
    assert (data["status"], data["why_over"], data["next"]) == ("cancelled", "The prize is gone", "")
    paying = desk.planned("Being paid", status=ContestStatus.PAYING)
    answer = sent(desk, f"{DESK}/{paying.contest}/cancellation", {"why": WHY})
    assert (answer.status, answer.json["code"]) == (409, "result_final")


# ------------------------------------------------------------------------------------------------------------- the list


def test_the_list_says_what_each_contest_waits_for_and_is_read_page_by_page() -> None:
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as world:
        desk = staffed(world)
        assert "No contest yet" in desk.signed_in(MANAGER).get(DESK).body
        _six_contests(desk)
        machine = desk.machine(MAKER)

        rows = machine.get(DESK).json["items"]

        assert [(row["name"], row["status"], row["next"], row["participants"]) for row in rows] == [
            ("May", "draft", "approve", None), ("Sprint", "planned", "start", 0), ("=cmd", "running", "end", 2),
            ("Late", "running", "count", 0), ("Argued", "provisional", "objections", 1),
            ("Gone", "cancelled", "", None),
        ]  # fmt: skip
        assert [row["most"] and row["most"]["amount"] for row in rows] == [
            "6000.00", "1500.00", None, "1500.00", "1500.00", "1500.00",
        ]  # fmt: skip
        assert (rows[2]["first_day"], rows[2]["last_day"]) == ("2026-04-01", "2026-04-30")
        names, cursor = [], ""
        while cursor is not None:
            page = machine.get(f"{DESK}?limit=4" + (f"&cursor={cursor}" if cursor else "")).json
            names += [row["name"] for row in page["items"]]
            cursor = page["next"]
        assert names == [row["name"] for row in rows]
        table = list(csv.DictReader(io.StringIO(desk.machine(MAKER, "text/csv").get(DESK).body)))
        assert [(row["name"], row["most"], row["next"]) for row in table][2] == ("'=cmd", "", "end")
        shown = text(desk.signed_in(CHECKER).get(DESK).body)
        for said in ("Somebody of finance, or another admin, approves it", "starts in 4 days", "no limit"):
            assert said in shown, said
        assert "New contest" not in shown


def _six_contests(desk: ContestPages) -> None:
    drafted(desk, "May")
    desk.planned("Sprint", starts_at=NOW + timedelta(days=4), ends_at=NOW + timedelta(days=9))
    by_score = Prize(kind=PrizeKind.THRESHOLD, threshold=100, amount=500)
    cup = desk.running("=cmd", divisions=(Division(name="", prizes=(*PRIZES, by_score)),))
    for partner in (HARBOUR, LANTERN):
        desk.enters(cup, partner)
    desk.scores(cup, PIPS, ftd=3)
    desk.running("Late", starts_at=NOW - timedelta(days=8), ends_at=NOW - timedelta(hours=1))
    argued = desk.running("Argued", starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=5))
    desk.enters(argued, PIPS)
    desk.counted(argued)
    gone = desk.planned("Gone", starts_at=NOW - timedelta(days=40), ends_at=NOW - timedelta(days=35))
    desk.moves(gone, status=ContestStatus.CANCELLED)


@pytest.mark.parametrize("code", CODES)
def test_the_desk_of_contests_speaks_each_language(desk: ContestPages, code: str) -> None:
    contests: list[Contest] = [
        desk.planned(f"{status} {code}", status=status, edition="edn_0") for status in ContestStatus
    ]
    visitor = desk.signed_in(ADMIN, accept_language=code)
    for path in (DESK, NEW, f"{DESK}/{contests[0].contest}/edit", *(f"{DESK}/{each.contest}" for each in contests)):
        page = visitor.get(path)
        assert (page.status, f'lang="{code}"' in page.body) == (200, True), path
