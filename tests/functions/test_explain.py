"""`introducer explain` and the page of an earning say the same; any receipt opens; what is not there is a sentence."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count

import boto3
import pytest
import typer
from typer.testing import CliRunner

from introducer.domain.events import milliseconds
from introducer.domain.ledger import Journal, Leg, Line, journal_id
from introducer.locale import CODES, language
from introducer.services.read_clients_of_partner import pseudonym
from introducer.store.ledger import journal_to_item
from introducer_ops import explain as command
from introducer_ops.installation import Place
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import NOW, OTHER, PARTNER, Portal, Visitor, a_portal

pytestmark = pytest.mark.cloud

app = typer.Typer()
app.callback()(lambda: None)
command.register(app)

HEADINGS = {
    "What happened": "events",
    "How it was computed": "arithmetic",
    "At which rate": "rates",
    "What the deal says of it": "deal",
}
numbers = count(1)
LEGS = "Legs in the ledger"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world, pytest.MonkeyPatch.context() as patch:
        outputs = {"BooksTableName": world.wiring.settings.books_table, "UserPoolId": world.pool_id}
        place = Place("the local cloud", outputs, "", lambda: NOW, boto3.client, is_local=True)
        patch.setattr(command, "find", lambda state_dir, stack: place)
        yield world


def run(*arguments: str, width: int = 400) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `introducer explain`."""
    result = CliRunner().invoke(app, ["explain", *arguments], env={"COLUMNS": str(width)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def signed_in(portal: Portal, email: str) -> Visitor:
    """A browser of this login; signing in takes longer than everything else here."""
    known: dict[str, Visitor] = portal.__dict__.setdefault("browsers", {})
    return known.setdefault(email, known.get(email) or portal.signed_in(email))


def journals(portal: Portal) -> list[Journal]:
    """One entry of each kind, rule and form: with and without rates, events and an amount posted before."""
    found: dict[object, Journal] = {}
    for email in (PARTNER, OTHER):
        for month in ("2026-03", "2026-04"):
            for journal in portal.ledger.all_journals(portal.partners[email], month):
                receipt = journal.receipt
                form = (journal.kind, receipt.rule_kind, receipt.rates != (), receipt.before != 0, receipt.more_events)
                found[form] = journal
    return list(found.values())


def post(portal: Portal, journal: Journal, at_ms: int = milliseconds(NOW)) -> Journal:
    """The journal stands in the books from now on. Its id is its month's and its key's."""
    named = replace(journal, id=journal_id(journal.key, journal.post_month, at_ms, next(numbers)))
    item = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in journal_to_item(named).items()
    }
    portal.dynamodb.put_item(TableName=portal.wiring.settings.books_table, Item=item)
    return named


def a_journal(portal: Portal, kind: str, rule_kind: str, *lines: Line, **changes: str) -> Journal:
    """An entry like the partner's newest whose legs add up, with these lines."""
    newest = portal.ledger.all_journals(portal.partners[PARTNER], "2026-04")
    like = next(each for each in newest if not sum(leg.amount for leg in each.legs))
    key = like.key._replace(scope=changes.get("scope", ""), earn_month=changes.get("earn_month", "2026-04"))
    receipt = replace(like.receipt, rule_kind=rule_kind, lines=lines, events=(), more_events=0, rates=())
    return post(portal, replace(like, key=key, kind=kind, receipt=receipt))


def clean(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text))).strip()


def said_by_page(page: str) -> dict[str, list[list[str]]]:
    """The lines of an earning's page: by section, each line's parts."""
    page = page[page.index("<main") : page.index("</main>")]
    facts = re.sub(r'<span class="quiet">.*?</span>', "", page)  # how long until it is available
    section = re.search(r'<section class="receipt" aria-labelledby="events">.*?</section>', page, re.DOTALL)
    # A page has no section of events where there are none.
    events = section[0] if section else ""
    rows = re.findall(r'<tr role="row">(.*?)</tr>', events, re.DOTALL)[1:]
    found = {
        "facts": [
            [clean(each) for each in pair] for pair in re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", facts, re.DOTALL)
        ],
        "events": [[clean(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)] for row in rows],
        "arithmetic": [],
        "rates": [],
        "deal": [],
    }
    largest = re.search(r'<ul class="arithmetic card">(.*?)</ul>', events, re.DOTALL)
    # The page begins with what happened, a terminal with when.
    found["events"] = [[when, what, *more] for what, when, *more in found["events"]]
    for item in re.findall(r"<li><span>(.*?)</span>(.*?)</li>", largest[1], re.DOTALL) if largest else []:
        found["events"].append([clean(each) for each in item])
    for name, place in (("arithmetic", "arithmetic"), ("rates", "rates"), ("deal", "says")):
        body = re.search(rf'aria-labelledby="{place}">(.*?)</section>', page, re.DOTALL)
        for item in re.findall(r"<li.*?>(.*?)</li>", body[1], re.DOTALL) if body else []:
            parts = re.fullmatch(r"<span>(.*?)</span>(.*)", item, re.DOTALL) if name == "arithmetic" else None
            found[name].append([clean(each) for each in parts.groups() if clean(each)] if parts else [clean(item)])
    return found


def said_by_command(out: str, code: str = "en") -> dict[str, list[list[str]]]:
    """The lines of `introducer explain` in the same form."""
    spoken = language(code)
    sections = {spoken.text(heading): name for heading, name in HEADINGS.items()} | {spoken.text(LEGS): "legs"}
    found: dict[str, list[list[str]]] = {name: [] for name in ("facts", *sections.values())}
    section = "facts"
    for line in out.splitlines()[1:]:
        if line in sections:
            section = sections[line]
        elif line.strip():
            parts = [clean(each) for each in re.split(r" {2,}", line.strip())]
            found[section].append(parts if section != "rates" else [" ".join(parts)])
    if found["events"][:1] and found["events"][0][0] == spoken.text("When"):
        del found["events"][0]  # the table's head
    found["deal"] = [[sentence.removeprefix("• ")] for (sentence,) in found["deal"]]
    return found


def compare(portal: Portal, journal: Journal, code: str = "en") -> dict[str, list[list[str]]]:
    """What both say of a journal, once it is held that they say the same."""
    browser = signed_in(portal, OTHER if journal.key.partner == portal.partners[OTHER] else PARTNER)
    browser.submit("/links", "/preferences", language=code, next="/")
    page = browser.get(f"/earnings/{journal.id}")
    assert page.status == 200
    exit_code, out, err = run(journal.id, "--partner", journal.key.partner, "--language", code)
    assert (exit_code, err) == (0, "")

    page_says, command_says = said_by_page(page.body), said_by_command(out, code)
    head = [clean(each) for each in re.split(r" {2,}", out.splitlines()[0])]
    assert head[0] == clean(re.search(r'<p class="hero">(.*?)</p>', page.body)[1])  # type: ignore[index]
    assert head[1] in clean(page.body)
    *facts, owner, number = [fact for fact in command_says["facts"] if len(fact) == 2]
    # A page leads to another entry by its words, without its number.
    assert [fact for fact in facts if fact[0] != "Posted instead"] == page_says["facts"]
    assert (owner[1], number[1]) == (journal.key.partner, journal.id)
    for note in (fact for fact in command_says["facts"] if len(fact) == 1 and fact[0]):
        assert note[0] in clean(page.body)
    for section in ("events", "arithmetic", "rates", "deal"):
        told = [line for line in command_says[section] if not line[0].startswith(("and ", "и ещё"))]
        assert told == page_says[section], section
    return command_says


def test_the_command_and_the_page_say_the_same_lines(portal: Portal) -> None:
    # given entries of every kind and rule that a broker's day brings
    entries = journals(portal)
    assert {"cpa", "revshare", "lot"} <= {entry.receipt.rule_kind for entry in entries}
    assert any(entry.receipt.rates for entry in entries) and any(entry.receipt.before for entry in entries)

    for entry in entries:
        # when both are asked, then they say the same
        said = compare(portal, entry)

        # and what they say is the entry's own
        rounded = sum(line.step == "rounded" for line in entry.receipt.lines)
        assert 0 <= len(entry.receipt.lines) + 3 - len(said["arithmetic"]) <= rounded
        assert len(said["events"]) == len(entry.receipt.events)
        assert len(said["rates"]) == len(entry.receipt.rates)
        assert said["deal"], "the deal's sentences of this rule"


@pytest.mark.parametrize("code", CODES)
def test_they_say_the_same_in_every_language(portal: Portal, code: str) -> None:
    entry = next(each for each in journals(portal) if each.receipt.rule_kind == "cpa")

    said = compare(portal, entry, code)

    assert language(code).text("Owed in all") in [line[0] for line in said["arithmetic"]]


def test_the_arithmetic_ends_in_the_difference_and_the_legs_in_zero(portal: Portal) -> None:
    for entry in journals(portal):
        said = said_by_command(run(entry.id, "--partner", entry.key.partner)[1])
        arithmetic, legs = said["arithmetic"][-3:], said["legs"]

        assert [line[0] for line in arithmetic] == ["Owed in all", "Posted before", "This entry: the difference"]
        target, before, amount = (number(line[1]) for line in arithmetic)
        assert target - before == amount
        assert [account for account, _ in legs] == [*(leg.account for leg in entry.legs), "="]
        assert sum(number(amount) for _, amount in legs[:-1]) == number(legs[-1][1]) == 0


def number(text: str) -> Decimal:
    figure = text.split(" ", maxsplit=1)[0].replace("\N{MINUS SIGN}", "-").replace(",", "")
    return Decimal(figure)


def test_legs_that_do_not_add_up_are_not_said_to(portal: Portal) -> None:
    like = journals(portal)[0]
    wrong = post(portal, replace(like, legs=(*like.legs, Leg("held", 7)), receipt=replace(like.receipt, before=7)))

    assert said_by_command(run(wrong.id)[1])["legs"][-1] == ["=", "0.07 EUR"]


def test_an_entry_says_the_month_it_was_earned_for_beside_the_one_it_stands_in(portal: Portal) -> None:
    # given an entry that was posted after its month was closed
    late = a_journal(portal, "earning", "cpa", Line("rounded", "5.00"), scope="client-x", earn_month="2026-02")

    said = compare(portal, late)

    facts = dict(fact for fact in said["facts"] if len(fact) == 2)
    assert (facts["Earned for"], facts["In the books of"]) == ("February 2026", "April 2026")
    note = ["It stands in the books of April 2026: February 2026 was closed when it was posted."]
    assert note in said["facts"]
    # and one in the books of its own month says nothing about it
    own = next(each for each in journals(portal) if each.post_month == each.key.earn_month)
    assert "was closed" not in run(own.id)[1]


def test_an_entry_of_all_clients_says_so_and_has_no_empty_section(portal: Portal) -> None:
    # given what tiers and caps add to a month
    lines = (
        Line("tier_basis", "12", ("qftd",)),
        Line("tier", "9.00", ("11", "30", "retroactive", "add_percent")),
        Line("uplift", "9.00"),
        Line("rounded", "9.00"),
    )
    tiers = a_journal(portal, "earning", "cpa", *lines)

    said = compare(portal, tiers)

    # then both say what it is reckoned over, and no figure twice
    assert ["Reckoned over all clients together, in April 2026."] in said["facts"]
    assert [line[0] for line in said["arithmetic"]][2:] == [
        "Owed in all",
        "Posted before",
        "This entry: the difference",
    ]
    page = signed_in(portal, PARTNER).get(f"/earnings/{tiers.id}").body
    assert "What happened" not in page and '<span class="step">1</span>How it was computed' in page
    assert '<a href="/clients">' in re.search(r"Reckoned over.*?</div>", page, re.DOTALL)[0]  # type: ignore[index]
    # and lists call it by another name than a client's own
    assert ">CPA: tiers, caps</a>" in signed_in(portal, PARTNER).get("/earnings?month=2026-04").body
    # one that people decided leads to no clients
    made = a_journal(portal, "adjustment", "adjustment", Line("adjusted", "5.00", ("Promised", "usr_1", "usr_2")))
    assert ["Two people decided it: one proposed it, another approved it."] in compare(portal, made)["facts"]
    page = signed_in(portal, PARTNER).get(f"/earnings/{made.id}").body
    assert '<a href="/clients">' not in re.search(r"Two people.*?</div>", page, re.DOTALL)[0]  # type: ignore[index]


def test_what_is_owed_no_more_leads_to_what_was_posted_instead(portal: Portal) -> None:
    # given a client who qualified in another month than it first seemed, and others' entries of the same moment
    gone = Line("no_longer_owed", "0.00")
    like = a_journal(portal, "clawback", "cpa", gone, scope="client-moved", earn_month="2026-04")
    taken = post(portal, replace(like, amount=-20000))
    posted = Line("rounded", "200.00")

    def a_march(**key: str) -> Journal:
        moved = replace(like, key=like.key._replace(earn_month="2026-03", **key), post_month="2026-03", amount=20000)
        return replace(moved, kind="earning", receipt=replace(like.receipt, lines=(posted,)))

    for other in (a_march(scope="somebody-else"), a_march(rule="another"), replace(a_march(), posted_at=1)):
        post(portal, other, at_ms=other.posted_at)
    assert "jrn_202603" not in str(compare(portal, post(portal, taken, at_ms=taken.posted_at)))

    there = post(portal, a_march(), at_ms=taken.posted_at)

    # then it says why, and leads there; what is owed still leads nowhere
    taken = post(portal, taken, at_ms=taken.posted_at)
    said = compare(portal, taken)
    assert ["Posted instead", there.id] in said["facts"]
    assert any("counts for another day or month" in fact[0] for fact in said["facts"])
    assert (
        f'href="/earnings/{there.id}">Posted instead</a>'
        in signed_in(portal, PARTNER).get(f"/earnings/{taken.id}").body
    )
    assert "Posted instead" not in run(there.id)[1]


def test_a_step_without_words_is_shown_as_it_is(portal: Portal) -> None:
    new = a_journal(portal, "earning", "tontine", Line("moon_phase", "12.50", ("a", "b")), Line("tide", "high"))

    said = compare(portal, new)

    assert said["arithmetic"][:2] == [["moon phase", "12.50"], ["tide", "high"]]
    assert "Client" not in dict(fact for fact in said["facts"] if len(fact) == 2)


def test_clients_among_the_largest_are_pseudonyms_and_stand_beside_the_arithmetic(portal: Portal) -> None:
    pooled = a_journal(
        portal,
        "earning",
        "revshare",
        Line("pooled_net_revenue", "40.00", ("1", "2")),
        Line("rounded", "12.00"),
        Line("contribution", "30.00", ("client-hash-of-somebody", "net_revenue")),
        Line("contribution", "10.00", ("par_below", "cpa")),
    )

    said = compare(portal, pooled)

    assert said["events"] == [
        [f"Among the largest: {pseudonym('client-hash-of-somebody')}, net revenue", "30.00 EUR"],
        ["Among the largest: par_below, CPA", "10.00 EUR"],
    ]
    assert [line[0] for line in said["arithmetic"]][:3] == [
        "Net revenue of 2 clients together, under version 1",
        "Rounded once, a half to the even unit",
        "Owed in all",
    ]
    for text in (run(pooled.id, "--json")[1], portal.machine().get(f"/earnings/{pooled.id}").body):
        assert "client-hash" not in text


def test_a_partner_below_is_called_by_its_name_and_by_its_id_when_nobody_knows_it(portal: Portal) -> None:
    for below, called in ((portal.partners[OTHER], "Pips & Coffee"), ("par_nobody", "par_nobody")):
        lines = (Line("descendant", "1", (below,)), Line("descendant_earned", "40.00", ("lot", "EUR")))
        said = compare(portal, a_journal(portal, "earning", "override", *lines, scope=below))

        assert ["Partner below", called] in said["facts"]
        assert said["arithmetic"][0] == [f"Activity of partner {called}, level 1 below"]


def test_what_people_decided_is_said_with_its_reason(portal: Portal) -> None:
    line = Line("adjusted", "5.00", ("A [bold]promised[/] <b>bonus</b>", "Sam Okoro", "Robin Vale"))
    made = a_journal(portal, "adjustment", "adjustment", line)
    taken = a_journal(portal, "reversal", "adjustment", Line("reversed", "-5.00", (made.id, "made twice")))

    assert compare(portal, taken)["arithmetic"][0] == [f"Takes back the entry {made.id}: made twice", "−5.00 EUR"]
    _code, out, _ = run(made.id)

    words = "Manual correction: A [bold]promised[/] <b>bonus</b> (proposed by Sam Okoro, approved by Robin Vale)"
    assert words in out
    page = portal.signed_in().get(f"/earnings/{made.id}").body
    assert "&lt;b&gt;bonus&lt;/b&gt;" in page and "<b>bonus" not in page
    assert ">Reversal<" in portal.signed_in().get("/earnings?month=2026-04").body


def test_it_is_readable_on_a_narrow_terminal(portal: Portal) -> None:
    for entry in {each.receipt.rule_kind: each for each in journals(portal)}.values():
        lines = run(entry.id, "--partner", entry.key.partner, width=80)[1].splitlines()

        assert max(map(len, lines)) <= 80
        amount = next(line for line in lines if line.strip().startswith("This entry: the difference"))
        assert entry.key.currency in amount


def test_a_program_gets_what_the_page_s_program_gets_and_the_legs(portal: Portal) -> None:
    entry = journals(portal)[0]

    told = json.loads(run(entry.id, "--json")[1])

    by_page = portal.machine(OTHER if entry.key.partner == portal.partners[OTHER] else PARTNER)
    assert {name: told[name] for name in told.keys() - {"partner", "legs"}} == by_page.get(f"/earnings/{entry.id}").json
    assert told["partner"] == entry.key.partner
    assert sum(Decimal(leg["amount"]) for leg in told["legs"]) == 0


def test_an_entry_is_found_by_its_partner_by_its_brand_and_by_its_number_alone(portal: Portal) -> None:
    entry = next(each for each in journals(portal) if each.key.partner == portal.partners[OTHER])

    answers = {run(entry.id, *how)[1] for how in ([], ["--brand", portal.brand], ["--partner", entry.key.partner])}

    assert len(answers) == 1 and entry.id in answers.pop()


def test_what_is_not_there_is_a_sentence(portal: Portal) -> None:
    entry = journals(portal)[0]
    other = next(each for each in portal.partners.values() if each != entry.key.partner)
    missing = f"jrn_202604{'0' * 26}"

    for arguments, sentence in (
        ([missing], f"No partner of {portal.brand} has an earning {missing}: check the number"),
        ([missing, "--brand", "brd_none"], f"No partner of brd_none has an earning {missing}"),
        ([entry.id, "--partner", other], f"{other} has no earning {entry.id}: leave --partner out"),
        (["jrn_202604"], "'jrn_202604' is not an earning's number"),
        (["[bold]"], "'[bold]' is not an earning's number"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert sentence in err
