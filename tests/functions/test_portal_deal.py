"""The deal page: what is in force, to come, proposed and past, in words; and accepting what was proposed."""

from __future__ import annotations

import html
import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from introducer.domain.configuration import DealRecord, PartnerKind
from introducer.domain.deal import FORMULA_FIELDS
from introducer.domain.describe import Countries, Names, Number, Sentence, Weighted
from introducer.domain.money import Money
from introducer.locale import CODES, language
from introducer.services.accept_deal import accept_deal
from introducer.services.open_brand import open_brand
from introducer.services.propose_deal import propose_deal
from introducer.services.register_partner import register_partner
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import AUTHOR, COLLEAGUE, DEALT, NOW, OTHER, PARTNER, STAFF, UNDEALT, Portal, a_portal
from tests.support.builders import lot, revshare, terms

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def propose(portal: Portal, percent: str) -> DealRecord:
    """Other terms for the other partner; they wait."""
    partner = portal.partners[OTHER]
    return propose_deal(
        portal.configuration, partner=partner, terms=terms(revshare(percent), currency="USD"), author=AUTHOR,
        clock=lambda: NOW,
    )  # fmt: skip


def stored(portal: Portal, email: str, version: int) -> DealRecord:
    return next(deal for deal in portal.configuration.deals(portal.partners[email]) if deal.version == version)


def acceptance(deal: DealRecord) -> dict[str, Any]:
    return {"version": deal.version, "terms_hash": deal.terms_hash}


def text(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))


def said_in_html(page: str) -> list[tuple[str, str | None, list[tuple[str, str]]]]:
    """Per clause: version, rule, and the sentences with their marks."""
    found = []
    for version, rule, body in re.findall(
        r'<section class="card clause" aria-labelledby="clause-(\d+)-(\w*)">(.*?)</section>', page, re.DOTALL
    ):
        sentences = []
        for item in re.findall(r"<li>(.*?)</li>", body, re.DOTALL):
            mark = "new" if "<ins>" in item else "gone" if "<del>" in item else "same"
            sentences.append((mark, text(re.sub(r'<span class="badge.*?</span>', "", item)).strip()))
        found.append((version, rule or None, sentences))
    return found


def said_in_json(versions: list[dict[str, Any]]) -> list[tuple[str, str | None, list[tuple[str, str]]]]:
    return [
        (
            str(version["version"]),
            clause["rule"],
            [(each["mark"], re.sub(r"\s+", " ", each["text"])) for each in clause["sentences"]],
        )
        for version in versions
        for clause in version["clauses"]
    ]


# ------------------------------------------------------------------------------------------------ what stands there


def test_every_version_stands_where_it_belongs(portal: Portal) -> None:
    # when the owner's program asks
    data = portal.machine(DEALT).get("/deal").json
    versions = {version["version"]: version for version in data["versions"]}

    # then each version has its phase and its days
    assert [version["version"] for version in data["versions"]] == [5, 4, 3, 2, 1]
    assert {number: version["phase"] for number, version in versions.items()} == {
        1: "earlier", 2: "in_force", 3: "overtaken", 4: "to_come", 5: "proposed",
    }  # fmt: skip
    days = {n: (v["begins"][:10], (v["ends"] or "")[:10]) for n, v in versions.items()}
    assert days == {
        1: ("2026-01-06", "2026-02-10"), 2: ("2026-02-10", "2026-05-01"), 3: ("2026-03-10", ""),
        4: ("2026-05-01", ""), 5: ("2026-05-10", ""),
    }  # fmt: skip
    assert {number: version["compared_with"] for number, version in versions.items()} == {
        1: None, 2: None, 3: None, 4: 2, 5: 2,
    }  # fmt: skip

    # and the terms are the stored ones, named by their hash
    for number, version in versions.items():
        record = stored(portal, DEALT, number)
        assert version["terms"] == json.loads(record.terms)
        assert version["terms_hash"] == record.terms_hash
        assert (version["accepted_at"] is None) == (number in (3, 5))


def test_the_page_says_what_the_program_gets(portal: Portal) -> None:
    for code in ("en", "ru", "ar"):
        browser = portal.signed_in(DEALT)
        browser.submit("/deal", "/preferences", language=code)
        page = browser.get("/deal").body
        versions = {v["version"]: v for v in browser.get("/deal", accept="application/json").json["versions"]}

        assert said_in_html(page) == said_in_json([versions[2], versions[4], versions[5]]), code
        for number in (2, 4, 5):
            assert f'data-copy="{versions[number]["terms_hash"]}"' in page
        for number in (1, 3):
            assert f'href="/deal?version={number}"' in page


def test_the_page_is_in_order_and_says_since_when(portal: Portal) -> None:
    page = text(portal.signed_in(DEALT).get("/deal").body)

    titles = ["What you are paid for", "In force today Version 2", "Begins later Version 4", "Proposed Version 5"]
    places = [page.index(title) for title in (*titles, "Accept these terms", "Earlier versions")]
    assert places == sorted(places)
    assert "In force since10 Feb 2026" in page.replace(" 10 Feb", "10 Feb")
    assert "2 Feb 2026 08:00 UTC" in page
    assert "6 Jan 2026 – 9 Feb 2026" in page


def test_what_changes_is_marked_sentence_by_sentence(portal: Portal) -> None:
    proposed = portal.machine(DEALT).get("/deal").json["versions"][0]
    marks = {
        clause["rule"]: (clause["mark"], [(each["mark"], each["text"]) for each in clause["sentences"]])
        for clause in proposed["clauses"]
    }

    assert list(marks) == ["leads", "rev", "lot", None], "what is gone stands before what holds for all"
    assert marks["leads"][0] == "new"
    assert {mark for mark, _ in marks["leads"][1]} == {"new"}
    assert marks["lot"] == ("gone", [("gone", "For each lot: 2.50\N{NO-BREAK SPACE}EUR.")])
    assert marks["rev"] == (
        "same",
        [
            ("gone", "25% of each client's net revenue of a month."),
            ("new", "30% of each client's net revenue of a month."),
            ("same", "A client's negative month is set off against the same client's next months."),
        ],
    )
    general = [each for each in marks[None][1] if each[0] != "same"]
    assert [mark for mark, _ in general] == ["gone", "new", "gone", "new"]
    assert ("new", "Net revenue is spread − 0.5 × client's result.") in general


def test_one_version_is_opened_by_its_number(portal: Portal) -> None:
    for number, said in ((1, "No longer in force"), (2, "In force today"), (3, "Never in force"), (5, "Proposed")):
        answer = portal.machine(DEALT).get(f"/deal?version={number}").json
        page = portal.signed_in(DEALT).get(f"/deal?version={number}").body

        assert (answer["opened"], [each["version"] for each in answer["versions"]]) == (number, [number])
        assert said in text(page)
        assert said_in_html(page) == said_in_json(answer["versions"])
        assert 'class="crumb"><a href="/deal">' in page


@pytest.mark.parametrize(("wish", "status", "code"), [
    ("9", 404, "not_found"), ("0", 400, "bad_version"), ("x", 400, "bad_version"), ("-1", 400, "bad_version"),
    ("1e3", 400, "bad_version"), ("٢", 400, "bad_version"), ("9999999", 400, "bad_version"),
])  # fmt: skip
def test_a_version_that_is_none_is_refused(portal: Portal, wish: str, status: int, code: str) -> None:
    answer = portal.machine(DEALT).get(f"/deal?version={wish}")

    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_partner_without_a_deal_reads_what_happens_next(portal: Portal) -> None:
    assert portal.machine(UNDEALT).get("/deal").json["versions"] == []
    page = text(portal.signed_in(UNDEALT).get("/deal").body)
    assert "No deal yet" in page
    assert "to be read and accepted" in page
    assert "Accept these terms" not in page


def test_a_first_proposal_is_not_compared_with_anything(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a partner whose only deal still waits
    record = stored(portal, DEALT, 5)
    monkeypatch.setattr(portal.wiring.configuration, "deals", lambda _: [record])

    data = portal.machine(DEALT).get("/deal").json
    page = portal.signed_in(DEALT).get("/deal").body

    assert data["versions"][0]["compared_with"] is None
    assert {each["mark"] for clause in data["versions"][0]["clauses"] for each in clause["sentences"]} == {"same"}
    assert "No deal is in force today" in text(page)
    assert "<ins>" not in page and "<del>" not in page


def test_a_version_that_was_replaced_before_it_began_is_never_in_force(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two accepted versions that begin on the same day
    first, second = stored(portal, DEALT, 1), stored(portal, DEALT, 2)
    same_day = DealRecord(
        partner=second.partner, version=2, valid_from=first.valid_from, accepted_at=first.accepted_at,
        terms=second.terms, terms_hash=second.terms_hash,
    )  # fmt: skip
    monkeypatch.setattr(portal.wiring.configuration, "deals", lambda _: [first, same_day])

    versions = portal.machine(DEALT).get("/deal").json["versions"]

    assert [(each["version"], each["phase"]) for each in versions] == [(2, "in_force"), (1, "overtaken")]


# --------------------------------------------------------------------------------------------------------- accepting


def test_the_owner_accepts_by_form_and_by_json_alike(portal: Portal) -> None:
    for number, as_json in enumerate((False, True)):
        deal = propose(portal, f"3{number}")
        if as_json:
            answer = portal.machine(OTHER).post("/deal", acceptance(deal), as_json=True)
            assert (answer.status, answer.json["begins"]) == (200, "2026-04-18T00:00:00.000Z")
            assert answer.json["terms_hash"] == deal.terms_hash
        else:
            browser = portal.signed_in(OTHER)
            page = browser.get("/deal")
            form = {name: page.field(name) for name in ("csrf", "idempotency_key", "version", "terms_hash")}
            answer = browser.post("/deal", form)
            assert (answer.status, answer.location) == (303, f"/deal?accepted={deal.version}")
            assert f"You accepted version {deal.version}. It begins on 18 Apr 2026." in text(
                browser.get(answer.location).body
            )

        record = stored(portal, OTHER, deal.version)
        assert (record.accepted_at, record.valid_from) == (NOW, datetime(2026, 4, 18, tzinfo=UTC))
        audit = portal.configuration.audit_of_subject(portal.partners[OTHER]).items
        assert ("accept_deal", portal.members[OTHER]) in [(each.action, each.by) for each in audit]


def test_accepting_twice_changes_nothing(portal: Portal) -> None:
    deal, machine = propose(portal, "41"), portal.machine(OTHER)

    first = machine.post("/deal", acceptance(deal), as_json=True, idempotency_key="accept-1")
    again = machine.post("/deal", acceptance(deal), as_json=True, idempotency_key="accept-1")
    anew = machine.post("/deal", acceptance(deal), as_json=True)

    assert [each.status for each in (first, again, anew)] == [200, 200, 200]
    assert first.json == again.json == anew.json
    assert again.headers["idempotency-replayed"] == "true"


def test_of_two_presses_at_once_the_slower_finds_it_accepted(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a second press that came in between the first one's reading and writing
    deal, configuration = propose(portal, "42"), portal.wiring.configuration
    write = configuration.accept_deal

    def overtaken(*arguments: Any) -> None:
        monkeypatch.setattr(configuration, "accept_deal", write)
        accept_deal(
            configuration, partner=deal.partner, version=deal.version, terms_hash=deal.terms_hash, author=AUTHOR,
            clock=lambda: NOW,
        )  # fmt: skip
        write(*arguments)

    monkeypatch.setattr(configuration, "accept_deal", overtaken)

    # when
    answer = portal.machine(OTHER).post("/deal", acceptance(deal), as_json=True)

    # then
    assert (answer.status, answer.json["version"]) == (200, deal.version)


def test_other_words_than_those_read_are_not_accepted(portal: Portal) -> None:
    deal, browser = propose(portal, "43"), portal.signed_in(OTHER)
    wrong = acceptance(deal) | {"terms_hash": "0" * 64}

    page = browser.submit("/deal", "/deal", **{name: str(value) for name, value in wrong.items()})
    problem = portal.machine(OTHER).post("/deal", wrong, as_json=True)

    assert (page.status, problem.status, problem.json["code"]) == (409, 409, "terms_changed")
    assert "read them again below" in text(page.body)
    assert f'name="terms_hash" value="{deal.terms_hash}"' in page.body, "the true words stand below, to be accepted"
    assert stored(portal, OTHER, deal.version).accepted_at is None


def test_an_overtaken_proposal_is_not_accepted(portal: Portal) -> None:
    answer = portal.machine(DEALT).post("/deal", acceptance(stored(portal, DEALT, 3)), as_json=True)

    assert (answer.status, answer.json["code"]) == (409, "overtaken")
    assert stored(portal, DEALT, 3).accepted_at is None


def test_only_the_owner_accepts(portal: Portal) -> None:
    deal = stored(portal, DEALT, 5)
    browser, machine = portal.signed_in(COLLEAGUE), portal.machine(COLLEAGUE)

    page, data = browser.get("/deal").body, machine.get("/deal").json
    by_form = browser.submit("/deal", "/deal", **{name: str(value) for name, value in acceptance(deal).items()})
    by_json = machine.post("/deal", acceptance(deal), as_json=True)

    assert (data["may_accept"], "Accept these terms" in page) == (False, False)
    assert "The owner of this account accepts these terms" in text(page)
    assert (by_form.status, by_json.status, by_json.json["code"]) == (403, 403, "owner_only")
    assert "ask them to sign in" in text(by_form.body)
    assert portal.machine(STAFF).post("/deal", acceptance(deal), as_json=True).json["code"] == "partners_only"
    assert stored(portal, DEALT, 5).accepted_at is None
    assert portal.machine(DEALT).get("/deal").json["may_accept"] is True


def test_a_form_without_the_session_s_token_accepts_nothing(portal: Portal) -> None:
    deal = stored(portal, DEALT, 5)
    fields = {name: str(value) for name, value in acceptance(deal).items()}

    for csrf in ({}, {"csrf": "made-up"}):
        assert portal.signed_in(DEALT).post("/deal", fields | csrf).status == 403
    assert stored(portal, DEALT, 5).accepted_at is None


@pytest.mark.parametrize("fields", [
    {}, {"version": 1}, {"version": 0, "terms_hash": "x"}, {"version": "one", "terms_hash": "x"},
    {"version": 1, "terms_hash": "x" * 65}, {"version": 1, "terms_hash": "x", "partner": "par_x"},
])  # fmt: skip
def test_an_acceptance_names_a_version_and_its_words(portal: Portal, fields: dict[str, Any]) -> None:
    answer = portal.machine(DEALT).post("/deal", fields, as_json=True)

    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_another_partner_s_deal_is_not_there_to_accept(portal: Portal) -> None:
    deal = stored(portal, DEALT, 5)

    assert portal.machine(UNDEALT).post("/deal", acceptance(deal), as_json=True).status == 404
    assert portal.machine(UNDEALT).get(f"/deal?partner={deal.partner}").json["versions"] == []


# -------------------------------------------------------------------------------------------------------------- desk


def test_staff_reads_a_partner_s_deal_and_accepts_nothing(portal: Portal) -> None:
    path = f"/desk/partners/{portal.partners[DEALT]}/deal"
    data, page = portal.machine(STAFF).get(path).json, portal.signed_in(STAFF).get(path).body

    assert data["versions"] == portal.machine(DEALT).get("/deal").json["versions"]
    assert (data["name"], data["may_accept"]) == ("Lantern Signals", False)
    assert "What Lantern Signals is paid for" in text(page)
    assert "Accept these terms" not in page
    assert f'href="{path}?version=1"' in page
    assert portal.signed_in(STAFF).get(f"{path}?version=1").status == 200
    assert f'href="{path}"' in portal.signed_in(STAFF).get(path.removesuffix("/deal")).body
    assert portal.machine(STAFF).post(path, {}, as_json=True).status == 405


def test_another_brand_s_partner_is_as_good_as_none(portal: Portal) -> None:
    made: dict[str, Any] = {"author": AUTHOR, "clock": lambda: NOW, "random": secrets.token_bytes}
    brand = open_brand(
        portal.configuration, name="Southgate", domain="go.southgate.example", base_currency="EUR",
        fallback_url="https://southgate.example/", **made,
    ).brand  # fmt: skip
    partner = register_partner(
        portal.configuration, brand=brand, name="Not ours", kind=PartnerKind.IB, country="PL", language="en",
        currency="EUR", **made,
    ).partner  # fmt: skip

    theirs = portal.machine(STAFF).get(f"/desk/partners/{partner}/deal")
    missing = portal.machine(STAFF).get("/desk/partners/par_none/deal")

    assert theirs.status == missing.status == 404
    assert {**theirs.json, "instance": ""} == {**missing.json, "instance": ""}
    assert portal.machine(PARTNER).get(f"/desk/partners/{portal.partners[PARTNER]}/deal").json["code"] == "staff_only"


# ------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("code", "formula", "said"),
    [
        ("en", [("commission", "1"), ("pnl", "-0.5"), ("spread", "1")], "spread + commission − 0.5 × client's result"),
        ("ru", [("commission", "1"), ("pnl", "-0.5"), ("spread", "1")], "спред + комиссия − 0,5 × результат клиента"),
        ("en", [("swap", "-1")], "−swap"),
        ("en", [("swap", "-0.25"), ("deposits", "-1")], "−0.25 × swap − deposits"),
        ("en", [("spread", "0"), ("swap", "2")], "2 × swap"),
        ("en", [("spread", "0")], "0"),
    ],
)
def test_a_formula_is_said_as_people_write_it(portal: Portal, code: str, formula: Any, said: str) -> None:
    say = portal.module.pages.deal.sentences.say

    assert say(language(code), Sentence("%(formula)s", {"formula": Weighted(tuple(formula))})) == said


def test_values_are_written_as_the_reader_s_language_writes_them(portal: Portal) -> None:
    say = portal.module.pages.deal.sentences.say
    sentence = Sentence("%(amount)s %(number)s %(countries)s %(names)s %%", {
        "amount": Money(123456, "EUR"), "number": Number("1234.5"), "countries": Countries(("PL", "DE")),
        "names": Names(("EURUSD", "<b>")),
    })  # fmt: skip

    assert [say(language(code), sentence).replace("\N{NO-BREAK SPACE}", " ") for code in ("en", "es")] == [
        "1,234.56 EUR 1,234.5 Germany and Poland EURUSD and <b> %",
        "1.234,56 EUR 1.234,5 Alemania y Polonia EURUSD y <b> %",
    ]
    marked = say(language("ar"), sentence).__html__()
    assert "&lt;b&gt;" in marked and "<b>" not in marked
    assert '<bdi dir="ltr">1,234.56\N{NO-BREAK SPACE}EUR</bdi>' in marked


@pytest.mark.parametrize("code", CODES)
def test_every_field_of_a_formula_has_a_word(portal: Portal, code: str) -> None:
    words = portal.module.server.rendering.words

    said = {words.word(language(code), "field", name) for name in FORMULA_FIELDS}

    assert set(words.WORDS["field"]) == set(FORMULA_FIELDS)
    assert len(said) == len(FORMULA_FIELDS)
    assert lot("1.00")["type"] in words.WORDS["rule"]


# ------------------------------------------------------------------------------------------------ the brand's deals


def test_the_brand_s_deals_are_listed_by_where_they_stand(portal: Portal) -> None:
    machine, partner = portal.machine(STAFF), portal.partners[DEALT]

    def of_partner(query: str) -> list[tuple[int, str]]:
        items = machine.get(f"/desk/deals?limit=100&{query}").json["items"]
        return [(each["version"], each["phase"]) for each in items if each["partner"] == partner]

    assert of_partner("") == [(5, "proposed")]
    assert of_partner("phase=to_come") == [(4, "to_come")]
    assert of_partner("phase=in_force") == [(2, "in_force")]
    assert of_partner("phase=earlier") == [(1, "earlier")]
    assert of_partner("kind=cpl") == [(5, "proposed")] and of_partner("kind=cpa") == []
    assert of_partner("manager=nobody") == [(5, "proposed")] and of_partner("manager=mem_1") == []

    page = portal.signed_in(STAFF).get("/desk/deals?phase=in_force").body
    assert f'href="/desk/partners/{partner}/deal?version=2"' in page and "Deals in force" in page
    for query in ("phase=overtaken", "phase=soon", "kind=luck"):
        assert machine.get(f"/desk/deals?{query}").json["code"] == "bad_query"
    assert portal.machine(DEALT).get("/desk/deals").status == 403


def test_pages_of_the_brand_s_deals_hold_each_once(portal: Portal) -> None:
    machine = portal.machine(STAFF)
    everything = machine.get("/desk/deals?phase=in_force&limit=100").json["items"]
    found, path = [], "/desk/deals?phase=in_force&limit=1"
    cursor = ""
    while cursor is not None:
        answer = machine.get(path + (f"&cursor={cursor}" if cursor else "")).json
        found += answer["items"]
        cursor = answer["next"]
    assert found == everything and len(found) > 1
    begins = [each["begins"] for each in found]
    assert begins == sorted(begins, reverse=True)
