"""The `verify` command beside AWS's own interfaces: whole tables are read, stacks are found, and exit codes tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore.stub import Stubber
from rich.console import Console
from typer.testing import CliRunner

from introducer.domain.errors import Unavailable
from introducer.services.verify.report import Kind
from introducer.services.verify_books import verify_books
from introducer.store import keys
from introducer.store.scans import Scans, Stored, kind_of
from introducer_ops import verify as command
from tests.support import posting
from tests.support.builders import BRAND, CLICK_KEY, SOURCE, an_event, at, cpa, lot, terms
from tests.support.tables import Tables

SECRET = "introducer/test/click-key"

app = typer.Typer()
app.callback()(lambda: None)
command.register(app)


def wire(value: object) -> dict[str, Any]:
    """A plain value as DynamoDB takes it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [wire(each) for each in value]}
    return {"S": str(value)}


@pytest.fixture
def tables() -> Tables:
    """A partner, a flagged click and another, and a client of three lots."""
    made = Tables()
    made.partner("par_lot", "LINKLOT0", (at("2026-01-01"), terms(lot("2.750"), currency="KWD")))
    made.click("par_lot", "LINKLOT0", at("2026-03-01 09:00"), "bot")
    click = made.click("par_lot", "LINKLOT0", at("2026-03-01 08:00"))
    made.apply(
        an_event("registration", at("2026-03-02"), client="cleo", event_id="r", click_id=click, country="DE"),
        an_event("trade", at("2026-03-03"), client="cleo", event_id="t", lots="3"),
        at=at("2026-03-03"),
    )
    return made


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tables: Tables) -> Iterator[None]:
    """An AWS account with these tables and the secret."""
    with posting.cloud(monkeypatch):
        for name, items in (("facts", tables.facts_items), ("books", tables.books_items)):
            posting.table(name)
            put(name, items)
        secret = json.dumps({"current": "0", "0": CLICK_KEY.decode()})
        boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=secret)
        yield


def put(table: str, items: Mapping[Any, Mapping[str, Any]]) -> None:
    client = boto3.client("dynamodb")
    for item in items.values():
        client.put_item(TableName=table, Item={name: wire(value) for name, value in item.items()})


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `introducer verify`."""
    result = CliRunner().invoke(app, ["verify", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_every_kind_of_difference_is_explained_on_the_screen_and_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
    for kind in Kind:
        assert f"`{kind}`" in guide
    assert set(command.MEANINGS) == set(Kind)


# Raw clicks of March must not have expired, whenever this test runs.
NAMED = ("--facts-table", "facts", "--books-table", "books", "--click-key-secret", SECRET, "--click-days", "36500")


@pytest.mark.usefixtures("account")
def test_sound_tables_exit_with_zero_and_json_stands_alone_on_standard_output():
    code, out, _ = run(*NAMED, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["differences"] == []
    assert report["sums"] == {"KWD": "8.250"}
    assert (report["events"], report["applied"], report["clicks"], report["flagged"]) == (2, 2, 2, 1)
    assert len(report["state_hash"]) == 64


def test_a_difference_exits_with_one_and_names_item_and_amounts(account, tables):
    # given
    tables.item("balance", partner="par_lot")["KWD.earned.2026-03"] += 1
    put("books", tables.books_items)
    # when
    code, out, _ = run(*NAMED)
    # then
    assert code == 1
    assert "par_lot KWD.earned.2026-03" in out
    assert "expected 8.250 KWD, found 8.251 KWD" in out
    assert "BOOKS P#par_lot / balance" in out
    assert "1 difference between facts and books" in out


def test_ids_of_platforms_are_never_read_as_markup(account, tables):
    # given an event whose id looks like a colour, in quarantine, and one that is lost
    tables.accept(
        an_event("deposit", at("2026-03-06"), client="cleo", event_id="[red]q[/]", amount="1.00"),
        an_event("deposit", at("2026-03-06"), client="cleo", event_id="[bold]w[/]", amount="1.00"),
    )
    kept = {"reason": "poison", "event_id": "[red]q[/]", "client": "cleo", "message": "{}"}
    tables.put("quarantined", kept, brand=BRAND, source=SOURCE, day="2026-03-06", at=1, digest="a")
    put("facts", tables.facts_items)
    put("books", tables.books_items)
    # when
    code, out, _ = run(*NAMED)
    # then
    assert code == 1
    assert "in quarantine: event [red]q[/] of mt5" in out
    assert "event [bold]w[/] of mt5" in out


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--facts-table", "facts"),
        ("--facts-table", "nowhere", *NAMED[2:]),
        (*NAMED[:4], "--click-key-secret", "introducer/test/nothing"),
    ],
    ids=["too few names", "no such table", "no such secret"],
)
def test_what_cannot_be_found_out_exits_with_two(arguments):
    code, out, said = run(*arguments)
    assert code == 2
    assert said.strip()
    assert not out


def test_a_stack_in_aws_is_found_by_its_outputs_and_keeps_clicks_as_long_as_it_says(account, tables, monkeypatch):
    # given a stack that keeps clicks for 31 days, and clicks that are gone since
    for item in tables.all("click"):
        boto3.client("dynamodb").delete_item(TableName="facts", Key={n: wire(item[n]) for n in (keys.PK, keys.SK)})
    real, cloudformation = boto3.client, boto3.client("cloudformation")
    outputs = {"FactsTableName": "facts", "BooksTableName": "books", "ClickKeySecretName": SECRET}
    described = {
        "StackName": "introducer",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        "Parameters": [{"ParameterKey": "ClickTtlDays", "ParameterValue": "31"}],
    }
    monkeypatch.setattr(
        boto3, "client", lambda name, **more: cloudformation if name == "cloudformation" else real(name, **more)
    )
    monkeypatch.setattr(command, "datetime", At(at("2026-06-01")))
    with Stubber(cloudformation) as stub:
        stub.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": "introducer"})
        # when
        code, out, _ = run("--stack", "introducer", "--json")
        # then
        assert code == 0
        assert json.loads(out)["clicks_from"] == "2026-05-02"
        # and one that is not there is told
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id nothing does not exist")
        code, _, said = run("--stack", "nothing")
    assert code == 2
    assert "does not exist" in said


def test_months_that_are_behind_lead_to_the_command_that_settles_them(account, tables):
    # given two clients' places in a month that was not settled
    capped = cpa("10.00") | {"caps": [{"per": "total", "clients": 1}]}
    tables.partner("par_cap", "LINKCAP0", (at("2026-01-01"), terms(capped)))
    click = tables.click("par_cap", "LINKCAP0", at("2026-03-01 08:00"))
    tables.apply(
        an_event("registration", at("2026-03-02"), client="anna", event_id="r", click_id=click, country="DE"),
        an_event("deposit", at("2026-03-02"), client="anna", event_id="d", amount="1.00"),
        at=at("2026-03-03"),
        settle=False,
    )
    for name, items in (("facts", tables.facts_items), ("books", tables.books_items)):
        put(name, items)
    # when
    code, out, _ = run(*NAMED)
    # then
    assert code == 1
    assert "1 month is behind: `introducer settle` sends it to settling again." in out.replace("\n", " ")
    assert json.loads(run(*NAMED, "--json")[1])["unsettled"] == [
        {"partner": "par_cap", "month": "2026-03", "sound": True}
    ]


def test_a_certificate_fits_eighty_columns(tables):
    report = verify_books(tables, click_keys={0: CLICK_KEY}, now=at("2026-03-10"), elapsed=lambda: 0.0)
    # when
    printed = StringIO()
    command.show(report, Console(file=printed, width=80, highlight=False))
    # then no line is broken, and both hashes are whole
    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80
    assert f"state hash   {report.state_hash}" in lines
    assert f"books hash   {report.books_hash}" in lines
    assert "months       0 settled over all clients, 0 closed with a statement" in lines


class At:
    """A `datetime` whose present is given."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self, zone: object) -> datetime:
        return self._moment


# --------------------------------------------------------------------------------------------------------------- scans


class Pages:
    """A table of three items that answers one at a time, the second page empty."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def scan(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        number = len(self.asked)
        key = {"pk": {"S": f"P#par_{number}"}, "sk": {"S": "balance"}}
        items = [] if number == 2 else [{**key, "EUR.available": {"N": str(number)}}]
        return {"Items": items} | ({"LastEvaluatedKey": key} if number < 4 else {})


def test_a_scan_goes_on_to_the_last_page_consistently():
    pages = Pages()
    found = list(Scans(pages, facts="f", books="b").books())
    assert [(each.kind, each.item["EUR.available"]) for each in found] == [
        ("balance", 1),
        ("balance", 3),
        ("balance", 4),
    ]
    assert all(asked["TableName"] == "b" and asked["ConsistentRead"] for asked in pages.asked)
    assert [asked.get("ExclusiveStartKey", {}).get("pk") for asked in pages.asked] == [
        None,
        {"S": "P#par_1"},
        {"S": "P#par_2"},
        {"S": "P#par_3"},
    ]


@pytest.mark.usefixtures("account")
def test_a_scan_reads_every_kind_of_value_and_a_missing_table_is_unavailable():
    scans = Scans(boto3.client("dynamodb"), facts="facts", books="books")
    click = next(each.item for each in scans.facts() if each.kind == "click" and "flags" in each.item)
    assert click["flags"] == ["bot"] and click["unique"] is True and type(click["at"]) is int
    with pytest.raises(Unavailable, match="nowhere"):
        list(Scans(boto3.client("dynamodb"), facts="nowhere", books="books").facts())
    with pytest.raises(Unavailable, match="nowhere"):
        Scans(boto3.client("dynamodb"), facts="nowhere", books="books").sizes()


@pytest.mark.parametrize("name", keys.ITEMS)
def test_every_key_belongs_to_its_own_kind_and_no_other(name):
    # given a key with values that try to look like other keys
    kind = keys.ITEMS[name]
    values = re.findall(r"\{(\w+)\}", kind.pk + kind.sk)
    for text in ("1", "a#b", "events", "balance%"):
        key = keys.key(name, **dict.fromkeys(values, text))
        # then
        assert kind_of(kind.table, *key) == name, key
    assert kind_of(kind.table, "Z#1", "z") == ""


def test_a_stored_item_says_where_it_stands():
    assert str(Stored("balance", keys.key("balance", partner="par_1").item())) == "BOOKS P#par_1 / balance"
    assert str(Stored("", {"pk": "Z", "sk": "z"})) == "Z z"
