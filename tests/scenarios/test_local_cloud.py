"""The local cloud keeps its promises: edits are live, failures are AWS's, and nothing stays behind.

With a small template of its own, so that it can break things; the real one is deployed by every other
scenario.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from introducer_ops.localcloud import CloudError, DeployError, LocalCloud, Stack

ROOT = Path(__file__).parents[2]

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String}, ClockFile: {Type: String}}
Globals:
  Function:
    Runtime: python3.13
    Handler: app.handler
    Timeout: 5
    Environment: {Variables: {CLOCK_FILE: !Ref ClockFile}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
  Failures: {Type: AWS::SQS::Queue}
  Api: {Type: AWS::Serverless::HttpApi}
  Web:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/web/
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/one/{it}"}}
        OneHead: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: HEAD, Path: "/one/{it}"}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
  Consumer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/consumer/
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 8
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}
            FilterCriteria:
              Filters: [{Pattern: '{"dynamodb": {"Keys": {"pk": {"S": [{"anything-but": ["ignored"]}]}}}}'}]
Outputs:
  ApiId: {Value: !Ref Api}
  Table: {Value: !Ref Table}
  Failures: {Value: !Ref Failures}
"""

WEB = """
import json, os
VERSION = 1
def handler(event, context):
    if event["rawPath"] == "/fails":
        raise LookupError("a secret of ours")
    if event["rawPath"] == "/table":
        import boto3
        table = event["queryStringParameters"]["name"]
        boto3.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "a"}})
    seen = {"pid": os.getpid(), "version": VERSION, "route": event["routeKey"], "path": event["rawPath"],
            "host": event["headers"]["host"], "query": event["rawQueryString"],
            "header": event["headers"].get("x-twice"), "body": event.get("body")}
    return {"statusCode": 200, "headers": {"x-route": event["routeKey"]}, "body": json.dumps(seen)}
"""

# Writes down each batch; a key says what happens to its record: `raise-`, `report-`, `once-` (fails the first
# time).
CONSUMER = """
import json, os, time
SEEN = os.path.join(os.path.dirname(os.environ["CLOCK_FILE"]), "batches")
failed = set()
def handler(event, context):
    keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
    with open(SEEN, "a") as file:
        file.write(json.dumps(keys) + "\\n")
    if any(key.startswith("slow-") for key in keys):
        time.sleep(0.5)
    if any(key.startswith("raise-") for key in keys):
        raise ValueError("poison")
    for record, key in zip(event["Records"], keys):
        if key.startswith("report-") or (key.startswith("once-") and key not in failed):
            failed.add(key)
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
"""


def a_project(folder: Path) -> Path:
    """A template with two functions; its path."""
    for name, code in (("web", WEB), ("consumer", CONSUMER)):
        (folder / "functions" / name).mkdir(parents=True)
        (folder / "functions" / name / "app.py").write_text(code)
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder / "template.yaml"


def eventually(question: Callable[[], Any], seconds: float = 15) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
    return answer


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has waited for yet counts)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


class Project:
    """The small template, deployed, with what its consumer saw."""

    def __init__(self, template: Path, cloud: LocalCloud, said: list[str]) -> None:
        self.template, self.cloud, self.said = template, cloud, said
        self.stack: Stack = cloud.deploy(template)
        self.web = self.stack.http()

    def put(self, *keys: str) -> None:
        for key in keys:
            item = {"pk": {"S": key}, "at": {"N": str(time.time_ns())}}
            self.stack.client("dynamodb").put_item(TableName=self.stack.outputs["Table"], Item=item)

    def put_together(self, *keys: str) -> None:
        """As one batch, because the mapping was off meanwhile."""
        mapping = self.stack.mapping("Consumer")
        mapping.disable()
        self.put(*keys)
        mapping.enable()

    def batches(self, word: str) -> list[list[str]]:
        """What the consumer was given, of keys with this word."""
        file = self.stack.state_dir / "batches"
        lines = file.read_text().splitlines() if file.exists() else []
        found = ([key for key in json.loads(line) if word in key] for line in lines)
        return [batch for batch in found if batch]

    def failures(self) -> list[dict[str, Any]]:
        """What was given up on, taken from the queue."""
        url = self.stack.outputs["Failures"]
        got = self.stack.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            self.stack.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in got]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    said: list[str] = []
    template = a_project(tmp_path_factory.mktemp("project"))
    with LocalCloud.start(tmp_path_factory.mktemp("state"), log=said.append) as cloud:
        yield Project(template, cloud, said)


class TestTheHttpApi:
    def test_matches_routes_as_aws_does(self, project: Project) -> None:
        assert project.web.get("/one/two").json()["route"] == "GET /one/{it}"
        assert project.web.get("/one/two/three").json()["route"] == "$default"
        assert project.web.get("/").json()["route"] == "$default"
        head = project.web.head("/one/two")
        assert (head.status_code, head.headers["x-route"], head.content) == (200, "HEAD /one/{it}", b"")

    def test_hands_over_the_request_as_it_came(self, project: Project) -> None:
        answer = project.web.post(
            "/a%20b%2Fc?x=1&x=2&y=%20",
            content="text",
            headers=[
                ("host", "go.example"),
                ("x-twice", "1"),
                ("x-twice", "2"),
                ("content-type", "text/plain"),
            ],
        ).json()
        assert answer["path"] == "/a b/c"
        assert answer["query"] == "x=1&x=2&y=%20"
        assert (answer["host"], answer["header"], answer["body"]) == ("go.example", "1, 2", "text")

    def test_answers_under_aws_own_host_name_too(self, project: Project) -> None:
        host = project.stack.api_url.removeprefix("http://")
        answer = httpx.get(f"{project.stack.endpoint}/one/two", headers={"host": host}, trust_env=False)
        assert answer.json()["route"] == "GET /one/{it}"

    def test_shows_a_failure_to_the_developer_and_not_to_the_visitor(self, project: Project) -> None:
        answer = project.web.get("/fails")
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
        eventually(lambda: any("LookupError: a secret of ours" in line for line in project.said))
        assert "a secret of ours" in project.stack.log("Web").read_text()

    def test_lets_a_function_do_what_its_role_allows_and_no_more(self, project: Project) -> None:
        assert project.web.get("/table", params={"name": project.stack.outputs["Table"]}).status_code == 500
        eventually(lambda: any("not authorized to perform: dynamodb:GetItem" in line for line in project.said))

    def test_listens_on_this_machine_only(self, project: Project) -> None:
        for port in (project.cloud.port, project.cloud.portal_port):
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"http://127.0.0.2:{port}/", trust_env=False)


class TestLiveEdits:
    def test_code_is_live_without_a_deploy(self, project: Project) -> None:
        app = project.template.parent / "functions" / "web" / "app.py"
        before = project.web.get("/").json()
        app.write_text(WEB.replace("VERSION = 1", "VERSION = 2"))
        eventually(lambda: project.web.get("/").json()["version"] == 2)
        eventually(lambda: gone(before["pid"]))

    def test_a_mistake_is_shown_and_can_be_mended(self, project: Project) -> None:
        app = project.template.parent / "functions" / "web" / "app.py"
        app.write_text(WEB + "\nthis is no python\n")
        eventually(lambda: project.web.get("/").status_code == 500)
        eventually(lambda: any("SyntaxError" in line for line in project.said))
        app.write_text(WEB)
        eventually(lambda: project.web.get("/").status_code == 200)

    def test_a_template_change_needs_a_deploy_and_keeps_the_data(self, project: Project) -> None:
        project.put("ignored")
        changed = TEMPLATE.replace("Timeout: 5", "Timeout: 7")
        project.template.write_text(changed)
        stack = project.cloud.deploy(project.template)
        name = stack.functions["Web"].name
        assert stack.client("lambda").get_function_configuration(FunctionName=name)["Timeout"] == 7
        key = {"pk": {"S": "ignored"}}
        assert stack.client("dynamodb").get_item(TableName=stack.outputs["Table"], Key=key)["Item"]

    def test_a_template_error_names_its_resource(self, project: Project) -> None:
        project.template.write_text(TEMPLATE.replace("!GetAtt Failures.Arn", "!GetAtt Failure.Arn"))
        with pytest.raises(DeployError, match=r"Consumer\w+\.Properties\.DestinationConfig.*Failure"):
            project.cloud.deploy(project.template, check=True)

    def test_a_missing_folder_is_named(self, project: Project) -> None:
        project.template.write_text(TEMPLATE.replace("functions/web/", "functions/wep/"))
        with pytest.raises(DeployError, match=r"Web: functions/wep/app\.py does not exist"):
            project.cloud.deploy(project.template)

    def test_settings_that_the_emulator_drops_are_set_all_the_same(self, project: Project) -> None:
        dynamodb, table = project.stack.client("dynamodb"), project.stack.outputs["Table"]
        ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


class TestStreams:
    def test_a_partial_answer_repeats_from_its_first_failure(self, project: Project) -> None:
        project.put_together("a-part", "once-part", "z-part")
        eventually(lambda: len(project.batches("part")) == 2)
        assert project.batches("part") == [["a-part", "once-part", "z-part"], ["once-part", "z-part"]]
        assert project.failures() == []

    def test_a_batch_that_raises_is_halved_until_the_poison_stands_alone(self, project: Project) -> None:
        project.put_together("a-half", "b-half", "raise-half", "d-half")
        (failure,) = eventually(project.failures)
        assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert failure["DDBStreamBatchInfo"]["batchSize"] == 1
        eventually(lambda: ["d-half"] in project.batches("half"))
        # Four records, two of them with the poison, the poison alone and twice again, then the one
        # behind it.
        assert project.batches("half") == [
            ["a-half", "b-half", "raise-half", "d-half"],
            ["a-half", "b-half"],
            ["raise-half", "d-half"],
            *[["raise-half"]] * 3,
            ["d-half"],
        ]

    def test_a_record_that_is_reported_for_ever_takes_its_followers_along(self, project: Project) -> None:
        # AWS bisects when a function fails, not when it reports: after its retries all the rest is
        # given up.
        project.put_together("a-lost", "report-lost", "z-lost")
        (failure,) = eventually(project.failures)
        assert failure["DDBStreamBatchInfo"]["batchSize"] == 2
        project.put("after-lost")
        eventually(lambda: project.batches("lost")[-1] == ["after-lost"])

    def test_a_disabled_mapping_collects(self, project: Project) -> None:
        mapping = project.stack.mapping("Consumer")
        mapping.disable()
        project.put(*(f"{i}-collected" for i in range(10)), "ignored")
        time.sleep(0.3)
        assert project.batches("collected") == []
        mapping.enable()
        eventually(lambda: sum(map(len, project.batches("collected"))) == 10)
        assert [len(batch) for batch in project.batches("collected")] == [8, 2]

    def test_disabling_waits_for_the_batch_in_hand(self, project: Project) -> None:
        project.put("slow-hand")
        eventually(lambda: project.batches("hand"))
        mapping = project.stack.mapping("Consumer")
        started = time.monotonic()
        mapping.disable()
        assert time.monotonic() - started > 0.2
        mapping.enable()

    def test_a_batching_window_waits_for_more(self, project: Project) -> None:
        mapping = project.stack.mapping("Consumer")
        mapping.update(MaximumBatchingWindowInSeconds=1)
        try:
            project.put("a-window")
            time.sleep(0.4)
            project.put("b-window")
            eventually(lambda: project.batches("window"))
            assert project.batches("window") == [["a-window", "b-window"]]
        finally:
            mapping.update(MaximumBatchingWindowInSeconds=0)


class TestTheClock:
    def test_moves_for_everyone_who_reads_its_file(self, project: Project) -> None:
        clock = project.stack.clock
        environment = project.stack.function_environment("Web")
        assert environment["CLOCK_FILE"] == str(clock.path)
        clock.set(-3600)
        clock.advance(7200)
        assert float(clock.path.read_text()) == 3600
        assert 3590 < (clock.now() - type(clock.now()).now(clock.now().tzinfo)).total_seconds() < 3610
        clock.set(0)


class TestNothingStaysBehind:
    def test_a_stop_ends_the_workers_and_frees_the_ports(self, tmp_path: Path) -> None:
        with LocalCloud.start(tmp_path / "state") as cloud:
            stack = cloud.deploy(a_project(tmp_path))
            worker = stack.http().get("/").json()["pid"]
            attached = LocalCloud.attach(tmp_path / "state")
            assert attached is not None
            assert attached[1].outputs == stack.outputs
            with pytest.raises(CloudError, match="runs already"):
                LocalCloud.start(tmp_path / "state")
            cloud.stop()
            assert gone(worker)
            assert not cloud.alive
            assert LocalCloud.attach(tmp_path / "state") is None
        LocalCloud.start(tmp_path / "other", port=cloud.port, portal_port=cloud.portal_port).stop()

    def test_workers_end_when_the_emulator_is_killed(self, tmp_path: Path) -> None:
        with LocalCloud.start(tmp_path / "state") as cloud:
            worker = cloud.deploy(a_project(tmp_path)).http().get("/").json()["pid"]
            os.kill(cloud.pid, signal.SIGKILL)
            eventually(lambda: gone(worker), 5)

    def test_everything_ends_when_its_owner_is_killed(self, tmp_path: Path) -> None:
        script = (
            "import sys, time; from pathlib import Path; from introducer_ops.localcloud import LocalCloud\n"
            "cloud = LocalCloud.start(Path(sys.argv[1])); stack = cloud.deploy(Path(sys.argv[2]))\n"
            "print(cloud.pid, stack.http().get('/').json()['pid'], flush=True); time.sleep(60)"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "state"), str(a_project(tmp_path))]
        owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 2
        owner.kill()
        owner.wait()
        eventually(lambda: all(gone(pid) for pid in pids), 8)

    def test_state_is_kept_on_request_only(self, tmp_path: Path) -> None:
        template, state = a_project(tmp_path), tmp_path / "state"
        with LocalCloud.start(state, keep=True) as cloud:
            stack = cloud.deploy(template)
            table = stack.outputs["Table"]
            stack.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": "kept"}})
        with LocalCloud.start(state, keep=True) as cloud:
            stack = cloud.deploy(template)
            assert stack.outputs["Table"] == table
            found = stack.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": "kept"}})
            assert found["Item"] == {"pk": {"S": "kept"}}
            assert stack.http().get("/").status_code == 200
        with LocalCloud.start(state) as cloud:
            fresh = cloud.deploy(template).client("dynamodb")
            assert "Item" not in fresh.get_item(TableName=table, Key={"pk": {"S": "kept"}})


def test_the_command_deploys_the_real_template_and_stops(tmp_path: Path) -> None:
    """`introducer up` in one terminal, `introducer deploy` and `down` in another."""
    state = ["--state-dir", str(tmp_path)]
    command = [str(Path(sys.executable).with_name("introducer"))]
    up = subprocess.Popen([*command, "up", *state, "--portal-port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        eventually((tmp_path / "stack.json").exists, 30)
        found = LocalCloud.attach(tmp_path)
        assert found is not None
        assert found[1].http().get("/healthz").status_code < 500
        again = subprocess.run([*command, "deploy", *state], cwd=ROOT, capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stdout
        assert found[1].portal_url in again.stdout
        subprocess.run([*command, "down", *state], cwd=ROOT, check=True)
        assert up.wait(10) == 0
        assert gone(found[0].pid)
    finally:
        up.kill()


class TestTheUserPool:
    def test_several_add_people_at_once(self, cloud: LocalCloud) -> None:
        pools = boto3.Session("222222222222", "local", region_name="us-east-1").client(
            "cognito-idp", endpoint_url=cloud.endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        pool = pools.create_user_pool(PoolName="many", UsernameAttributes=["email"])["UserPool"]["Id"]

        def add(number: int) -> str:
            email = f"person{number}@example.com"
            made = pools.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")["User"]
            return str(made["Username"])

        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(add, range(400)))) == 400
