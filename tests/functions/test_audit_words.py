"""The audit trail speaks its reader's language, and what is recorded stays as it is."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.case import Case
from introducer.domain.case_rules import BY_CLOCK
from introducer.domain.configuration import Change, Role
from introducer.domain.fraud import registry
from introducer.domain.fraud.finding import Detector
from introducer.domain.fraud.registry import DETECTORS
from introducer.locale import CODES, language
from introducer.services.open_case import open_case
from introducer.wording.findings import for_staff
from tests.support import functions
from tests.support.casework import COMPLIANCE, Casework, a_casework, a_cluster
from tests.support.payday import NOW
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

REAL: tuple[Detector, ...] = DETECTORS
"""As the product has them: the casework's are stand-ins."""
REAL_SENTENCES = tuple(each.staff for each in REAL)
TYPED = "Nothing of it waits any more"
"""What the product writes as well, for another action."""


@pytest.fixture
def casework() -> Iterator[Casework]:
    with pytest.MonkeyPatch.context() as patch, a_casework(patch) as world:
        patch.setattr(registry, "DETECTORS", REAL)
        patch.setattr(registry, "_BY_NAME", {each.name: each for each in REAL})
        yield world


@pytest.fixture(scope="module")
def said() -> Any:
    return functions.load("portal").server.rendering.audit_words


def found(casework: Casework) -> Case:
    """A case that scoring opened, with the product's own sentence."""
    values = {"seen": "9", "of": "12", "first": "2026-03-26", "through": "2026-04-01", "clients": "9", "groups": "2"}
    finding = replace(a_cluster(), values=values)
    case = open_case(
        casework.case_books, casework.wiring.start_case, brand=casework.brand, partner=casework.harbour,
        findings=[finding], why=for_staff(finding), now=NOW,
    )  # fmt: skip
    assert case is not None
    return case


def test_a_reader_of_russian_reads_what_was_done_by_what_and_why(casework: Casework) -> None:
    # given what the clock of scoring found, and what a person typed
    case = found(casework)
    assert case.why.startswith("9 of 12 clients within seven days")
    machine, reader = casework.machine(COMPLIANCE), casework.signed_in(COMPLIANCE)
    typed = {"version": case.version, "verdict": "release", "why": TYPED}
    assert machine.post(f"/desk/cases/{case.partner}/{case.case}/decision", typed).status == 200
    reader.cookies["__Host-language"] = "ru"

    page = reader.get(f"/desk/audit?subject={case.case}")

    # then action, actor and reason are in Russian, the fields that have words too, and what was typed is as typed
    shown = text(page.body)
    assert "Открыт разбор" in shown and "Скоринг, автоматически" in shown and "open case" not in shown
    assert "У 9 из 12 клиентов за семь дней" in shown and "С 26 мар. 2026 по 1 апр. 2026" in shown
    assert case.why not in shown
    assert f"<bdi>{TYPED}</bdi>" in page.body
    assert "Статус status open" in shown and "Чем обнаружено detectors" in shown
    # and a program gets what was recorded, in any language
    rows = {row["action"]: row for row in machine.get(f"/desk/audit?subject={case.case}").json["items"]}
    released, opened = rows["release_case"], rows["open_case"]  # both of one moment, so in no order
    assert (opened["by"], opened["why"], released["why"]) == ("system:scoring", case.why, TYPED)
    assert json.loads(opened["after"])["status"] == "open"
    table = casework.machine(COMPLIANCE, "text/csv").get(f"/desk/audit?subject={case.case}").body
    assert {row["action"]: row["why"] for row in csv.DictReader(io.StringIO(table))} == {
        "release_case": TYPED, "open_case": case.why,
    }  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_the_trail_speaks_each_language(casework: Casework, said: Any, code: str) -> None:
    reader, spoken = casework.signed_in(COMPLIANCE), language(code)
    reader.cookies["__Host-language"] = code
    page = reader.get(f"/desk/audit?subject={casework.harbour}")
    shown = text(page.body)
    rows = casework.machine(COMPLIANCE).get(f"/desk/audit?subject={casework.harbour}").json["items"]
    # Some are of the world's own making.
    actions = {row["action"] for row in rows} & said.ACTIONS.keys()
    assert page.status == 200 and actions
    for action in actions:
        assert spoken.text(said.ACTIONS[action]) in shown


def test_a_reason_is_said_anew_only_where_the_product_wrote_it(said: Any) -> None:
    english, russian = language("en"), language("ru")
    for by, action, why, expected in (
        ("mem_1", "accept_deal", "accepted in the portal", "accepted in the portal"),
        ("mem_1", "place_hold", "accepted in the portal", ""),
        ("mem_1", "close_case", "Nothing of it waits any more", ""),
        ("system:fraud_case", "close_case", "Nothing of it waits any more", "Nothing of it waits any more"),
        ("system:clock", "case_released", BY_CLOCK, BY_CLOCK),
        ("mem_1", "write_message", "written", "Message written"),
        ("mem_1", "decide_objection", "written", ""),
        ("mem_1", "move_lead", "the lead is won", "the lead is Became a client"),
        ("mem_1", "move_lead", "the lead is somewhere", ""),
        ("mem_1", "change_role", "made finance of the team", "made Finance of the team"),
        ("mem_1", "finish_task", "no_answer", "No answer"),
        ("mem_1", "finish_task", "the application is decided", "the application is decided"),
        ("system:triggers", "raise_task", "ftd_fell", "First deposits fell"),
        ("system:issue_invoices", "issue_invoices", "payouts of run_7", "payouts of run_7"),
        ("postback_out", "pause_target", "25 tries in a row did not arrive.", "25 tries in a row did not arrive."),
        ("mem_1", "change_mail_preferences", "unsubscribed from news, by the link in a mail",
         "unsubscribed from News, by the link in a mail"),
        ("system:from_tomorrow", "sing_a_song", "it was time", ""),
    ):  # fmt: skip
        assert said.reason(english, action, by, why) == expected, (action, why)
    assert said.reason(russian, "finish_task", "mem_1", "no_answer") == russian.text("No answer") != "No answer"


@pytest.mark.parametrize("detector", REAL, ids=lambda each: each.name)
def test_what_each_detector_found_is_read_back_from_its_sentence(said: Any, detector: Detector) -> None:
    names = (
        "seen",
        "of",
        "clients",
        "groups",
        "clicks",
        "registrations",
        "expected",
        "rate",
        "hours",
        "loads",
        "lots",
    )
    values = {name: f"{number},{number}" for number, name in enumerate(names, start=2)}
    values |= {"first": "2026-03-26", "through": "2026-04-01", "others": "par_1, par_2"}
    finding = replace(a_cluster(), detector=detector.name, values=values)
    recorded = for_staff(finding)
    assert "\N{EN DASH}" not in recorded
    assert said.reason(language("en"), "open_case", "system:scoring", recorded) == recorded
    russian = said.reason(language("ru"), "join_case", "system:scoring", recorded)
    assert russian not in ("", recorded) and "26 Mar" not in russian
    assert said.reason(language("ru"), "open_case", "mem_1", recorded) == "", "somebody typed it"


def test_a_record_of_a_later_version_is_shown_as_it_is(casework: Casework, said: Any) -> None:
    russian = language("ru")
    record = {"action": "sing_a_song", "by": "mem_1", "why": "it was time", "before": "not JSON", "after": "[1]"}
    told = said.told(russian, record)
    assert told == ("sing a song", "", "", (), (), "")
    told = said.told(russian, record | {"after": '{"status": "on", "key_of_g": [1, "ż"]}'})
    assert told.after == (("status", "Статус", "on"), ("key_of_g", "", '[1, "ż"]'))


# ------------------------------------------------------------------------------------------------- what a person typed


@pytest.mark.parametrize(
    ("action", "by", "why"),
    [
        # A verdict's reason, a contest's and a broadcast's name: what acts on its own hands on what somebody typed.
        ("free_money", "system:fraud_case", "Nobody decided in time."),
        ("free_money", "system:fraud_case", "payouts of 31 March"),
        ("free_money", "system:fraud_case", "Money in question"),
        ("start_contest", "system:contest_close", "Everybody is counted"),
        ("enter_partners", "system:contest_close", "over: nothing"),
        ("next_contest", "system:contest_close", "payouts of spring"),
        ("begin_broadcast", "system:broadcast", "started on schedule"),
        # Of what acts on its own, the reason that another action has.
        ("close_run", "system:payout_run", "closed on schedule"),
        ("open_case", "system:clock", "Other partners of the brand are paid to the same account: par_1."),
        # Whoever gives a command types the reason.
        *(
            (action, by, why)
            for by in ("system:operator", "system:introducer", "system:setup", "system:demo")
            for action, why in (
                ("register_partner", "the application was approved"),
                ("create_campaign", "created in the portal"),
                ("write_message", "written"),
                ("raise_task", "ftd_fell"),
                ("close_month", "closed on schedule"),
            )
        ),
        # There is a field for the reason of these.
        ("propose_deal", "mem_1", "the application was approved"),
        ("set_manager", "mem_1", "the application was approved"),
        ("set_parent", "mem_1", "the application was approved"),
        ("change_source", "mem_1", "in the portal"),
        ("lift_suppression", "mem_1", "asked for mail again"),
        ("add_route", "mem_1", "created in the portal"),
    ],
)
def test_what_somebody_typed_is_not_said_anew(said: Any, action: str, by: str, why: str) -> None:
    assert action in said.ACTIONS
    for code in CODES:
        assert said.reason(language(code), action, by, why) == ""


@pytest.mark.parametrize("typed", ["Ticket PSP_44 of acc_7", "PSP_44"])
def test_a_typed_reason_is_shown_letter_by_letter(casework: Casework, typed: str) -> None:
    case = found(casework)
    machine, reader = casework.machine(COMPLIANCE), casework.signed_in(COMPLIANCE)
    verdict = {"version": case.version, "verdict": "release", "why": typed}
    assert machine.post(f"/desk/cases/{case.partner}/{case.case}/decision", verdict).status == 200
    casework.carries_out(case)
    page = reader.get(f"/desk/audit?subject={case.case}").body
    assert page.count(f"<bdi>{typed}</bdi>") == 2, "the verdict, and what followed from it by itself"
    assert typed.replace("_", " ") not in page


def test_all_that_is_on_record_has_typed_reasons_as_they_were_typed(casework: Casework) -> None:
    case = found(casework)
    machine, reader = casework.machine(COMPLIANCE), casework.signed_in(COMPLIANCE)
    verdict = {"version": case.version, "verdict": "release", "why": "psp_44"}
    assert machine.post(f"/desk/cases/{case.partner}/{case.case}/decision", verdict).status == 200
    page = reader.get(f"/desk/audit/partner/{case.partner}")
    assert page.status == 200 and "psp 44" not in text(page.body) and "<bdi>psp_44</bdi>" in page.body


# ------------------------------------------------------------------------------------------------ whatever is on record


def test_a_day_that_cannot_be_in_a_typed_reason_breaks_no_page(casework: Casework) -> None:
    # given a verdict whose reason names it, and that it was carried out
    case, word = found(casework), "payouts of 31 Feb 2026"
    machine, reader = casework.machine(COMPLIANCE), casework.signed_in(COMPLIANCE)
    verdict = {"version": case.version, "verdict": "release", "why": word}
    assert machine.post(f"/desk/cases/{case.partner}/{case.case}/decision", verdict).status == 200
    casework.carries_out(case)
    # then both pages that tell it tell it as it was typed
    for path in (f"/desk/cases/{case.partner}/{case.case}", f"/desk/audit?subject={case.case}"):
        page = reader.get(path)
        assert page.status == 200 and word in text(page.body), path


BITS = st.one_of(
    st.sampled_from(("31 Feb 2026", "0 Xxx 2026", "1 Jan 0000", "2026-02-30", "2026-13-99", "\N{EN DASH}", "9")),
    st.from_regex(r"\d{1,2} [A-Z][a-z]{2} \d{4}|20\d\d-\d\d-\d\d", fullmatch=True),
    st.text(max_size=20),
)
"""What may stand in the places of a sentence, and what may not."""


@given(data=st.data())
def test_no_record_whatever_breaks_its_page(said: Any, data: st.DataObject) -> None:
    # given what looks like the product's own, with anything in its places; or any text
    own = [("issue_invoices", "system:issue_invoices", "payouts of {run}")]
    own += [(action, "system:scoring", each) for action in sorted(said.FOUND) for each in REAL_SENTENCES]
    own += [(action, "mem_1", each) for action, some in said.FOR_PEOPLE.items() for each in some if "{" in each]
    actions = st.sampled_from(sorted(said.ACTIONS)) | st.text(max_size=20)
    actors = st.sampled_from(sorted(said.ACTORS | said.OPERATORS)) | st.just("mem_1")
    action, by, why = data.draw(st.sampled_from(own) | st.tuples(actions, actors, st.text()))
    why = re.sub(r"\{\w+\}", lambda _: str(data.draw(BITS)), why)
    record = {"action": action, "by": by, "why": why, "before": data.draw(st.none() | st.text())}
    # then it is told
    for code in ("en", "ar"):
        told = said.told(language(code), record | {"after": '{"status": "2026-02-30"}'})
        assert told.reason == said.reason(language(code), action, by, why)


@pytest.mark.parametrize("impossible", ["31 Feb 2026", "30 Xxx 2026", "99 Jan 2026"])
def test_a_day_that_cannot_be_stands_as_it_is_recorded(said: Any, impossible: str) -> None:
    recorded = (
        "Pages loaded the partner's links 9 times within seven days as an image or a frame, beside 3 clicks."
        f" {impossible} to 1 Apr 2026."
    )
    shown = said.reason(language("en"), "open_case", "system:scoring", recorded)
    assert shown in ("", recorded)


@pytest.mark.parametrize("detector", REAL, ids=lambda each: each.name)
def test_a_text_that_nearly_fits_a_sentence_again_and_again_is_no_work(said: Any, detector: Detector) -> None:
    # given a sentence that is there as often as there is room, and at last is another one
    once = re.sub(r"\{\w+\}", "1", detector.staff)
    hostile = (f"{once} " * 1_000)[:999] + "!"
    assert said.reason(language("en"), "open_case", "system:scoring", hostile) == ""
    # and no place has room for the words between places, but the one that lists partners
    places = re.findall(r"\(\?P<(\w+)>([^()]+)", said._pattern(detector.staff).pattern)
    assert {name for name, room in places if room.startswith(".")} <= {"others"}
    assert len(places) == len(set(re.findall(r"\{(\w+)\}", detector.staff)))


def test_a_reason_that_is_too_long_stands_as_it_is_recorded(said: Any) -> None:
    for many, read in ((30, True), (400, False)):
        others = ", ".join(f"par_{number}" for number in range(many))
        recorded = f"Other partners of the brand are paid to the same account: {others}."
        assert (len(recorded) > said.LONGEST) != read
        assert said.reason(language("en"), "open_case", "system:scoring", recorded) == (recorded if read else "")


def test_what_is_recorded_stands_beside_what_is_said_of_it(casework: Casework) -> None:
    # given records of two commands, and of scoring
    case = found(casework)
    for by in ("system:operator", "system:introducer", "system:setup"):
        member = replace(
            casework.people[COMPLIANCE], member=f"mem_{by[7:]}", partner=casework.harbour, role=Role.MEMBER
        )
        change = Change(by=by, at=NOW, why=f"Ticket of {by[7:]}", origin="command")
        casework.wiring.configuration.add_member(member, change)
        reader = casework.signed_in(COMPLIANCE)
        reader.cookies["__Host-language"] = "ru"
        # then which it was can be read, though both are an operator
        page = reader.get(f"/desk/audit?subject={member.member}").body
        assert f'<bdi dir="ltr" class="code small">{by}</bdi>' in page and "Оператор" in page
    page = reader.get(f"/desk/audit?subject={case.case}").body
    assert 'class="code small">system' not in page and '<span title="system:scoring">Скоринг' in page
    # and of a reason that is said anew the recorded one, not of one that stands as it is
    assert f'<span title="{html.escape(case.why)}">У 9 из 12' in page
    page = reader.get(f"/desk/audit?subject={member.member}").body
    assert "<bdi>Ticket of setup</bdi>" in page
