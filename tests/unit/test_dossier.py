"""All that is on record about a client, a partner or a payout, for an inspector."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from introducer.domain.configuration import Role
from introducer.domain.errors import NotFound
from introducer.domain.money import Money
from introducer.services.chain_audit import chain_audit
from introducer.services.read_dossier import About, Dossier, Section, Shelves, read_dossier, text_of
from introducer.store.audit_chain import recorded_of_image
from introducer_ops import audit
from introducer_ops.audit import json_of, lines_of
from tests.conftest import Tables
from tests.support.builders import BRAND, an_event, at, cpa, revshare, terms
from tests.support.payouts import BRAND as PAYING_BRAND
from tests.support.payouts import Paying
from tests.support.tables import Tables as World

pytestmark = pytest.mark.in_memory

NOW = at("2026-04-10")
CLIENT = "cleo"


def sections(dossier: Dossier) -> dict[str, Section]:
    return {each.name: each for each in dossier.sections}


@pytest.fixture(name="world", scope="module")
def _world() -> World:
    """A client of a click, who deposits, loses, and is moved to another partner by a decision."""
    made = World()
    deal = terms(cpa("200.00", min_deposit="100.00", within_hours=72), revshare("30"), net_revenue={"spread": "1"})
    made.partner("par_1", "LINKONE0", (at("2026-01-01"), deal))
    made.partner("par_2", "LINKTWO0", (at("2026-01-01"), deal))
    click = made.click("par_1", "LINKONE0", at("2026-03-01 08:00"))
    late = made.click("par_2", "LINKTWO0", at("2026-02-01 08:00"))
    made.apply(
        an_event("registration", at("2026-03-02"), client=CLIENT, event_id="r", click_id=click, country="DE"),
        an_event("kyc", at("2026-03-02 10:00"), client=CLIENT, event_id="k", status="approved", click_id=late),
        an_event("deposit", at("2026-03-03"), client=CLIENT, event_id="d", amount="150.00", currency="EUR"),
        at=at("2026-03-03 12:00"),
    )
    made.apply(
        an_event(
            "trade", at("2026-04-02"), client=CLIENT, event_id="t", lots="1", spread="10.00", currency="EUR",
            opened_at=at("2026-04-02"),
        ),
        at=at("2026-04-02"),
    )  # fmt: skip
    return made


class TestOfAClient:
    def test_which_click_brought_it_under_which_terms_and_what_it_earned(self, world: World) -> None:
        with world.served():
            dossier = read_dossier(Shelves("facts", "books"), About.CLIENT, CLIENT, brand=BRAND, now=NOW)
        found = sections(dossier)
        [belongs] = found["attribution"].items
        assert (belongs["partner"], belongs["evidence"], belongs["link"]) == ("par_1", "click", "LINKONE0")
        clicks = {row["link"]: row for row in found["clicks"].items}
        assert clicks["LINKONE0"]["click"] == belongs["click"]
        assert [row["attributed"] for row in clicks.values()].count(True) == 1
        [priced] = found["terms"].items
        assert (priced["partner"], priced["version"], priced["in_force_at"]) == ("par_1", 1, "registration")
        assert json.loads(priced["terms"])["currency"] == "EUR"
        assert [row["event"] for row in found["events"].items] == ["r", "k", "d", "t"]
        posted = [(row["rule"], row["month"], row["amount"]) for row in found["earnings"].items]
        assert [each[1:] for each in posted] == [
            ("2026-03", Money(20_000, "EUR")), ("2026-04", Money(300, "EUR"))
        ]  # fmt: skip

    def test_a_client_that_nobody_knows_is_not_found(self, world: World) -> None:
        with world.served(), pytest.raises(NotFound):
            read_dossier(Shelves("facts", "books"), About.CLIENT, "nobody", brand=BRAND, now=NOW)
        with world.served(), pytest.raises(NotFound):
            read_dossier(Shelves("facts", "books"), About.CLIENT, CLIENT, brand="brd_other", now=NOW)

    def test_it_is_told_as_text_and_as_json(self, world: World) -> None:
        with world.served():
            dossier = read_dossier(Shelves("facts", "books"), About.CLIENT, CLIENT, brand=BRAND, now=NOW, most=3)
        said = json.loads(json_of(dossier))
        assert said["cut"] == ["events"]
        assert said["sections"]["earnings"][0]["amount"] == "200.00 EUR"
        assert said["sections"]["client"][0]["registered_at"] == "2026-03-02T00:00:00Z"
        text = "\n".join(lines_of(dossier))
        assert "EVENTS  (the first 3)" in text
        assert "\nCASES\n  none" in text
        assert "    amount: 200.00 EUR" in text


class TestOfAPartnerAndAPayout:
    @pytest.fixture
    def paying(self, tables: Tables) -> Paying:
        paying = Paying(tables)
        paying.rates()
        paying.partner("par_1")
        paying.earns("par_1", 120_00)
        paying.hold("par_1", "hld_1")
        paying.lift(paying.hold("par_1", "hld_2"))
        return paying

    def chains(self, paying: Paying, tables: Tables) -> None:
        found = [recorded_of_image(item) for item in tables.items("books")]
        records = [record for record in found if record is not None]
        chain_audit(Shelves("facts", "books").chain, records, now=paying.now, pause=lambda attempt: None)

    def test_of_a_partner_everything_with_whom_paid_where_masked(self, paying: Paying, tables: Tables) -> None:
        self.chains(paying, tables)
        dossier = read_dossier(Shelves("facts", "books"), About.PARTNER, "par_1", brand=PAYING_BRAND, now=paying.now)
        found = sections(dossier)
        assert [row["account"] for row in found["payment_profiles"].items] == ["DE•• •••• 3000"]
        assert {row["hold"]: row["released_at"] is None for row in found["holds"].items} == {
            "hld_1": True, "hld_2": False
        }  # fmt: skip
        records = found["audit"].items
        assert "place_hold" in {row["action"] for row in records}
        assert all(row["number"] for row in records)
        # Neither a name nor what is sealed is in it.
        said = json_of(dossier)
        assert "par_1 Ltd" not in said and "c2VhbGVk" not in said and "print of" not in said

    def test_of_a_payout_who_approved_it_and_what_it_moved(self, paying: Paying, tables: Tables) -> None:
        for hold in paying.holds.of_partner("par_1"):
            if hold.stands:
                paying.lift(hold)
        paying.approved()
        payout = paying.payout("par_1")
        self.chains(paying, tables)
        dossier = read_dossier(
            Shelves("facts", "books"), About.PAYOUT, payout.payout, brand=PAYING_BRAND, now=paying.now
        )
        found = sections(dossier)
        [said] = found["payout"].items
        assert (said["partner"], said["amount"], said["status"]) == ("par_1", Money(120_00, "EUR"), payout.status.value)
        [run] = found["run"].items
        assert (run["started_by"], run["decided_by"]) == ("mem_maker", "mem_checker")
        moved = [(row["step"], row["account"], row["amount"].minor) for row in found["journals"].items]
        assert ("reserve", "reserved", 120_00) in moved
        assert {"open_run", "approve_run"} & {row["action"] for row in found["audit"].items}

    def test_another_brands_are_not_found(self, paying: Paying) -> None:
        for about in About:
            with pytest.raises(NotFound):
                read_dossier(Shelves("facts", "books"), about, "par_1", brand="brd_none", now=paying.now)


def test_values_are_told_in_one_line() -> None:
    assert [text_of(each) for each in (None, 7, "x", Money(-5, "EUR"), NOW + timedelta(hours=1), Role.ADMIN)] == [
        "", "7", "x", "-0.05 EUR", "2026-04-10T01:00:00Z", "admin",
    ]  # fmt: skip


def test_a_client_whose_hash_begins_with_a_hyphen_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(audit, "_export", lambda about, named, *given, **more: asked.append(named))
    for named in ("-gTq0", "--yT4"):
        answer = CliRunner().invoke(audit.audit_app, ["export", "client", named, "--brand", "brd_1", "--json"])
        assert answer.exit_code == 0, answer.output
    assert asked == ["-gTq0", "--yT4"]
