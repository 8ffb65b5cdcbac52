"""`introducer setup`: from an empty installation to a click that is recorded and an event that is applied."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import yaml
from typer.testing import CliRunner

from introducer.domain.configuration import Role
from introducer.domain.errors import Invalid
from introducer.domain.identity import CLIENT, brand_key, keyed_hash
from introducer.domain.signatures import HEADER, sign
from introducer.gateways.ecb import read_history
from introducer.gateways.identity import Identity, NewPasswordNeeded, Tokens
from introducer.services.accept_deal import next_midnight
from introducer.store.campaign_counts import CampaignCounts
from introducer.store.clicks import Clicks
from introducer.store.clients import Clients
from introducer.store.configuration import Configuration
from introducer.store.items import forget_connections
from introducer.store.rates import RateStore
from introducer_ops.cli import app
from introducer_ops.demo import rates as bank
from introducer_ops.localcloud import LocalCloud, Stack
from introducer_ops.terms import read_terms
from tests.support.builders import cpa, revshare, terms
from tests.support.scenario import BROWSER, eventually, rfc3339, the_stacks_account

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "first-day.md").read_text()
HISTORY = ROOT.parent / "shared" / "data" / "eurofxref-hist.zip"
DEAL = terms(cpa("200.00", kyc=True), revshare("30"))


class Command:
    """`introducer setup` in one installation."""

    def __init__(self, *where: str) -> None:
        self.where = where

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        # Neither an operator's own environment nor the width of a terminal decides what is tested.
        clean = {"INTRODUCER_STACK": None, "INTRODUCER_STATE_DIR": None}
        result = CliRunner().invoke(app, ["setup", *arguments, *self.where], env=clean)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    def makes(self, *arguments: str) -> dict[str, Any]:
        """What was made, as programs get it."""
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        made: dict[str, Any] = json.loads(out)
        return made

    def refuses(self, *arguments: str) -> str:
        """The sentence."""
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, ""), out + err
        return err.strip()

    def a_brand(self, name: str, *more: str) -> dict[str, Any]:
        domain = f"{name}.example"
        fallback = f"https://www.{domain}/"
        return self.makes("brand", "--name", name.title(), "--domain", domain, "--fallback-url", fallback, *more)

    def a_campaign(self, brand: str, name: str, *more: str) -> dict[str, Any]:
        url = f"https://www.{name}.example/live"
        return self.makes("campaign", "--brand", brand, "--name", "Live account", "--landing-url", url, *more)

    def a_partner(self, brand: str, *more: str) -> dict[str, Any]:
        return self.makes("partner", "--brand", brand, "--name", "Amberfield Media", "--country", "DE", *more)


@pytest.fixture(name="name")
def _name() -> str:
    """A brand's name that no other test has."""
    return f"q{secrets.token_hex(5)}"


@pytest.fixture(name="here")
def _here(stack: Stack) -> Command:
    return Command("--state-dir", str(stack.state_dir))


@pytest.fixture(name="terms_file")
def _terms_file(tmp_path: Path) -> Path:
    file = tmp_path / "deal.json"
    file.write_text(json.dumps(DEAL))
    return file


# --------------------------------------------------------------------------------------------- the way through, locally


def test_an_empty_installation_comes_to_its_first_click_and_its_first_event(
    stack: Stack, here: Command, name: str, terms_file: Path
) -> None:
    # given what the commands make, one after the other, and nothing else
    brand = here.a_brand(name)["brand"]
    campaign = here.a_campaign(brand, name, "--country", "DE", "--host", f"go.{name}.example")
    source = here.makes("source", name, "--brand", brand)
    partner = here.a_partner(brand)["partner"]
    deal = here.makes("deal", partner, str(terms_file), "--accepted")
    link = here.makes("link", "--partner", partner, "--campaign", campaign["campaign"])
    here.makes("code", "FIRST-DAY", "--partner", partner, "--since", "2026-01-01T00:00:00")
    assert (campaign["countries"], campaign["hosts"]) == (["DE"], [f"www.{name}.example", f"go.{name}.example"])
    assert source["postback_url"] == f"{stack.portal_url}/postback/{name}"
    assert link["url"] == link["url_here"] == f"{stack.portal_url}/c/{link['code']}"
    assert deal["terms"] == DEAL
    tomorrow = next_midnight(stack.clock.now())
    assert deal["valid_from"] == tomorrow.strftime("%Y-%m-%dT00:00:00.000Z")

    # when somebody opens the link, and the platform posts what became of it
    http = stack.http()
    answer = http.get(f"/c/{link['code']}", headers={"User-Agent": BROWSER})
    [click] = parse_qs(urlsplit(answer.headers["Location"]).query)["click_id"]
    now = {"type": "registration", "occurred_at": rfc3339(stack.clock.now())}
    event = now | {"event_id": "r1", "client_id": "10234", "click_id": click}
    # and somebody else typed the partner's promo code on another device
    typed = now | {"event_id": "r2", "client_id": "10235", "promo_code": "first-day"}
    body = json.dumps({"events": [event, typed]}).encode()
    signature = sign(body, [source["secret"].encode()], stack.clock.now())
    posted = http.post(f"/postback/{name}", content=body, headers={HEADER: signature})

    # then the click is recorded, the event accepted and applied, and the client is the partner's
    assert answer.headers["Location"] == f"https://www.{name}.example/live?click_id={click}"
    assert (posted.status_code, [each["status"] for each in posted.json()["receipts"]]) == (202, ["accepted"] * 2)
    with the_stacks_account(stack):
        recorded = Clicks(stack.outputs["FactsTableName"]).click(click)
        assert recorded is not None
        assert (recorded.partner, recorded.campaign, recorded.flags) == (partner, campaign["campaign"], ())
        clients = Clients(stack.outputs["BooksTableName"])
        client = keyed_hash(brand_key(identity_secret(stack), brand), CLIENT, "10234")
        state = eventually("client in the books", lambda: clients.state(brand, client))
        assert (state.events, [segment.partner for segment in state.timeline]) == (1, [partner])
        other = keyed_hash(brand_key(identity_secret(stack), brand), CLIENT, "10235")
        coded = eventually("the other client in the books", lambda: clients.state(brand, other))
        assert [(each.partner, each.evidence, each.code) for each in coded.timeline] == [
            (partner, "promo_code", "FIRST-DAY")
        ]
        # and the audit trail says who made what, and why
        books = Configuration(stack.outputs["BooksTableName"])
        trail = [record for subject in (brand, partner, name) for record in books.audit_of_subject(subject).items]
    assert {(record.by, record.why, record.origin) for record in trail} == {
        ("system:setup", "set up by an operator", "introducer setup")
    }
    assert {"open_brand", "register_partner", "propose_deal", "accept_deal", "register_source"} <= {
        record.action for record in trail
    }


def test_a_campaign_from_a_file_leads_where_it_says_and_is_full_when_its_cap_is_reached(
    stack: Stack, here: Command, name: str, tmp_path: Path
) -> None:
    # given a campaign with two pages and a cap, and a link with a deep link of its own
    site, file = f"https://www.{name}.example", tmp_path / "campaign.yaml"
    file.write_text(
        f"""
        pages:
          - {{url: "{site}/other", devices: [other]}}
          - {{url: "{site}/live?from={{partner}}", weight: 3}}
        clicks_in_all: 2
        overflow_url: "{site}/later"
        utm: [{{name: utm_source, value: "{{code}}"}}]
        """
    )
    brand = here.a_brand(name)["brand"]
    campaign = here.makes("campaign", "--brand", brand, "--name", "Spring", "--settings", str(file))["campaign"]
    partner = here.a_partner(brand)["partner"]
    link = here.makes("link", "--partner", partner, "--campaign", campaign)["code"]
    deep = here.makes("link", "--partner", partner, "--campaign", campaign, "--path", "/en/start?x=1")["code"]
    assert here.makes("routes")["added"] == []
    assert here.makes("networks")["listed"] == []

    # when two people follow them, on devices that the first page is not for
    there, start = (stack.http().get(f"/c/{code}", headers={"User-Agent": BROWSER}) for code in (link, deep))

    # then the page and the parameters are the campaign's, the path is the link's
    assert there.headers["Location"].startswith(f"{site}/live?from={partner}&utm_source={link}&click_id=")
    assert start.headers["Location"].startswith(f"{site}/en/start?x=1&utm_source={deep}&click_id=")
    # and when both are counted, the campaign is full
    with the_stacks_account(stack):
        books = Configuration(stack.outputs["BooksTableName"])
        eventually("a full campaign", lambda: books.route(campaign).full_until)
        assert CampaignCounts(stack.outputs["BooksTableName"]).used(campaign).in_all == 2


def test_settings_that_cannot_be_are_refused_with_their_field(here: Command, name: str, tmp_path: Path) -> None:
    brand, file = here.a_brand(name)["brand"], tmp_path / "campaign.json"
    for settings, said in (
        ({"pages": [{"url": "https://a.example/"}, {"url": "https://evil.example/"}]}, "none of the campaign's hosts"),
        ({"pages": [{"weight": 3}]}, "pages.0.url cannot be read"),
        ({"name": "Spring"}, "name cannot be read"),
    ):
        file.write_text(json.dumps(settings))
        assert said in here.refuses("campaign", "--brand", brand, "--name", "A", "--settings", str(file))


def identity_secret(stack: Stack) -> bytes:
    found = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["IdentityKeySecretName"])
    text: str = found["SecretString"]
    return text.encode()


@pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("bash", "curl", "openssl")), reason="bash, curl or openssl is missing"
)
def test_the_commands_of_the_first_day_work_as_they_stand(tmp_path: Path) -> None:
    # given a local cloud with nothing in it, and the bank's file as somebody downloaded it
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert sum("introducer setup" in block for block in blocks) >= 4
    rates = [f"Date,{','.join(CURRENCIES)},"]
    rates += [",".join([day, *(units.get(each, "N/A") for each in CURRENCIES), ""]) for day, units in newest(20)]
    with zipfile.ZipFile(tmp_path / "eurofxref-hist.zip", "w") as archive:
        archive.writestr("eurofxref-hist.csv", "\n".join(rates) + "\n")
    with LocalCloud.start(tmp_path / "cloud") as cloud:
        stack = cloud.deploy()
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "INTRODUCER_STATE_DIR": str(stack.state_dir),
            "COLUMNS": "200",
        }
        # when the blocks are pasted into one shell
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    # then each is answered, the event by 202, and the books follow from the facts
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"status": "accepted"' in run.stdout.replace('":"', '": "')
    assert "\n202\n" in run.stdout
    assert re.search(r"1 accepted, 1 applied", run.stdout)
    assert re.search(r"^clicks +1, 0 of them flagged", run.stdout, re.MULTILINE)
    assert "accepted, in force from" in run.stdout


CURRENCIES = ("USD", "JPY", "GBP")


def newest(days: int) -> list[tuple[str, dict[str, str]]]:
    """The newest publications that came with the installed package, the newest first."""
    return sorted(bank.in_package().items(), reverse=True)[:days]


# ------------------------------------------------------------------------------------------------- what a person reads


def test_a_person_reads_two_calm_lines_and_a_shell_gets_the_one_value(here: Command, name: str) -> None:
    # given
    brand = here.a_brand(name)["brand"]
    asked = ("partner", "--brand", brand, "--name", "Red [bold]Water", "--country", "DE", "--request", "r")
    # when
    code, read, said = here.run(*asked)
    again, bare, beside = here.run(*asked, "--bare")
    # then the name is never read as markup, and the same request says that it is there
    partner = bare.strip()
    assert (code, again, said) == (0, 0, "")
    assert read.splitlines() == [
        f"Partner Red [bold]Water: {partner}",
        "affiliate in DE, paid in EUR.",
        "In the local cloud.",
    ]
    assert re.fullmatch(r"par_\w+", partner)
    assert "nothing was changed" in beside


def test_the_same_request_makes_one_of_each(here: Command, name: str) -> None:
    once = ("--request", "first")
    brands = [here.a_brand(name, *once) for _ in range(2)]
    brand = brands[0]["brand"]
    campaigns = [here.a_campaign(brand, name, *once) for _ in range(2)]
    partners = [here.a_partner(brand, *once) for _ in range(2)]
    wanted = ("link", "--partner", partners[0]["partner"], "--campaign", campaigns[0]["campaign"])
    links = [here.makes(*wanted, *once) for _ in range(2)]
    # while nothing was received for a brand, a code may have been the partner's for long
    long_ago = ("early 24", "--partner", partners[0]["partner"], "--since", "2026-01-01T00:00:00")
    codes = [here.makes("code", *long_ago, *once) for _ in range(2)]
    assert (codes[0]["code"], codes[0]["starts_at"][:10]) == ("EARLY24", "2026-01-01")
    decided = ("--brand", brand, "--campaign", campaigns[0]["campaign"], "--window-days", "7")
    rules = [here.makes("attribution", *decided, "--attribution", "first_click", *once) for _ in range(2)]
    assert "The partner" in here.refuses("code", "EARLY24", "--partner", partners[0]["partner"])
    for first, second in (brands, campaigns, partners, links, codes, rules):
        assert first == second
    assert here.makes(*wanted)["code"] != links[0]["code"]


def test_refusals_are_the_services_own_sentences_without_a_traceback(here: Command, name: str) -> None:
    brand = here.a_brand(name)["brand"]
    here.makes("source", name, "--brand", brand)
    address = ("--domain", f"{name}.example", "--fallback-url", "https://www.example.com/")

    assert "exists already" in here.refuses("brand", "--name", "Another", *address)
    assert "no address" in here.refuses("brand", "--name", "A", "--domain", "a.example", "--fallback-url", "http://a")
    assert (
        here.refuses("source", name, "--brand", brand) == f"The source {name} has a secret already: rotate it instead."
    )
    assert here.refuses("partner", "--brand", brand, "--name", "A", "--country", "Germany").startswith(
        "'Germany' is no"
    )
    assert here.refuses("link", "--partner", "par_none", "--campaign", "cmp_none") == "There is no such partner."
    assert "--brand for staff" in here.refuses("login", "admin", "--email", "a@example.com", "--name", "A")
    assert here.run("login", "boss", "--email", "a@example.com", "--name", "A")[0] == 2


def test_without_a_local_cloud_it_says_how_to_get_one(tmp_path: Path) -> None:
    nowhere = Command("--state-dir", str(tmp_path))
    said = nowhere.refuses("link", "--partner", "par_none", "--campaign", "cmp_none")
    assert "`introducer up` starts one" in said


# ---------------------------------------------------------------------------------------------------------------- deals


def test_a_deal_is_proposed_then_accepted_and_a_version_can_be_named_twice(
    here: Command, name: str, terms_file: Path
) -> None:
    # given
    partner = here.a_partner(here.a_brand(name)["brand"])["partner"]
    # when
    code, proposed, _ = here.run("deal", partner, str(terms_file), "--version", "1")
    accepted = [here.makes("deal", partner, str(terms_file), "--version", "1", "--accepted") for _ in range(2)]
    _, second, _ = here.run("deal", partner, str(terms_file), "--accepted", "--valid-from", "2099-01-01")
    # then
    assert code == 0
    assert "It prices nothing until it is accepted." in proposed
    assert accepted[0] == accepted[1]
    assert accepted[0]["accepted_at"] is not None
    assert "version 2: accepted, in force from 2099-01-01 00:00 UTC on." in second
    assert "EUR: cpa cpa, revshare rev." in second


def test_wrong_terms_are_refused_with_the_sentence_that_is_wrong(here: Command, name: str, tmp_path: Path) -> None:
    partner = here.a_partner(here.a_brand(name)["brand"])["partner"]
    file = tmp_path / "deal.yaml"
    file.write_text("currency: EUR\nhold: {days: 30}\nrules: [{type: revshare, id: rev, percent: '130'}]\n")

    assert here.refuses("deal", partner, str(file)) == "Rule 'rev' pays 130%: say more than 0 and at most 100."
    file.write_text("currency: [")
    assert "not YAML" in here.refuses("deal", partner, str(file))
    assert here.run("deal", partner, str(tmp_path / "nothing.json"))[0] == 2
    file.write_text(json.dumps(DEAL))
    assert here.refuses("deal", "par_none", str(file)) == "There is no such partner."


def test_yaml_says_what_json_says(tmp_path: Path) -> None:
    # given the same terms twice, one with what YAML usually trips over
    written = terms(cpa("200.00", kyc=True, countries=["NO", "DE"]), days=10, net_revenue={"spread": "0.10"})
    as_json, as_yaml = tmp_path / "deal.json", tmp_path / "deal.yml"
    as_json.write_text(json.dumps(written))
    plain = yaml.safe_dump(written).replace("'NO'", "NO").replace("'0.10'", "0.10").replace("'200.00'", "200.00")
    assert "- NO" in plain and "spread: 0.10" in plain
    as_yaml.write_text(plain)
    # then
    assert read_terms(as_yaml) == read_terms(as_json) == written


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.json", '{"currency": "EUR", "currency": "USD"}'),
        ("a.yaml", "currency: EUR\ncurrency: USD"),
        ("a.yaml", "? [a]\n: b"),
        ("a.yaml", "- currency"),
        ("a.yaml", "!!python/object:os.system {}"),
        ("a.json", "currency: EUR"),
    ],
)
def test_terms_that_are_not_one_thing_are_refused(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(Invalid, match=f"{file} cannot be read as terms"):
        read_terms(tmp_path / file)


# --------------------------------------------------------------------------------------------------------------- logins


def test_a_first_password_is_changed_at_the_first_sign_in_and_then_left_alone(
    stack: Stack, here: Command, name: str
) -> None:
    # given a login that nobody has used
    brand = here.a_brand(name)["brand"]
    email = f"admin@{name}.example"
    wanted = ("login", "admin", "--brand", brand, "--email", email, "--name", "Administrator")
    lost, first = here.makes(*wanted), here.makes(*wanted)
    assert lost["password"] != first["password"]
    assert (lost["member"], lost["role"]) == (first["member"], Role.ADMIN)
    # when its owner signs in, an own password is asked for
    gate = Identity(stack.client("cognito-idp"), client_id=stack.outputs["UserPoolClientId"])
    asked = gate.sign_in(email, first["password"])
    assert isinstance(asked, NewPasswordNeeded)
    own = f"Own-{secrets.token_hex(8)}"
    assert isinstance(gate.choose_password(email, asked.session, own), Tokens)
    # then the command no longer touches it
    code, out, _ = here.run(*wanted)
    assert code == 0
    assert "chosen by its owner: nothing was changed" in out
    assert here.makes(*wanted)["password"] is None
    assert isinstance(gate.sign_in(email, own), Tokens)


def test_an_owner_belongs_to_a_partner_and_staff_to_none(stack: Stack, here: Command, name: str) -> None:
    brand = here.a_brand(name)["brand"]
    partner = here.a_partner(brand)["partner"]
    email = ("--email", f"owner@{name}.example", "--name", "Owner")

    owner = here.makes("login", "owner", "--partner", partner, *email)

    assert (owner["partner"], owner["brand"]) == (partner, brand)
    groups = stack.client("cognito-idp").admin_list_groups_for_user(
        UserPoolId=stack.outputs["UserPoolId"], Username=f"owner@{name}.example"
    )
    assert [group["GroupName"] for group in groups["Groups"]] == ["partner"]
    assert "check the role" in here.refuses("login", "finance", "--partner", partner, *email)


# ------------------------------------------------------------------------------------- in AWS: a stack, by its own name


@pytest.fixture(name="account")
def _account(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An account with a CloudFormation stack in it, reached as AWS is: by the environment alone. Its outputs."""
    for variable, value in {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": str(secrets.randbelow(9 * 10**11) + 10**11),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(variable, value)
    boto3.setup_default_session()
    forget_connections()
    formation = boto3.client("cloudformation")
    formation.create_stack(StackName="introducer", TemplateBody=json.dumps(the_parts_that_are_set_up()))
    formation.get_waiter("stack_create_complete").wait(StackName="introducer", WaiterConfig={"Delay": 1})
    [made] = formation.describe_stacks(StackName="introducer")["Stacks"]
    yield {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    formation.delete_stack(StackName="introducer")
    boto3.DEFAULT_SESSION = None
    forget_connections()


class _Tagged(yaml.SafeLoader):
    """Reads `!Ref` and its like as the long form."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_Tagged.add_multi_constructor("!", _long_form)


def the_parts_that_are_set_up() -> dict[str, Any]:
    """BooksTable, logins and keys out of our own template, with their outputs; the address of the API is given."""
    whole = yaml.load((ROOT / "template.yaml").read_text(), _Tagged)
    parts = ["BooksTable", "UserPool", "AdminGroup", "PartnerGroup", "IdentityKeySecret"]
    outputs = ["BooksTableName", "UserPoolId", "IdentityKeySecretName", "SourceSecretPrefix"]
    return {
        "AWSTemplateFormatVersion": whole["AWSTemplateFormatVersion"],
        "Parameters": {"Stage": {"Type": "String", "Default": "test"}},
        "Conditions": {"IsProd": whole["Conditions"]["IsProd"]},
        "Resources": {part: whole["Resources"][part] for part in parts},
        "Outputs": {name: whole["Outputs"][name] for name in outputs}
        | {"PortalUrl": {"Value": "https://a1.execute-api.us-east-1.amazonaws.com"}},
    }


IN_AWS = Command("--stack", "introducer")


def test_a_stack_in_aws_is_set_up_by_the_same_commands(account: dict[str, str], terms_file: Path) -> None:
    # when
    brand = IN_AWS.a_brand("quillmark")["brand"]
    campaign = IN_AWS.a_campaign(brand, "quillmark")["campaign"]
    partner = IN_AWS.a_partner(brand, "--email", "Owner@Amberfield.example")
    source = IN_AWS.makes("source", "mt5", "--brand", brand)
    deal = IN_AWS.makes("deal", partner["partner"], str(terms_file), "--accepted")
    login = IN_AWS.makes("login", "admin", "--brand", brand, "--email", "a@quillmark.example", "--name", "A")
    code, told, _ = IN_AWS.run("link", "--partner", partner["partner"], "--campaign", campaign)
    # then everything is in that account, under the stage's names
    books = Configuration(account["BooksTableName"])
    assert books.brand_host("quillmark.example").brand == brand
    assert books.deals(partner["partner"])[0].valid_from == next_midnight(datetime.now(UTC))
    assert deal["version"] == 1
    vault = boto3.client("secretsmanager")
    kept = vault.get_secret_value(SecretId="introducer/test/source/mt5")["SecretString"]
    assert json.loads(kept) == {"v1": [source["secret"]]}
    key = vault.get_secret_value(SecretId=account["IdentityKeySecretName"])["SecretString"].encode()
    assert partner["email_hash"] == keyed_hash(brand_key(key, brand), "email", "owner@amberfield.example")
    pool = boto3.client("cognito-idp")
    user = pool.admin_get_user(UserPoolId=account["UserPoolId"], Username="a@quillmark.example")
    assert (user["UserStatus"], bool(login["password"])) == ("FORCE_CHANGE_PASSWORD", True)
    # and a link has the brand's address, and the one that works until that leads here
    assert code == 0
    public, until, where = told.splitlines()
    assert re.fullmatch(r"Link (\S{8}): https://quillmark\.example/c/\1", public)
    assert "https://a1.execute-api.us-east-1.amazonaws.com/c/" in until
    assert where == "In the stack introducer."
    # and the name may stand in the environment
    clean = {"INTRODUCER_STACK": "introducer", "INTRODUCER_STATE_DIR": None}
    asked = ["setup", "link", "--partner", partner["partner"], "--campaign", campaign]
    assert "In the stack introducer." in CliRunner().invoke(app, asked, env=clean).stdout


@pytest.mark.usefixtures("account")
def test_a_stack_that_is_not_there_or_not_ours_is_told() -> None:
    boto3.client("cloudformation").create_stack(
        StackName="other",
        TemplateBody=json.dumps(
            {
                "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
                "Outputs": {"PortalUrl": {"Value": "https://www.example.com"}},
            }
        ),
    )
    link = ("link", "--partner", "par_none", "--campaign", "cmp_none")
    assert "The stack nothing could not be read" in Command("--stack", "nothing").refuses(*link)
    assert "not Introducer's" in Command("--stack", "other").refuses(*link)


# ---------------------------------------------------------------------------------------------------------------- rates


def bank_file(folder: Path, rows: dict[str, str], name: str = "eurofxref-hist.csv") -> str:
    """The bank's form, with one currency that is and one that was."""
    lines = ["Date,USD,TRL,"] + [f"{day},{usd},N/A," for day, usd in sorted(rows.items(), reverse=True)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder / name)


def test_rates_go_on_where_they_ended_and_never_leave_a_hole(account: dict[str, str], tmp_path: Path) -> None:
    # given a Friday and a Monday
    rows = {"2026-02-27": "1.1805", "2026-03-02": "1.1698"}
    # when
    first = IN_AWS.makes("rates", bank_file(tmp_path, rows))
    again = IN_AWS.run("rates", bank_file(tmp_path, rows))
    later = IN_AWS.run("rates", bank_file(tmp_path, rows | {"2026-03-03": "1.1600"}), "--bare")
    # then the weekend is known to be empty
    store = RateStore(account["BooksTableName"])
    assert first == {"feed": "ECB", "new_days": 4, "complete_through": "2026-03-02"}
    assert store.day("ECB", "2026-02-28") == {}
    assert store.day("ECB", "2026-03-02") == {"USD": "1.1698"}
    assert "no day of these is new, complete through 2026-03-02." in again[1]
    assert later[1] == "2026-03-03\n"
    # and a file that begins later than the books end is refused, and so is a day that is not over
    assert "take a longer file" in IN_AWS.refuses("rates", bank_file(tmp_path, {"2026-03-05": "1.1"}))
    today = datetime.now(UTC).date()
    assert "not over" in IN_AWS.refuses("rates", bank_file(tmp_path, rows), "--through", today.isoformat())
    assert store.completed_through("ECB") == "2026-03-03"
    # but that nothing was published on days gone by, an operator may say
    assert IN_AWS.makes("rates", bank_file(tmp_path, rows), "--through", "2026-03-04")["new_days"] == 1


def test_rates_begin_where_they_are_asked_to(account: dict[str, str], tmp_path: Path) -> None:
    file = bank_file(tmp_path, {"2024-12-30": "1.04", "2024-12-31": "1.03"})

    assert "begins on 2024-12-30" in IN_AWS.refuses("rates", file, "--since", "2024-12-01")
    assert IN_AWS.makes("rates", file, "--since", "2024-12-31")["new_days"] == 1
    assert RateStore(account["BooksTableName"]).day("ECB", "2024-12-30") is None


@pytest.mark.skipif(not HISTORY.exists(), reason="the ECB's history is not beside the project: shared/data")
def test_the_banks_own_history_is_loaded(account: dict[str, str]) -> None:
    published = read_history(HISTORY.read_bytes(), HISTORY.name)
    newest_day = max(published)
    since = (date.fromisoformat(newest_day) - timedelta(days=10)).isoformat()

    made = IN_AWS.makes("rates", str(HISTORY), "--since", since)

    assert made == {"feed": "ECB", "new_days": 11, "complete_through": newest_day}
    store = RateStore(account["BooksTableName"])
    # The figures are the bank's of that day; a currency that it no longer publishes has none.
    assert store.day("ECB", "2026-04-13") == published["2026-04-13"]
    assert published["2026-04-13"]["USD"] == "1.1684"
    assert "CYP" not in published["2026-04-13"]


def test_the_package_brings_rates_along(account: dict[str, str]) -> None:
    day, units = newest(1)[0]

    assert IN_AWS.makes("rates", "--from-package", "--since", day)["new_days"] == 1

    assert RateStore(account["BooksTableName"]).day("ECB", day) == units
    assert "Name a file" in IN_AWS.refuses("rates")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Date,USD,\n",
        "Day,USD,\n2026-03-02,1.1,\n",
        "Date,USD,\n2/3/2026,1.1,\n",
        "Date,USD,\n2026-03-02,1.1,1.2,\n",
        "Date,USD,\n2026-03-02,1.1,\n2026-03-02,1.1,\n",
        "PK\x03\x04 broken",
    ],
)
def test_what_is_not_the_banks_file_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid, match=r"rates\.csv is not the ECB's"):
        read_history(text.encode(), "rates.csv")
