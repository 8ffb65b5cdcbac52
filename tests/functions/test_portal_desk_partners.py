"""The list of partners: found, filtered, in order, page by page; and several of them changed at once."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.configuration import Status
from introducer.domain.fraud.person import Person
from introducer.domain.identity import EMAIL, keyed_hash
from introducer.domain.results import ResultLine
from introducer.domain.segment import segment_of
from introducer.services.save_segment import save_segment
from introducer.store.results import Results
from tests.support.at_once import FOREIGNER, FRESH, NEIGHBOUR, AtOnce, at_once
from tests.support.builders import cpa, revshare, terms
from tests.support.casework import COMPLIANCE, SALES
from tests.support.form_fields import fields_of
from tests.support.payday import (
    ADMIN,
    GULF,
    HARBOUR,
    HELD,
    LANTERN,
    MAKER,
    MANAGER,
    NOW,
    NOWHERE,
    PIPS,
    SMALL,
)

pytestmark = pytest.mark.in_memory
LIST, BULK = "/desk/partners", "/desk/partners/bulk"
TEXT = {"subject_en": "News", "text_en": "Good day,\n\nthis is new."}


@pytest.fixture(scope="module")
def portal() -> Iterator[AtOnce]:
    with pytest.MonkeyPatch.context() as patch, at_once(patch) as world:
        for name, clicks, ftd, revenue, active in ((PIPS, 90, 5, 70_000, "2026-04-01"), (LANTERN, 4_000, 1, 10, "")):
            line = ResultLine(
                partner=world.partners[name], day="2026-04-02", clicks_30=clicks, ftd_30=ftd,
                net_revenue_30={"EUR": revenue}, last_active_day=active, joined="2026-01-05",
            )  # fmt: skip
            Results(world.table).put(world.brand, line)
        yield world


def names(portal: AtOnce, query: str = "", who: str = MANAGER) -> list[str]:
    return [each["name"] for each in portal.machine(who).get(f"{LIST}?{query}").json["items"]]


def sends(portal: AtOnce, who: str = MANAGER, *, check: bool = False, key: str = "", **wish: Any) -> Any:
    headers = {"idempotency_key": key} if key else {}
    return portal.machine(who).post(BULK + ("/check" if check else ""), wish, as_json=True, **headers)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


class TestTheList:
    def test_it_is_in_the_order_that_is_asked_for_and_whoever_has_no_figure_comes_last(self, portal: AtOnce) -> None:
        assert names(portal) == sorted(names(portal), key=str.casefold)
        assert names(portal, "sort=-clicks")[:3] == [LANTERN, HARBOUR, PIPS]
        assert names(portal, "sort=-ftd")[:3] == [HARBOUR, PIPS, LANTERN]
        assert names(portal, "sort=-net_revenue")[:3] == [HARBOUR, PIPS, LANTERN]
        assert names(portal, "sort=trend")[0] == names(portal, "sort=-trend")[0] == HARBOUR
        assert names(portal, "sort=ftd")[:3] == [LANTERN, PIPS, HARBOUR]
        assert names(portal, "sort=-name") == names(portal)[::-1]
        assert names(portal, "sort=active")[:3] == [LANTERN, HARBOUR, PIPS]
        assert names(portal, "sort=-joined")[0] == FRESH

    def test_it_is_filtered_by_name_number_manager_kind_country_and_standing(self, portal: AtOnce) -> None:
        assert names(portal, "q=lantern") == [LANTERN]
        assert names(portal, f"q={portal.harbour}") == [HARBOUR]
        assert names(portal, f"manager={portal.people[MANAGER].member}") == [FRESH]
        assert FRESH not in names(portal, "manager=nobody") and HARBOUR in names(portal, "manager=nobody")
        assert names(portal, "country=AE&kind=ib&q=media") == [FRESH]
        assert names(portal, "status=blocked") == [] and HARBOUR in names(portal, "status=active")
        assert NEIGHBOUR not in names(portal) and names(portal, who=FOREIGNER) == [NEIGHBOUR]

    def test_a_saved_segment_is_a_tab_of_it(self, portal: AtOnce) -> None:
        chosen = segment_of("all", [{"field": "ftd_30", "operator": "at_least", "values": ["5"]}])
        saved = save_segment(
            portal.wiring.broadcast_books.segments, member=portal.people[MANAGER], name="Five & more", shared=False,
            chosen=chosen, now=NOW, request="seg-1",
        )  # fmt: skip

        assert names(portal, f"segment={saved.segment}&sort=-ftd") == [HARBOUR, PIPS]
        page = portal.signed_in(MANAGER).get(f"{LIST}?segment={saved.segment}").body
        assert "Five &amp; more" in page and f"/desk/broadcasts/new?segment={saved.segment}" in page
        # a segment that a colleague has not shared is none
        assert portal.machine(ADMIN).get(f"{LIST}?segment={saved.segment}").status == 404

    def test_those_who_are_ticked_are_written_to_and_nobody_else(self, portal: AtOnce) -> None:
        # given two who are ticked
        pips, lantern = portal.partners[PIPS], portal.partners[LANTERN]
        machine = portal.signed_in(MANAGER)
        new = machine.get(f"/desk/broadcasts/new?chosen=1&partner={pips}&partner={lantern}")
        assert f"To whom: {PIPS} , {LANTERN}" in text(new.body)

        # when it is drafted, after a mistake that forgets nobody
        sent = {"csrf": new.field("csrf"), **TEXT, "partners[]": [pips, lantern]}
        wrong = machine.post("/desk/broadcasts", sent | {"name": ""})
        assert wrong.status == 422 and f'name="partners[]" value="{lantern}"' in wrong.body
        made = machine.post("/desk/broadcasts", sent | {"name": "To two"})

        # then it means those two, by their names
        path = made.location.partition("?")[0]
        found = portal.machine(MANAGER).get(path).json
        assert (found["fits"]["partners"], {each["partner"] for each in found["some"]}) == (2, {pips, lantern})
        assert found["chosen"]["said"] == [[PIPS, LANTERN]]

        # and nobody by mistake: neither everybody for nobody, nor another brand's
        assert "Nobody is chosen" in machine.get("/desk/broadcasts/new?chosen=1").body
        assert portal.machine(MANAGER).get(f"/desk/broadcasts/new?all=1&q={PIPS}").json["partners"] == [
            {"partner": pips, "name": PIPS}
        ]
        other = portal.machine(FOREIGNER).get(LIST).json["items"][0]["partner"]
        assert machine.get(f"/desk/broadcasts/new?partner={other}").status == 404
        refused = portal.machine(MANAGER).post(
            "/desk/broadcasts", {"name": "x", **TEXT, "partners": [other]}, as_json=True
        )
        assert refused.json["code"] == "segment_value"

    def test_pages_hold_everybody_once_and_a_cursor_is_good_for_its_own_list(self, portal: AtOnce) -> None:
        machine, found, path = portal.machine(MANAGER), [], f"{LIST}?sort=clicks&limit=2"
        first = machine.get(path).json
        answer = first
        while True:
            found += [each["partner"] for each in answer["items"]]
            if answer["next"] is None:
                break
            answer = machine.get(f"{path}&cursor={answer['next']}").json
        assert len(found) == len(set(found)) == first["total"] == len(names(portal, "limit=200"))
        assert machine.get(f"{LIST}?sort=ftd&limit=2&cursor={first['next']}").status == 400

    def test_a_spreadsheet_has_the_same_figures_and_no_formula(self, portal: AtOnce) -> None:
        table = portal.machine(MANAGER).get(f"{LIST}?limit=200", accept="text/csv").body
        rows = {row["partner"]: row for row in csv.DictReader(io.StringIO(table))}
        harbour = rows[portal.harbour]
        assert (harbour["ftd_30"], harbour["trend"], harbour["net_revenue_30"]) == (
            "21",
            "-60",
            "4120.50 EUR, 99.00 USD",
        )
        assert rows[portal.partners[FRESH]]["ftd_30"] == ""

    @pytest.mark.parametrize("query", ["sort=luck", "status=gone", "kind=bank", "country=pl", f"q={'a' * 121}"])
    def test_what_cannot_be_asked_is_refused(self, portal: AtOnce, query: str) -> None:
        assert portal.machine(MANAGER).get(f"{LIST}?{query}").json["code"] == "bad_query"

    def test_an_e_mail_finds_the_partner_whose_login_has_it_and_stands_in_no_address(
        self, portal: AtOnce, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(portal.wiring, "identity_secret", lambda: b"what people are hashed under")
        person = Person(EMAIL, keyed_hash(portal.wiring.brand_key(portal.brand), EMAIL, "robin@harbour.example"))
        portal.wiring.persons.remember_member(portal.brand, portal.harbour, [person], NOW)
        browser = portal.signed_in(SALES)

        found = browser.submit(LIST, f"{LIST}/find", email=" Robin@Harbour.example ")
        missed = browser.submit(LIST, f"{LIST}/find", email="nobody@harbour.example")

        assert (found.status, found.location) == (303, f"{LIST}/{portal.harbour}")
        assert missed.status == 404 and "No login of a partner has this e-mail." in missed.body
        assert browser.submit(LIST, f"{LIST}/find", email="no address").status == 422


class TestSeveralAtOnce:
    def test_what_would_become_of_each_is_shown_before_and_nothing_is_kept(self, portal: AtOnce) -> None:
        admin = portal.people[ADMIN]
        wish = {"do": "manager", "partners": [portal.harbour, portal.partners[FRESH]], "to": admin.member}

        shown = sends(portal, check=True, **wish).json["outcomes"]

        assert [(each["name"], each["before"], each["after"], each["fate"]) for each in shown] == [
            (HARBOUR, "", admin.name, "would"), (FRESH, portal.people[MANAGER].name, admin.name, "would"),
        ]  # fmt: skip
        assert portal.configuration.partner(portal.harbour).manager is None

    def test_partners_are_handed_over_in_a_browser_with_what_is_open_for_them(self, portal: AtOnce) -> None:
        # given two who were ticked in the list
        browser, admin = portal.signed_in(MANAGER), portal.people[ADMIN]
        chosen = [portal.harbour, portal.partners[GULF]]
        page = browser.get(f"{BULK}?do=manager&partner={chosen[0]}&partner={chosen[1]}")
        assert HARBOUR in page.body and all(f'value="{each}"' in page.body for each in chosen)

        # when somebody looks first, and then does it
        checked = browser.post(
            f"{BULK}/check",
            {
                "csrf": page.field("csrf"),
                "do": "manager",
                "partners[]": chosen,
                "to": admin.member,
                "reason": "on leave",
            },
        )
        assert "Change 2 partners" in checked.body and "nobody" in text(checked.body)
        fields = {
            "csrf": page.field("csrf"), "idempotency_key": checked.field("idempotency_key"), "do": "manager",
            "partners[]": chosen, "to": admin.member, "reason": "on leave",
        }  # fmt: skip
        done, again = browser.post(BULK, fields), browser.post(BULK, fields)

        # then both are the admin's, on record, with their open tasks; and the second sending is the first one's answer
        assert "2 partners were changed." in text(done.body)
        assert again.body == done.body
        for each in chosen:
            assert portal.configuration.partner(each).manager == admin.member
            [record] = [
                record for record in portal.configuration.audit_of_subject(each).items if record.action == "set_manager"
            ]
            assert (record.why, record.by) == ("on leave", portal.people[MANAGER].member)
        cards = {card.partner: card for card in portal.configuration.every_card(portal.brand)}
        assert cards[portal.harbour].manager == admin.member
        assert {task["assignee"] for task in portal.data()["tasks"]} == {admin.name}

    def test_sent_anew_it_changes_only_who_is_left(self, portal: AtOnce) -> None:
        manager = portal.people[MANAGER]
        wish = {"do": "manager", "to": manager.member, "reason": "they know each other"}
        first = sends(portal, partners=[portal.partners[PIPS]] * 2, **wish).json["outcomes"]
        second = sends(portal, partners=[portal.partners[PIPS], portal.partners[LANTERN]], **wish).json["outcomes"]
        nobody = sends(portal, do="manager", to="", reason="they left", partners=[portal.partners[PIPS]]).json[
            "outcomes"
        ]

        assert [each["fate"] for each in first + second] == ["done", "same", "done"]
        assert (nobody[0]["fate"], portal.configuration.partner(portal.partners[PIPS]).manager) == ("done", None)

    def test_what_one_refuses_stops_none_of_the_others(self, portal: AtOnce) -> None:
        lantern, foreign = portal.partners[LANTERN], portal.partners[NEIGHBOUR]
        wish = {"do": "standing", "to": "suspended", "reason": "papers are missing", "partners": [foreign, lantern]}

        assert [each["fate"] for each in sends(portal, check=True, **wish).json["outcomes"]] == ["refused", "would"]
        outcomes = sends(portal, key="susp-1", **wish).json["outcomes"]
        assert [(each["fate"], each["code"]) for each in outcomes] == [("refused", "not_found"), ("done", "")]
        assert portal.configuration.partner(lantern).status is Status.SUSPENDED
        assert [each["fate"] for each in sends(portal, **wish).json["outcomes"]] == ["refused", "same"]
        # a block is more than a manager decides, one by one as well
        blocked = sends(portal, **{**wish, "to": "blocked", "partners": [lantern]}).json["outcomes"]
        assert [(each["fate"], each["code"]) for each in blocked] == [("refused", "block_role")]
        allowed = sends(portal, COMPLIANCE, **{**wish, "to": "blocked", "partners": [lantern]}).json["outcomes"]
        assert [each["fate"] for each in allowed] == ["done"]
        # nor does a manager lift one, and is told so before it is tried
        lifted = {**wish, "to": "active", "partners": [lantern]}
        for check in (True, False):
            (outcome,) = sends(portal, check=check, **lifted).json["outcomes"]
            assert (outcome["fate"], outcome["code"]) == ("refused", "block_role")

    def test_what_is_decided_for_later_is_covered_too(self, portal: AtOnce) -> None:
        # given one who is suspended in a month, and active until then
        gulf = portal.partners[GULF]
        later = {"status": "suspended", "reason": "papers end", "since": "2026-05-02T10:00"}
        assert portal.machine(MANAGER).post(f"{LIST}/{gulf}/standing", later, as_json=True).status == 201
        wish = {"do": "standing", "to": "active", "reason": "papers came", "partners": [gulf]}

        fates = [sends(portal, check=check, **wish).json["outcomes"][0]["fate"] for check in (True, False, True)]

        assert fates == ["would", "done", "same"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"partners": []}, "nobody_chosen"),
            ({"partners": ["par_1"] * 3 + [f"par_{n}" for n in range(51)]}, "too_many_partners"),
            ({"to": "mem_nobody"}, "no_such_manager"),
            ({"to": "sales"}, "no_such_manager"),
            ({"reason": "x"}, "reason_needed"),
            ({"do": "standing", "to": "gone"}, "invalid_standing"),
            ({"do": "delete"}, "invalid"),
            ({"brand": "brd_other"}, "invalid"),
        ],
    )
    def test_what_cannot_be_is_refused_as_a_whole(self, portal: AtOnce, change: dict[str, Any], code: str) -> None:
        if change.get("to") == "sales":
            change = {"to": portal.people[SALES].member}
        wish = {"do": "manager", "partners": [portal.harbour], "to": "", "reason": "as agreed"} | change

        answer = sends(portal, **wish)

        assert (answer.status, answer.json["code"]) == (422, code)

    def test_who_may_not_is_told_so_and_finds_no_boxes_in_the_list(self, portal: AtOnce) -> None:
        wish = {"do": "manager", "partners": [portal.harbour], "to": "", "reason": "as agreed"}
        for who in (SALES, MAKER):
            assert sends(portal, who, **wish).status == 403
            assert portal.machine(who).get(f"{BULK}?partner={portal.harbour}").status == 403
            assert 'type="checkbox"' not in portal.signed_in(who).get(LIST).body
        # compliance decides standings, and hands nobody over
        assert sends(portal, COMPLIANCE, **wish).status == 403
        assert portal.machine(COMPLIANCE).get(f"{BULK}?partner={portal.harbour}").json["actions"] == ["standing"]
        assert portal.machine(MANAGER).get(f"{BULK}?partner={portal.partners[NEIGHBOUR]}").status == 404

    def test_a_refused_form_still_has_who_was_chosen_and_what_was_typed(self, portal: AtOnce) -> None:
        browser = portal.signed_in(MANAGER)
        page = browser.get(f"{BULK}?do=manager&partner={portal.harbour}")
        fields = {"csrf": page.field("csrf"), "do": "manager", "partners[]": [portal.harbour], "to": "", "reason": "x"}

        answer = browser.post(BULK, fields)

        assert answer.status == 422 and f'name="partners[]" value="{portal.harbour}"' in answer.body
        assert "Say why, in 3 to 500 characters" in answer.body

    def test_all_of_a_list_are_taken_fifty_at_a_time_by_their_numbers(
        self, portal: AtOnce, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(portal.module.pages.desk_partners_bulk, "MOST_AT_ONCE", 3)
        machine, everybody = (
            portal.machine(MANAGER),
            sorted(portal.partners[name] for name in names(portal, "limit=200")),
        )
        path, found = f"{BULK}?do=standing&all=1", []
        while path:
            answer = machine.get(path).json
            found += [each["partner"] for each in answer["chosen"]]
            path = answer["next"]
        assert found == everybody


class TestTheSameTermsForSeveral:
    TERMS = terms(cpa("150.00"), revshare("33"), days=10)
    JOINT = "/desk/deals/joint"

    def wish(self, portal: AtOnce, *names: str, **more: Any) -> dict[str, Any]:
        return {"terms": self.TERMS, "reason": "spring offer", "partners": [portal.partners[n] for n in names]} | more

    def test_terms_that_a_partner_had_before_can_be_proposed_to_it_anew(self, portal: AtOnce) -> None:
        had = portal.configuration.deals(portal.partners[PIPS])[-1]
        wish = self.wish(portal, PIPS, terms=json.loads(had.terms))

        (standing,) = portal.machine(MANAGER).post(f"{self.JOINT}/check", wish, as_json=True).json["standings"]

        assert had.accepted_at is not None
        assert (standing["place"], standing["version"]) == ("would", had.version + 1)

    def test_a_second_person_lets_them_out_and_each_partner_answers(self, portal: AtOnce) -> None:
        # given terms for two partners, and a third one that is another brand's
        manager, admin = portal.machine(MANAGER), portal.machine(ADMIN)
        before = {name: len(portal.configuration.deals(portal.partners[name])) for name in (HELD, SMALL)}
        wish = self.wish(portal, HELD, SMALL, NEIGHBOUR)

        # when they are looked at, nothing is kept
        shown = manager.post(f"{self.JOINT}/check", wish, as_json=True).json
        assert [(each["name"], each["place"]) for each in shown["standings"]] == [
            (HELD, "would"), (SMALL, "would"), ("", "refused"),
        ]  # fmt: skip
        assert shown["standings"][2]["detail"] and shown["clauses"]

        # and when they are handed on, they wait for a second person: not for who wrote them, and not for finance
        made = manager.post(self.JOINT, wish, as_json=True, idempotency_key="joint-1")
        assert made.status == 201 and made.json["status"] == "waiting"
        path, yes = f"{self.JOINT}/{made.json['proposal']}", {"approve": True, "reason": "as agreed"}
        assert manager.post(path, yes, as_json=True).json["code"] == "same_person"
        assert portal.machine(MAKER).post(path, yes, as_json=True).status == 403
        assert all(len(portal.configuration.deals(portal.partners[name])) == n for name, n in before.items())

        # then they are proposed to each who can have them, once, however often it is approved
        for _ in range(2):
            done = admin.post(path, yes, as_json=True).json
            assert [each["place"] for each in done["standings"]] == ["waits", "waits", "refused"]
        for name in (HELD, SMALL):
            deals = portal.configuration.deals(portal.partners[name])
            assert len(deals) == before[name] + 1 and deals[-1].accepted_at is None
            [record] = [
                each
                for each in portal.configuration.audit_of_subject(portal.partners[name]).items
                if each.origin == made.json["proposal"]
            ]
            assert (record.action, record.why, record.by) == (
                "propose_deal", "spring offer", portal.people[MANAGER].member,
            )  # fmt: skip
        assert manager.post(path, {"approve": False, "reason": "no"}, as_json=True).status in (409, 422)
        listed = manager.get(f"{self.JOINT}?status=approved").json["items"]
        assert [each["proposal"] for each in listed] == [made.json["proposal"]]

    def test_it_goes_in_a_browser_from_the_list_to_the_second_person(self, portal: AtOnce) -> None:
        browser = portal.signed_in(MANAGER)
        page = browser.get(f"{self.JOINT}/new?partner={portal.partners[NOWHERE]}")
        fields = {
            "csrf": page.field("csrf"), "partners[]": [portal.partners[NOWHERE]], "terms": json.dumps(self.TERMS),
            "begins": "", "reason": "",
        }  # fmt: skip

        checked = browser.post(f"{self.JOINT}/check", fields)
        assert checked.status == 200 and "Can be proposed" in checked.body and "33 %" in text(checked.body)
        refused = browser.post(self.JOINT, fields)
        assert refused.status == 422 and "Say why, in 3 to 500 characters" in refused.body
        assert f'name="partners[]" value="{portal.partners[NOWHERE]}"' in refused.body
        made = browser.post(self.JOINT, fields | {"reason": "a better start", "idempotency_key": "joint-2"})
        assert made.status == 303
        page = browser.get(made.location).body
        assert "another person approves them" in page and "Propose to 1 partner" not in page
        second = portal.signed_in(ADMIN)
        form = second.get(made.location)
        assert "Propose to 1 partner" in form.body
        answer = {"csrf": form.field("csrf"), "approve": "true", "reason": "as agreed"}
        assert second.post(made.location, answer).location == made.location
        assert "Waits for an answer" in second.get(made.location).body

    def test_its_terms_are_written_in_fields(self, portal: AtOnce) -> None:
        browser = portal.signed_in(MANAGER)
        page = browser.get(f"{self.JOINT}/new?partner={portal.partners[NOWHERE]}&partner={portal.partners[HELD]}")
        fields = fields_of(page.body, "deal") | {"terms.rules.0.percent": "34"}

        more = browser.post(f"{self.JOINT}/check", fields | {"do": "example-lot-0"})
        checked = browser.post(f"{self.JOINT}/check", fields_of(more.body, "deal"))
        assert (more.status, checked.status) == (200, 200)
        assert "34 %" in text(checked.body) and "Can be proposed" in checked.body
        sent = fields_of(checked.body, "deal")
        wrong = browser.post(self.JOINT, sent | {"terms.rules.0.percent": "", "reason": "offer"})
        assert wrong.status == 422 and 'id="note-terms.rules.0.percent">Fill this in.' in wrong.body
        as_json = browser.post(f"{self.JOINT}/check", sent | {"do": "json"})
        again = browser.post(f"{self.JOINT}/check", fields_of(as_json.body, "deal") | {"do": "form"})

        sent = fields_of(again.body, "deal")
        assert sent["partners[]"] == [portal.partners[NOWHERE], portal.partners[HELD]]
        made = browser.post(self.JOINT, sent | {"reason": "a better start", "idempotency_key": "joint-fields"})
        proposal = portal.machine(MANAGER).get(made.location).json
        assert [each["type"] for each in proposal["terms"]["rules"]] == ["revshare", "lot"]
        assert (proposal["terms"]["rules"][0]["percent"], proposal["partners"]) == ("34", 2)

    def test_countries_are_written_by_their_names_in_its_fields(self, portal: AtOnce) -> None:
        browser = portal.signed_in(MANAGER, accept_language="ru")
        browser.cookies["__Host-language"] = "ru"
        page = browser.get(f"{self.JOINT}/new?partner={portal.partners[NOWHERE]}")
        page = browser.post(f"{self.JOINT}/check", fields_of(page.body, "deal") | {"do": "example-cpa-0"})
        at = "terms.rules.1.amounts.0.countries"
        fields = fields_of(page.body, "deal") | {"reason": "by names"}
        assert fields[at] == "Германия, Австрия"

        wrong = browser.post(self.JOINT, fields | {at: "Польша, Polnad"})
        assert wrong.status == 422 and fields_of(wrong.body, "deal")[at] == "Польша, Polnad"
        assert f'id="note-{at}">«<bdi>Polnad</bdi>»' in wrong.body
        checked = browser.post(f"{self.JOINT}/check", fields | {at: "польша; Таиланд"})
        assert checked.status == 200 and fields_of(checked.body, "deal")[at] == "Польша, Таиланд"
        made = browser.post(self.JOINT, fields_of(checked.body, "deal") | {"reason": "by names"})
        kept = portal.machine(MANAGER).get(made.location).json["terms"]["rules"][1]
        assert kept["amounts"][0]["countries"] == ["PL", "TH"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"partners": []}, "nobody_chosen"),
            ({"partners": [f"par_{n}" for n in range(51)]}, "too_many_partners"),
            ({"reason": ""}, "reason_needed"),
            ({"terms": "{"}, "not_json"),
            ({"terms": {"currency": "EUR", "rules": []}}, "invalid_deal"),
        ],
    )
    def test_what_cannot_be_is_refused_as_a_whole(self, portal: AtOnce, change: dict[str, Any], code: str) -> None:
        answer = portal.machine(MANAGER).post(self.JOINT, self.wish(portal, HELD) | change, as_json=True)
        assert (answer.status, answer.json["code"]) == (422, code)

    def test_terms_that_nobody_can_have_are_not_handed_on(self, portal: AtOnce) -> None:
        wish = self.wish(portal, NEIGHBOUR)
        answer = portal.machine(MANAGER).post(self.JOINT, wish, as_json=True)
        assert (answer.status, answer.json["code"]) == (422, "nobody_fits")
        for who in (SALES, MAKER, COMPLIANCE):
            assert portal.machine(who).post(self.JOINT, self.wish(portal, HELD), as_json=True).status == 403
            assert portal.machine(who).get(f"{self.JOINT}/new").status == 403
            assert portal.machine(who).get(self.JOINT).status == 200
        assert portal.machine(FOREIGNER).get(self.JOINT).json["items"] == []
