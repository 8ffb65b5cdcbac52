"""template.yaml, as AWS gets it: linted, least privilege, and one with the code it deploys."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from introducer.gateways import application_vault, lead_vault, vault
from introducer.runtime.settings import Settings
from introducer.store import keys
from introducer.store.statements import Statements
from introducer_ops.localcloud import checking, expanding
from introducer_ops.localcloud.launcher.patches import filters
from tests.conftest import create_table, in_memory

ROOT = Path(__file__).parents[2]
WRITTEN = expanding.read(ROOT / "template.yaml")
TRANSLATED = expanding.translate(WRITTEN, {}, "eu-west-1")
RESOURCES: dict[str, Any] = TRANSLATED["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: one.get("Properties", {}) for name, one in RESOURCES.items() if one["Type"] == kind}


FUNCTIONS = of_type("AWS::Lambda::Function")


def test_the_translated_template_passes_cfn_lint() -> None:
    assert checking.lint(json.dumps(TRANSLATED)) == []


def test_a_reference_to_nothing_is_found_and_named() -> None:
    broken = json.loads(json.dumps(TRANSLATED))
    broken["Resources"]["RedirectFunction"]["Properties"]["Environment"]["Variables"]["FACTS_TABLE"] = {"Ref": "Facts"}
    (finding,) = checking.lint(json.dumps(broken))
    assert finding.startswith("RedirectFunction.Properties.Environment.Variables.FACTS_TABLE")


def test_every_function_has_its_folder_and_every_folder_its_function() -> None:
    deployed = {
        one["Properties"]["CodeUri"].strip("/")
        for one in WRITTEN["Resources"].values()
        if one["Type"] == "AWS::Serverless::Function"
    }
    written = {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py")}
    assert deployed == written


@pytest.mark.parametrize("name", FUNCTIONS)
class TestEachFunction:
    def test_runs_where_the_layers_were_built_for(self, name: str) -> None:
        assert FUNCTIONS[name]["Runtime"] == "python3.13"
        assert FUNCTIONS[name]["Architectures"] == ["arm64"]

    def test_is_traced_and_logs_to_a_group_that_forgets(self, name: str) -> None:
        assert FUNCTIONS[name]["TracingConfig"] == {"Mode": "Active"}
        group = RESOURCES[FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}

    def test_has_a_role_of_its_own(self, name: str) -> None:
        roles = [one["Role"]["Fn::GetAtt"][0] for one in FUNCTIONS.values()]
        assert roles.count(FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]) == 1

    def test_names_its_tables_by_reference(self, name: str) -> None:
        variables = FUNCTIONS[name]["Environment"]["Variables"]
        tables = {key: value for key, value in variables.items() if key.endswith("_TABLE")}
        assert tables
        assert all(value["Ref"] in of_type("AWS::DynamoDB::Table") for value in tables.values())

    def test_believes_a_clock_file_on_the_local_stage_only(self, name: str) -> None:
        clock = FUNCTIONS[name]["Environment"]["Variables"]["CLOCK_FILE"]
        assert clock == {"Fn::If": ["IsLocal", {"Ref": "ClockFile"}, ""]}


GIVEN_TO_ALL = {*WRITTEN["Globals"]["Function"]["Environment"]["Variables"], "POWERTOOLS_SERVICE_NAME"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_what_it_asks_for_and_nothing_else(name: str) -> None:
    folder = ROOT / WRITTEN["Resources"][name]["Properties"]["CodeUri"]
    code = "\n".join(path.read_text() for path in sorted(folder.rglob("*.py")))
    # A contest has settings too: these are the ones that a function is told.
    words = {word for word in re.findall(r"\bsettings\.([a-z_]+)", code) if hasattr(Settings, word)}
    asked = {word.upper() for word in words - {"is_local"}}
    # Region, credentials and what stands in for AWS are Lambda's own to say.
    asked |= set(re.findall(r"environ(?:\.get\(|\[)\"(?!AWS_)([A-Z_]+)\"", code))
    assert asked - GIVEN_TO_ALL == set(FUNCTIONS[name]["Environment"]["Variables"]) - GIVEN_TO_ALL


def test_this_machine_is_reached_from_the_local_stage_alone_and_only_when_it_is_said() -> None:
    told = {name: one["Environment"]["Variables"].get("REACHES_LOOPBACK") for name, one in FUNCTIONS.items()}
    assert {name for name, value in told.items() if value} >= {"PostbackOutFunction", "PortalFunction"}
    assert all(value in (None, {"Fn::If": ["IsLocal", {"Ref": "ReachesLoopback"}, "no"]}) for value in told.values())
    assert TRANSLATED["Parameters"]["ReachesLoopback"]["Default"] == "no"
    [rule] = TRANSLATED["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "ReachesLoopback"}, "yes"]}
    assert [each["Assert"] for each in rule["Assertions"]] == [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]
    # What a function believes of it, whatever its environment says.
    for stage, said, believed in (("local", "yes", True), ("local", "no", False), ("prod", "yes", False)):
        assert Settings({"STAGE": stage, "REACHES_LOOPBACK": said}).reaches_loopback is believed
    assert not Settings({"REACHES_LOOPBACK": "yes"}).reaches_loopback


def test_the_vendor_layer_holds_what_the_project_depends_on() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = (ROOT / "layers/vendor/requirements.txt").read_text()
    assert [one for one in wanted if f"{one} \\\n" not in locked] == []
    assert "--index-url" not in locked
    # What Chalice needs for its command line only stays out.
    assert not re.search(r"^(inquirer|pyyaml|pip|setuptools)==", locked, re.M)


def statements(role: str) -> list[dict[str, Any]]:
    """What a role may do: its own policies and the managed ones of this template."""
    properties = RESOURCES[role]["Properties"]
    shared = [RESOURCES[policy["Ref"]]["Properties"] for policy in properties.get("ManagedPolicyArns", [])]
    own = properties.get("Policies", [])
    return [one for policy in [*own, *shared] for one in policy["PolicyDocument"]["Statement"]]


def actions(statement: dict[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else given


def may(role: str, action: str, resource: str) -> bool:
    """Whether some statement allows an action on a resource of this template."""
    return any(
        one["Effect"] == "Allow" and action in actions(one) and f'"{resource}"' in json.dumps(one["Resource"])
        for one in statements(role)
    )


ROLES = of_type("AWS::IAM::Role")
MACHINES = of_type("AWS::StepFunctions::StateMachine")


@pytest.mark.parametrize("role", ROLES)
class TestEachRole:
    def test_names_every_action(self, role: str) -> None:
        assert [action for one in statements(role) for action in actions(one) if "*" in action] == []

    def test_names_every_resource_but_tracing_and_the_delivery_of_logs(self, role: str) -> None:
        wide = {one["Sid"] for one in statements(role) if "*" in (one["Resource"], *one["Resource"])}
        of_a_machine = role in {one["RoleArn"]["Fn::GetAtt"][0] for one in MACHINES.values()}
        # A token names its execution by itself.
        wakes = {"WakeWhoWaits"} if role in ("PayoutRole", "CasesRole", "ContestsRole", "PortalRole") else set()
        # SES knows no resource for its account.
        asks = {"ReadMailQuota"} if role in ("OutboxRole", "DueMailsRole", "BroadcastRole") else set()
        assert wide == {"Trace"} | wakes | asks | ({"DeliverLogs"} if of_a_machine else set())

    def test_cannot_change_what_is_append_only(self, role: str) -> None:
        """Neither by an update nor by a delete. That no put goes over an item that is there, our conditions see to."""
        [denied] = [one for one in statements(role) if one["Effect"] == "Deny" and one["Sid"].endswith("AppendOnly")]
        assert {
            "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
            "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete",
        } == set(actions(denied))  # fmt: skip
        assert denied["Resource"] == {"Fn::GetAtt": ["BooksTable", "Arn"]}
        # A Deny that holds for all keys of a request would let a mixed one through.
        assert list(denied["Condition"]) == ["ForAnyValue:StringLike"]
        leading = denied["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]
        places = [
            keys.partition(name, **dict.fromkeys(re.findall(r"{(\w+)}", keys.ITEMS[name].pk), "2026-03"))
            for name in APPEND_ONLY
        ]
        assert [key for key in places if not any(_like(key, pattern) for pattern in leading)] == []
        # And nothing that must change falls under it.
        others = [item.pk for item in keys.ITEMS.values() if item.name not in {*APPEND_ONLY, "audit_head"}]
        assert not [pk for pk in others if any(_like(pk, pattern) for pattern in leading)]

    def test_writes_the_chain_only_if_it_is_the_outboxs(self, role: str) -> None:
        chain = [keys.partition(name, brand="b", thousand=0, subject="s") for name in CHAIN]
        assert _may_put(role, chain) is (role == "OutboxRole")

    def test_cannot_scan_or_delete(self, role: str) -> None:
        allowed = {action for one in statements(role) if one["Effect"] == "Allow" for action in actions(one)}
        assert not allowed & {"dynamodb:Scan", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}


APPEND_ONLY = (
    "journal", "payout_journal", "case_journal", "statement", "invoice", "payment_profile_version", "standing",
    "parenting", "attribution", "audit", "audit_link", "audit_place",
)  # fmt: skip
CHAIN = ("audit_link", "audit_head", "audit_place")
"""The head moves on, by a put under its number: so that updates may be denied to the whole of a chain."""


def _may_put(role: str, partitions: list[str]) -> bool:
    """Whether a role may put an item into one of these partitions of BOOKS."""
    puts = [
        one
        for one in statements(role)
        if "dynamodb:PutItem" in actions(one) and '"BooksTable"' in json.dumps(one["Resource"])
    ]

    def holds(one: dict[str, Any], key: str) -> bool:
        said = one.get("Condition", {})
        for operator, values in said.items():
            leading = values.get("dynamodb:LeadingKeys", [])
            if operator.endswith("StringLike") and leading and not any(_like(key, each) for each in leading):
                return False
            if operator.endswith("StringNotLike") and any(_like(key, each) for each in leading):
                return False
        return True

    def answer(effect: str, key: str) -> bool:
        return any(one["Effect"] == effect and holds(one, key) for one in puts)

    return any(answer("Allow", key) and not answer("Deny", key) for key in partitions)


def _like(value: str, pattern: str) -> bool:
    """IAM's StringLike, for patterns with `*` only."""
    parts = pattern.split("*")
    place = len(parts[0])
    if not value.startswith(parts[0]) or not value.endswith(parts[-1]):
        return False
    for part in parts[1:]:
        place = value.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def test_only_the_engine_and_the_replay_of_events_change_facts() -> None:
    assert {role for role in ROLES if may(role, "dynamodb:UpdateItem", "FactsTable")} == {
        "EngineRole",
        "PortalRole",
        "RatesRole",
    }


def of_role(role: str, sid: str) -> dict[str, Any]:
    (found,) = [one for one in statements(role) if one["Sid"] == sid]
    return found


def test_the_workflow_freezes_balances_and_changes_nothing_else_of_a_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = [one for one in statements("WorkflowRole") if "dynamodb:UpdateItem" in actions(one)]
    assert {one["Sid"] for one in changing if one["Effect"] == "Allow"} == {"FreezeBalances", "FinishMonths"}
    finish = of_role("WorkflowRole", "FinishMonths")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert {item.name for item in keys.ITEMS.values() if any(_like(item.pk, one) for one in finish)} == {"month_close"}

    # given the policy's partitions: those of the partner itself, and none below it
    condition = of_role("WorkflowRole", "FreezeBalances")["Condition"]
    like, unlike = (
        condition[f"ForAllValues:{operator}"]["dynamodb:LeadingKeys"] for operator in ("StringLike", "StringNotLike")
    )
    reached = {
        item.name
        for item in keys.ITEMS.values()
        if any(_like(item.pk, one) for one in like) and not any(_like(item.pk, one) for one in unlike)
    }
    assert "balance" in reached
    assert not reached & {"deal", "row", "settled", "statement", "standing", "parenting", "adjustment"}

    # then what freezing names is what may be named, so that AWS lets it through and nothing else
    sent: list[dict[str, Any]] = []
    with in_memory() as client:
        create_table(client, "books", index=True)
        store = Statements("books")
        dispatch = store._connection.dispatch
        monkeypatch.setattr(
            store._connection, "dispatch", lambda name, given: sent.append(given) or dispatch(name, given)
        )
        store.freeze("par_1", "2026-03")
    [update] = [given for given in sent if "UpdateExpression" in given]
    named = {*update["Key"], *update["ExpressionAttributeNames"].values()}
    assert named == set(condition["ForAllValues:StringEquals"]["dynamodb:Attributes"])
    assert condition["Null"] == {"dynamodb:Attributes": "false"}
    assert update.get("ReturnValues", "NONE") in condition["StringEqualsIfExists"]["dynamodb:ReturnValues"]


def test_the_outbox_writes_mails_and_the_chain_alone_and_sends_as_one_address() -> None:
    leading = of_role("OutboxRole", "MarkMails")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    reached = {item.name for item in keys.ITEMS.values() if any(_like(item.pk, each) for each in leading)}
    # The mails, where they are found again, how they did, and the pace that all share.
    assert reached == {"mail", "mail_place", "mail_figure", "pace"}
    may_write = [one["Sid"] for one in statements("OutboxRole") if "dynamodb:PutItem" in actions(one)]
    assert may_write == ["WriteDeliveries", "MarkMails", "ChainAuditRecords"]
    [leading] = of_role("OutboxRole", "WriteDeliveries")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert {item.name for item in keys.ITEMS.values() if _like(item.pk, leading)} == {"delivery"}
    [leading] = of_role("OutboxRole", "ChainAuditRecords")["Condition"]["ForAllValues:StringLike"][
        "dynamodb:LeadingKeys"
    ]
    assert {item.name for item in keys.ITEMS.values() if _like(item.pk, leading)} == set(CHAIN)
    sending = of_role("OutboxRole", "SendMails")
    assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}
    assert {role for role in ROLES if any("ses:SendEmail" in actions(one) for one in statements(role))} == {
        "OutboxRole"
    }


def test_payouts_write_runs_moves_and_what_is_told_and_nothing_else_of_a_partner() -> None:
    def reached(sid: str) -> set[str]:
        condition = of_role("PayoutRole", sid)["Condition"]
        like = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        unlike = condition.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
        return {
            item.name
            for item in keys.ITEMS.values()
            if item.table == keys.BOOKS
            and any(_like(item.pk, one) for one in like)
            and not any(_like(item.pk, one) for one in unlike)
        }

    assert reached("WriteRuns") == {
        "run", "payout", "left_out", "batch", "payout_place", "payout_journal", "mail", "invoice", "invoice_series",
        "audit",
    }  # fmt: skip
    # What the transaction looks at in which a payout joins its batch.
    assert {"balance", "payment_profile", "batch"} <= reached("LookBeforeSending")
    assert "balance" in reached("MoveBalances")
    assert not reached("MoveBalances") & {"payment_profile_version", "hold", "deal", "statement", "adjustment"}


@pytest.mark.parametrize(
    ("role", "writes", "more"),
    [("CasesRole", "WriteCases", set()), ("ScoringRole", "OpenCases", {"traffic", "results", "figure_line"})],
)
def test_cases_move_balances_and_write_no_payouts_and_no_terms(role: str, writes: str, more: set[str]) -> None:
    def reached(sid: str, table: str = keys.BOOKS) -> set[str]:
        condition = of_role(role, sid)["Condition"]
        like = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        unlike = condition.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
        return {
            item.name
            for item in keys.ITEMS.values()
            if item.table == table
            and any(_like(item.pk, one) for one in like)
            and not any(_like(item.pk, one) for one in unlike)
        }

    assert reached(writes) == {"case", "finding", "case_journal", "hold", "mail", "scoring", "audit"} | more
    assert "balance" in reached("MoveBalances")
    assert not reached("MoveBalances") & {"payment_profile_version", "deal", "statement", "adjustment", "standing"}
    # Nothing is put into a partner's own partition, where its profile and its account are.
    assert actions(of_role(role, "MoveBalances")) == ["dynamodb:UpdateItem"]
    assert not may(role, "dynamodb:UpdateItem", "FactsTable")


def test_contests_write_what_is_theirs_and_pay_and_change_no_terms_no_payouts_and_no_facts() -> None:
    def reached(sid: str) -> set[str]:
        condition = of_role("ContestsRole", sid)["Condition"]
        like = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        unlike = condition.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
        return {
            item.name
            for item in keys.ITEMS.values()
            if item.table == keys.BOOKS
            and any(_like(item.pk.replace("{month}", "2026-12"), one) for one in like)
            and not any(_like(item.pk, one) for one in unlike)
        }

    theirs = {"contest", "entry", "board", "recount", "result", "set_aside", "objection"}
    assert reached("WriteContests") == theirs | {"contest_window", "award", "journal", "mail", "audit"}
    assert reached("EnterPartners") == {"entry"}
    assert reached("LookAtTheContest") == theirs
    assert "balance" in reached("MoveBalances")
    assert not reached("MoveBalances") & {"hold", "deal", "statement", "adjustment", "award"}
    for verb in ("Put", "Update", "Delete"):
        assert not may("ContestsRole", f"dynamodb:{verb}Item", "FactsTable")


def test_reports_write_letters_and_nothing_else() -> None:
    [leading] = of_role("ReportsRole", "WriteLetters")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert {item.name for item in keys.ITEMS.values() if _like(item.pk, leading)} == {"mail"}
    writes, given = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}, statements("ReportsRole")
    may = [one["Sid"] for one in given if one["Effect"] == "Allow" and writes & set(actions(one))]
    assert may == ["WriteLetters"]


def test_broadcasts_write_mails_and_what_is_theirs_and_take_permits_and_send_nothing() -> None:
    def reached(sid: str) -> set[str]:
        leading = of_role("BroadcastRole", sid)["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        return {item.name for item in keys.ITEMS.values() for one in leading if _like(item.pk.format(of="mails")
                if item.name == "pace" else item.pk, one)}  # fmt: skip

    assert reached("WriteBroadcasts") == {
        "broadcast", "recipients", "mail", "mail_text", "announcement", "announced", "audit",
    }  # fmt: skip
    assert reached("TakePermits") == {"pace"}
    assert reached("TakeBackMails") == {"mail"}
    writing = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
    given = [
        one["Sid"] for one in statements("BroadcastRole") if one["Effect"] == "Allow" and writing & {*actions(one)}
    ]
    assert sorted(given) == ["TakeBackMails", "TakePermits", "WriteBroadcasts"]
    assert "ses:SendEmail" not in {action for one in statements("BroadcastRole") for action in actions(one)}


def test_a_verdict_is_a_fact_that_the_steps_of_cases_alone_write() -> None:
    [like] = of_role("CasesRole", "WriteVerdicts")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    reached = {item.name for item in keys.ITEMS.values() if item.table == keys.FACTS and _like(item.pk, like)}
    # Nothing else is written there, and nothing is changed.
    assert reached == {"event"}
    writing = [one["Sid"] for one in statements("CasesRole") if "dynamodb:PutItem" in actions(one)]
    assert writing == ["WriteCases", "WriteVerdicts"]
    assert not may("ScoringRole", "dynamodb:PutItem", "FactsTable")


def test_the_portal_seals_and_opens_who_leads_and_applicants_are_and_the_outbox_opens_applicants_alone() -> None:
    using = {
        (role, one["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"]): sorted(actions(one))
        for role in ROLES
        for one in statements(role)
        if '"LeadsKey"' in json.dumps(one["Resource"])
    }
    assert using == {
        ("PortalRole", lead_vault.PURPOSE): ["kms:Decrypt", "kms:GenerateDataKey"],
        ("PortalRole", application_vault.PURPOSE): ["kms:Decrypt", "kms:GenerateDataKey"],
        ("OutboxRole", application_vault.PURPOSE): ["kms:Decrypt"],
    }


def test_the_portal_lets_people_in_and_out_and_changes_no_password_and_no_address() -> None:
    given = {each for one in statements("PortalRole") for each in actions(one) if each.startswith("cognito-idp:")}
    assert {each.removeprefix("cognito-idp:Admin") for each in given} == {
        "AddUserToGroup", "CreateUser", "DisableUser", "EnableUser", "GetUser", "RemoveUserFromGroup",
    }  # fmt: skip


def test_the_portal_seals_payment_profiles_and_the_payout_steps_open_them() -> None:
    def of_key(role: str) -> set[str]:
        found = [one for one in statements(role) if '"PaymentKey"' in json.dumps(one["Resource"])]
        return {action for one in found for action in actions(one)}

    assert {role: of_key(role) for role in ROLES if of_key(role)} == {
        "PortalRole": {"kms:GenerateDataKey"},
        "PayoutRole": {"kms:Decrypt"},
    }


def test_a_queue_shows_nobody_what_a_function_may_still_be_at() -> None:
    found = {}
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        queue = mapping["EventSourceArn"].get("Fn::GetAtt", [""])[0]
        if queue in (queues := of_type("AWS::SQS::Queue")):
            timeout = FUNCTIONS[mapping["FunctionName"]["Ref"]]["Timeout"]
            found[queue] = queues[queue].get("VisibilityTimeout", 30) / timeout
    assert found.keys() >= {"ScoreQueue", "SettleQueue"}
    assert {queue: times for queue, times in found.items() if times < 1} == {}
    # Whoever waits for its turn in a large batch must not be brought again meanwhile: six times, as AWS asks for it.
    assert found["ScoreQueue"] >= 6


def test_settling_writes_below_partners_alone() -> None:
    assert of_role("SettleRole", "Post")["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["P#*"]}}
    written = (
        "journal", "balance", "row", "settling", "settled", "settled_part", "settled_posted",
    )  # fmt: skip
    assert all(_like(keys.ITEMS[name].pk, "P#*") for name in written)


def test_the_intake_drains_its_two_queues_and_puts_clicks_and_may_do_nothing_else() -> None:
    own = {
        one["Sid"]: (sorted(actions(one)), one["Resource"])
        for one in RESOURCES["IntakeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    }
    assert set(own) == {"WriteLogs", "DrainClicks", "DrainWhatWasGivenUp", "RecordClicks"}
    assert own["RecordClicks"] == (["dynamodb:PutItem"], {"Fn::GetAtt": ["FactsTable", "Arn"]})
    assert own["DrainWhatWasGivenUp"] == (
        ["sqs:DeleteMessage", "sqs:ReceiveMessage"],
        {"Fn::GetAtt": ["ClickFailures", "Arn"]},
    )
    # A run of the schedule ends while what it was shown is still hidden, and SQS wants a queue to be as patient as its
    # function.
    timeout = FUNCTIONS["IntakeFunction"]["Timeout"]
    assert timeout < 300 and RESOURCES["ClickQueue"]["Properties"]["VisibilityTimeout"] >= timeout


def test_the_redirect_reads_no_facts_and_writes_no_books() -> None:
    assert not may("RedirectRole", "dynamodb:GetItem", "FactsTable")
    assert not any(may("RedirectRole", f"dynamodb:{verb}Item", "BooksTable") for verb in ("Put", "Update", "Delete"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_the_secrets_that_it_is_told_of(name: str) -> None:
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    secrets = [value for key, value in variables.items() if key.endswith("_SECRET")]
    told = [RESOURCES[one["Ref"]]["Properties"]["Name"]["Fn::Sub"] + "-??????" for one in secrets]
    # Those that operators make.
    told += [value["Fn::Sub"] + "*" for key, value in variables.items() if key.endswith("_SECRET_PREFIX")]
    readable: list[Any] = []
    for one in statements(FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]):
        if "secretsmanager:GetSecretValue" in actions(one):
            readable += one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
    assert {one["Fn::Sub"].rpartition(":secret:")[2] for one in readable} == set(told)


def test_the_redirect_loads_no_third_party_packages() -> None:
    # Its own layer is core's; a second is an operator's files of networks, if there are any (docs/clicks.md).
    core, files = FUNCTIONS["RedirectFunction"]["Layers"]
    assert core["Ref"].startswith("CoreLayer")
    assert files == {"Fn::If": ["HasNetworks", {"Ref": "NetworksLayer"}, {"Ref": "AWS::NoValue"}]}
    others = {name: len(one["Layers"]) for name, one in FUNCTIONS.items() if name != "RedirectFunction"}
    # What renders documents is heavy: who shows documents has it, and who draws the charts of letters.
    draws = {"PortalFunction", "OutboxFunction"}
    assert others == {name: 3 if name in draws else 2 for name in others}


def test_the_documents_layer_holds_what_renders_documents_and_agrees_with_the_vendor_layer() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["documents"]
    locked = (ROOT / "layers/documents/requirements.txt").read_text()
    assert [one for one in wanted if f"{one} \\\n" not in locked] == []
    assert "--index-url" not in locked
    pins = [dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.M)) for text in (
        locked, (ROOT / "layers/vendor/requirements.txt").read_text()
    )]  # fmt: skip
    assert all(pins[1].get(name, version) == version for name, version in pins[0].items())
    # Where the fonts are is where the layer's Makefile puts them, below /opt.
    assert WRITTEN["Parameters"]["FontsFolder"]["Default"] == "/opt/fonts"
    assert '"$(ARTIFACTS_DIR)/fonts"' in (ROOT / "layers/documents/Makefile").read_text()


@pytest.mark.parametrize("name", of_type("AWS::DynamoDB::Table"))
class TestEachTable:
    def test_has_the_keys_that_the_store_writes(self, name: str) -> None:
        schema = RESOURCES[name]["Properties"]["KeySchema"]
        assert [part["AttributeName"] for part in schema] == [keys.PK, keys.SK]

    def test_streams_both_images_and_expires_by_the_stores_attribute(self, name: str) -> None:
        properties = RESOURCES[name]["Properties"]
        assert properties["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert properties["TimeToLiveSpecification"] == {"AttributeName": keys.TTL, "Enabled": True}

    def test_outlives_the_stack_and_can_be_restored(self, name: str) -> None:
        assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
        assert RESOURCES[name]["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert RESOURCES[name]["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_facts_have_no_index_and_books_the_one_that_keys_declare() -> None:
    assert "GlobalSecondaryIndexes" not in RESOURCES["FactsTable"]["Properties"]
    (index,) = RESOURCES["BooksTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == keys.BY_OWNER
    assert [part["AttributeName"] for part in index["KeySchema"]] == [keys.OWNER_PK, keys.OWNER_SK]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_what_a_mapping_gives_up_on_goes_somewhere() -> None:
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        if "StartingPosition" in mapping:
            assert mapping["MaximumRetryAttempts"] > 0
            assert mapping["BisectBatchOnFunctionError"] is True
            target = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
        else:
            queue = RESOURCES[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
            target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert RESOURCES[target]["Type"] == "AWS::SQS::Queue"


def test_a_function_that_answers_in_parts_is_understood() -> None:
    """Without the declaration Lambda takes every answer for a whole success, and what it names is lost."""
    for name, properties in of_type("AWS::Lambda::EventSourceMapping").items():
        function = WRITTEN["Resources"][properties["FunctionName"]["Ref"]]["Properties"]
        answers_in_parts = "batchItemFailures" in (ROOT / function["CodeUri"] / "app.py").read_text()
        declared = properties.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
        assert declared == answers_in_parts, name


def record(change: str, item: str, applied: dict[str, str] | None = None, **values: str) -> dict[str, Any]:
    image: dict[str, Any] = {"applied_at": applied} if applied else {}
    key = keys.key(item, **values)
    given = {"pk": {"S": key.pk}, "sk": {"S": key.sk}}
    return {"eventName": change, "dynamodb": {"Keys": given, "NewImage": given | image}}


EVENT = {"item": "event", "brand": "b", "client": "c", "source": "s", "event": "1"}
QUARANTINED = {"item": "quarantined", "brand": "b", "source": "s", "day": "2026-03-01", "at": "1", "digest": "d"}
CLICK = {"item": "click", "link": "l", "day": "2026-03-01", "shard": "0", "click": "x"}
ROW = {"item": "row", "partner": "p", "month": "2026-03", "of": "client", "name": "c"}
BELOW = ROW | {"of": "partner"}
SETTLED = {"item": "settled", "partner": "p", "month": "2026-03"}
JOURNAL = {"item": "journal", "partner": "p", "month": "202603", "journal": "j"}


@pytest.mark.parametrize(
    ("given", "engine", "rollup"),
    [
        (record("INSERT", **EVENT), True, True),
        (record("MODIFY", **EVENT), True, True),  # a person wants it tried again
        (record("MODIFY", **EVENT, applied={"N": "1772323200000"}), False, True),
        (record("REMOVE", **EVENT), False, False),
        (record("INSERT", **CLICK), False, True),
        (record("MODIFY", **CLICK), False, False),
        (record("REMOVE", **CLICK), False, False),
        (record("INSERT", **QUARANTINED), False, True),
        (record("MODIFY", **QUARANTINED), False, False),
    ],
)
def test_each_stream_consumer_gets_what_is_its_own(given: dict[str, Any], engine: bool, rollup: bool) -> None:
    criteria = {
        one["FunctionName"]["Ref"]: one.get("FilterCriteria")
        for one in of_type("AWS::Lambda::EventSourceMapping").values()
    }
    assert filters.passes(given, criteria["EngineFunction"]) is engine
    assert filters.passes(given, criteria["RollupFunction"]) is rollup


@pytest.mark.parametrize(
    ("given", "settle"),
    [
        (record("INSERT", **ROW), True),
        (record("MODIFY", **ROW), True),
        (record("REMOVE", **ROW), False),
        (record("INSERT", **BELOW), True),
        (record("MODIFY", **BELOW), True),
        # Nothing that settling itself writes besides, nor what the engine writes with a row.
        (record("INSERT", **SETTLED), False),
        (record("MODIFY", **SETTLED), False),
        (record("MODIFY", item="settling", partner="p"), False),
        (record("MODIFY", item="balance", partner="p"), False),
        (record("INSERT", **JOURNAL), False),
        (record("MODIFY", item="client", brand="b", client="row#c"), False),
        (
            record("INSERT", item="event_count_unsaid", partner="p", month="2026-03", day="2026-03-01", link="row"),
            False,
        ),
        (record("INSERT", item="sub_names", partner="p", link="row"), False),
    ],
)
def test_settle_gets_rows_and_nothing_else(given: dict[str, Any], settle: bool) -> None:
    mappings = [
        one
        for one in of_type("AWS::Lambda::EventSourceMapping").values()
        if one["FunctionName"]["Ref"] == "SettleFunction" and "FilterCriteria" in one
    ]
    [mapping] = mappings
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["BooksTable", "StreamArn"]}
    assert filters.passes(given, mapping["FilterCriteria"]) is settle


MAIL = {"item": "mail", "of": "p", "mail": "mail_1"}
AUDIT = {"item": "audit", "subject": "p", "at": "1", "audit": "aud_1"}
TRACE = {"item": "trace", "partner": "p", "registered": "1", "client": "c"}
WALK = {"item": "walk", "partner": "p", "sequence": "s"}
CLIENT = {"item": "client", "brand": "b", "client": "c"}
JOURNAL = {"item": "journal", "partner": "p", "month": "202603", "journal": "jrn_1"}


@pytest.mark.parametrize(
    ("change", "item", "status", "outbox"),
    [
        ("INSERT", MAIL, "waiting", True),
        # One that waited for a moment is handed on, and one that was sent is counted; nothing else of a mail's way.
        ("MODIFY", MAIL, "waiting", True),
        ("MODIFY", MAIL | {"not_before": "1"}, "waiting", False),
        ("MODIFY", MAIL, "sent", True),
        ("MODIFY", MAIL | {"seen_sent": "1"}, "sent", False),
        ("MODIFY", MAIL, "sending", False),
        ("MODIFY", MAIL, "unclear", False),
        ("REMOVE", MAIL, "waiting", False),
        ("INSERT", ROW, "waiting", False),
        ("INSERT", AUDIT, "", True),
        # Somebody changes the trail: the chain tells, and not by chaining what it was changed to.
        ("MODIFY", AUDIT, "", False),
        ("REMOVE", AUDIT, "", False),
        ("INSERT", {"item": "audit_link", "brand": "b", "thousand": "0", "number": "1"}, "", False),
        # What detectors look at, whenever it changes; and who begins a sequence, once.
        ("INSERT", TRACE, "", True),
        ("MODIFY", TRACE, "", True),
        ("REMOVE", TRACE, "", False),
        ("INSERT", {"item": "payment_profile", "partner": "p"}, "", True),
        ("MODIFY", {"item": "payment_profile", "partner": "p"}, "", True),
        ("INSERT", {"item": "payment_profile_version", "partner": "p", "version": "1"}, "", False),
        ("INSERT", WALK, "", True),
        ("MODIFY", WALK, "", False),
        # What is told to targets: clients with news beside their state, and journals.
        ("INSERT", CLIENT | {"news": "[]"}, "", True),
        ("MODIFY", CLIENT | {"news": "[]"}, "", True),
        ("MODIFY", CLIENT, "", False),
        ("INSERT", JOURNAL, "", True),
        ("INSERT", {"item": "payout_journal", "partner": "p", "payout": "pay_1", "step": "1"}, "", False),
        ("INSERT", {"item": "case_journal", "partner": "p", "case": "case_1", "number": "1"}, "", False),
        ("INSERT", {"item": "delivery", "brand": "b", "about": "c", "delivery": "dlv_1"}, "waiting", False),
        # Neighbours by name, and what others of this stream hold in plenty.
        ("INSERT", {"item": "mail_preferences", "member": "m"}, "", False),
        ("MODIFY", {"item": "mail_place", "message": "m"}, "sent", False),
        ("MODIFY", {"item": "mail_figure", "brand": "b", "series": "s", "shard": "0"}, "", False),
        ("INSERT", {"item": "task", "partner": "p", "task": "tsk_1"}, "open", False),
        ("MODIFY", {"item": "task_mark", "partner": "p", "trigger": "dormant"}, "", False),
        ("INSERT", {"item": "lead", "partner": "p", "lead": "lea_1"}, "", False),
        ("INSERT", {"item": "lead_person", "lead": "lea_1"}, "", False),
        ("MODIFY", {"item": "results", "brand": "b", "partner": "p"}, "", False),
    ],
)
def test_the_outbox_gets_what_has_an_effect_and_nothing_else(
    change: str, item: dict[str, str], status: str, outbox: bool
) -> None:
    given = record(change, **item)
    given["dynamodb"]["NewImage"]["status"] = {"S": status}
    given["dynamodb"]["NewImage"] |= {name: {"N": item[name]} for name in ("not_before", "seen_sent") if name in item}
    given["dynamodb"]["NewImage"] |= {name: {"S": item[name]} for name in ("news",) if name in item}
    [mapping] = [
        one
        for one in of_type("AWS::Lambda::EventSourceMapping").values()
        if one["FunctionName"]["Ref"] == "OutboxFunction"
    ]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["BooksTable", "StreamArn"]}
    assert filters.passes(given, mapping["FilterCriteria"]) is outbox
    assert len(mapping["FilterCriteria"]["Filters"]) <= 5, "AWS takes no more without being asked"


KEYS = of_type("AWS::KMS::Key")


@pytest.mark.parametrize("name", KEYS)
def test_each_key_turns_every_year_and_outlives_the_stack(name: str) -> None:
    assert KEYS[name]["EnableKeyRotation"] is True
    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    # The account's policies decide who uses it: the key itself lets nobody else in.
    (only,) = KEYS[name]["KeyPolicy"]["Statement"]
    assert only["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def test_the_portal_seals_payment_profiles_and_the_payout_steps_alone_open_them() -> None:
    using = {
        role: {action for one in statements(role) for action in actions(one) if may(role, action, "PaymentKey")}
        for role in ROLES
    }
    assert {role: sorted(given) for role, given in using.items() if given} == {
        "PortalRole": ["kms:GenerateDataKey"],
        "PayoutRole": ["kms:Decrypt"],
    }
    # And for what is sealed for a partner as a payment profile: the vault's encryption context.
    for role, sid in (("PortalRole", "SealPaymentProfiles"), ("PayoutRole", "OpenPaymentProfiles")):
        assert of_role(role, sid)["Condition"] == {
            "StringEquals": {"kms:EncryptionContext:purpose": vault.PURPOSE},
            "Null": {"kms:EncryptionContext:partner": "false"},
        }


def test_the_portal_alone_reaches_documents_and_their_key_through_s3() -> None:
    for action in ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"):
        assert [role for role in ROLES if _reaches(role, action, "DocumentsBucket")] == ["PortalRole"]
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert [role for role in ROLES if may(role, action, "DocumentsKey")] == ["PortalRole"]
    assert list(of_role("PortalRole", "EncryptDocuments")["Condition"]["StringEquals"]) == ["kms:ViaService"]
    # Below the places of partners and of pictures alone, and no version is ever destroyed.
    assert of_role("PortalRole", "KeepDocuments")["Resource"] == {"Fn::Sub": "${DocumentsBucket.Arn}/verification/*"}
    assert of_role("PortalRole", "KeepPictures")["Resource"] == {"Fn::Sub": "${DocumentsBucket.Arn}/materials/*"}
    assert not [role for role in ROLES if _reaches(role, "s3:DeleteObjectVersion", "DocumentsBucket")]


def _reaches(role: str, action: str, bucket: str) -> bool:
    return any(
        one["Effect"] == "Allow" and action in actions(one) and bucket in json.dumps(one["Resource"])
        for one in statements(role)
    )


BUCKETS = of_type("AWS::S3::Bucket")


@pytest.mark.parametrize("name", BUCKETS)
class TestEachBucket:
    def test_is_private_encrypted_by_a_key_of_ours_and_keeps_versions(self, name: str) -> None:
        blocked = BUCKETS[name]["PublicAccessBlockConfiguration"]
        assert set(blocked.values()) == {True} and len(blocked) == 4
        (rule,) = BUCKETS[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        key = rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        assert RESOURCES[key["Fn::GetAtt"][0]]["Type"] == "AWS::KMS::Key"
        assert BUCKETS[name]["VersioningConfiguration"] == {"Status": "Enabled"}
        assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"

    def test_is_reached_over_tls_alone(self, name: str) -> None:
        (policy,) = [one for one in of_type("AWS::S3::BucketPolicy").values() if one["Bucket"] == {"Ref": name}]
        [tls] = [one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "OnlyOverTls"]
        assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
        assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        # A negated operator holds for requests that say nothing: each Deny by one says that the header must be there.
        for one in policy["PolicyDocument"]["Statement"]:
            for operator, said in one.get("Condition", {}).items():
                if "Not" in operator:
                    assert one["Condition"].get("Null") == dict.fromkeys(said, "false")


def test_daily_heads_of_the_audit_trail_are_locked_put_by_one_step_and_taken_away_by_nobody() -> None:
    bucket = BUCKETS["AuditHeadsBucket"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": {"Ref": "AuditLockMode"}, "Days": {"Ref": "AuditLockDays"}}},
    }
    # The one role that reaches the bucket may put, and nothing else with it or its key.
    reaching = {
        role: [one for one in statements(role) if "AuditHeads" in json.dumps(one["Resource"])] for role in ROLES
    }
    assert {role: [actions(one) for one in given] for role, given in reaching.items() if given} == {
        "AuditRole": [["s3:PutObject"], ["kms:GenerateDataKey"]]
    }
    (policy,) = [
        one for one in of_type("AWS::S3::BucketPolicy").values() if one["Bucket"] == {"Ref": "AuditHeadsBucket"}
    ]
    said = {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}
    assert {one["Effect"] for one in said.values()} == {"Deny"}
    nobody = said["NobodyTakesAHeadAway"]
    assert "Condition" not in nobody and nobody["Principal"] == "*"
    assert {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "s3:PutObjectRetention",
    } <= set(nobody["Action"])
    only = said["OnlyTheDailyStepPuts"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert only[0] == {"Fn::GetAtt": ["AuditRole", "Arn"]}
    assert only[1]["Fn::Sub"].endswith(":assumed-role/${AuditRole}/*") and len(only) == 2


def test_what_contests_came_to_is_locked_put_by_their_steps_and_taken_away_by_nobody() -> None:
    bucket = BUCKETS["ContestArchiveBucket"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == BUCKETS["AuditHeadsBucket"]["ObjectLockConfiguration"]
    reaching = {
        role: [one for one in statements(role) if "ContestArchive" in json.dumps(one["Resource"])] for role in ROLES
    }
    assert {role: [actions(one) for one in given] for role, given in reaching.items() if given} == {
        "ContestsRole": [["s3:PutObject"], ["kms:GenerateDataKey"]]
    }
    (policy,) = [
        one for one in of_type("AWS::S3::BucketPolicy").values() if one["Bucket"] == {"Ref": "ContestArchiveBucket"}
    ]
    (nobody,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "NobodyTakesAResultAway"]
    assert (nobody["Effect"], nobody["Principal"]) == ("Deny", "*") and "Condition" not in nobody
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"} <= set(nobody["Action"])
