"""`introducer source` as an operator types it: what is listed and shown, changed, fetched, and put into the bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from introducer.domain.pulling import begun, failed
from introducer.store.pulls import Pulls
from introducer_ops import source_work, sources
from introducer_ops.installation import Place
from tests.support.house import House, a_house
from tests.support.pulling import FETCHED, Pulling, deposits

APP = typer.Typer()
sources.register(APP)
source_work.register(APP)


@dataclass
class Cloud:
    """What of AWS the commands speak to."""

    world: Pulling
    secret: dict[str, Any] = field(default_factory=lambda: {"v1": ["first"]})
    put: dict[str, bytes] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def client(self, service: str) -> Cloud:
        return self

    def get_secret_value(self, **given: Any) -> dict[str, str]:
        assert given["SecretId"] == f"source/{FETCHED}"
        return {"SecretString": json.dumps(self.secret)}

    def put_secret_value(self, **given: Any) -> None:
        self.secret = json.loads(given["SecretString"])

    def put_object(self, **given: Any) -> dict[str, str]:
        self.put[given["Key"]] = given["Body"]
        return {"VersionId": "v1"}

    def send_message(self, **given: Any) -> None:
        """The function fetches at once."""
        self.named.append(given["MessageBody"])
        self.world.pull(json.loads(given["MessageBody"])["source"], asked=True)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with a_house() as house:
        found = Cloud(Pulling(house))
        outputs = {"BooksTableName": "books", "SourceSecretPrefix": "source/", "PullQueueUrl": "q"}
        outputs["SourceFilesBucketName"] = "files"
        place = Place(
            name="here", outputs=outputs, url="https://x", now=lambda: house.now, client=found.client, is_local=True
        )
        monkeypatch.setattr(sources, "find", lambda state_dir, stack: place)
        yield found


def runs(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(APP, ["source", *words], input=given)


def says(*words: str, given: str = "") -> str:
    result = runs(*words, given=given)
    assert result.exit_code == 0, result.output
    return result.output


def audited(house: House) -> list[str]:
    return sorted(each.action for each in house.configuration.audit_of_subject(FETCHED).items)


def test_sources_are_listed_with_how_each_goes_and_one_is_shown_whole(cloud: Cloud) -> None:
    cloud.world.source(auth="bearer")
    assert "Not asked yet." in says("list")
    pulls = Pulls("books")
    before = pulls.pull(FETCHED)
    run = begun(before, 1)
    assert pulls.move(before, run)
    assert pulls.move(run, failed(run, "platform_down", "It cannot answer just now (503).", 1, lasting=False))
    rows = {row["source"]: row for row in json.loads(says("list", "--json"))}
    assert (rows["mt5"]["standing"], rows[FETCHED]["error"], rows[FETCHED]["failures"]) == (
        "active",
        "platform_down",
        1,
    )
    shown = says("show", FETCHED)
    assert "It cannot answer just now (503). (1 in a row)" in shown and "https://x/postback/crm" in shown
    assert json.loads(says("show", FETCHED, "--json"))["settings"]["page_size"] == 3
    assert runs("show", "nobody").exit_code == 2


def test_a_source_is_fetched_now_and_again_from_a_day_on(cloud: Cloud) -> None:
    cloud.world.source()
    cloud.world.platform.events = deposits(4, cloud.world.house.now - cloud.world.house.now.resolution * 10**10)
    assert "4 accepted" in says("pull", FETCHED)
    day = cloud.world.house.now.date().isoformat()
    again = says("pull", FETCHED, "--since", day, "--why", "the bridge had lost rows")
    assert "0 accepted" in again and audited(cloud.world.house) == ["fetch_source_from", "register_source"]
    cloud.world.platform.does = lambda request: b"<html>"
    result = runs("pull", FETCHED)
    assert result.exit_code == 1 and "not_json" in result.output
    assert runs("pull", "mt5").exit_code == 2, "it posts"


def test_a_source_is_paused_resumed_and_told_something_else(cloud: Cloud, tmp_path: Path) -> None:
    cloud.world.source()
    house, file = cloud.world.house, tmp_path / "settings.json"
    assert "is paused" in says("pause", FETCHED, "--why", "moves to another host")
    assert house.configuration.source(FETCHED).status == "paused"
    assert "is active" in says("resume", FETCHED)
    file.write_text(json.dumps({"page_size": 50}))
    says("set", FETCHED, str(file))
    assert json.loads(house.configuration.source(FETCHED).settings)["page_size"] == 50
    file.write_text(json.dumps({"page_size": "many"}))
    assert runs("set", FETCHED, str(file)).exit_code == 2
    assert audited(house) == ["change_source", "pause_source", "register_source", "resume_source"]


def test_tokens_are_read_and_secrets_shown_once(cloud: Cloud) -> None:
    cloud.world.source()
    says("token", FETCHED, given="the platform's\n")
    assert cloud.secret == {"v1": ["first"], "pull": "the platform's"}
    made = says("secret", FETCHED).strip()
    assert cloud.secret["v1"] == [made, "first"]
    says("secret", FETCHED, "--end-previous")
    assert cloud.secret["v1"] == [made]
    assert audited(cloud.world.house) == [
        "end_source_secret", "keep_platform_token", "register_source", "rotate_source_secret"
    ]  # fmt: skip


def test_a_file_is_put_where_it_is_read(cloud: Cloud, tmp_path: Path) -> None:
    cloud.world.source()
    file = tmp_path / "march.csv"
    file.write_text("a;b")
    says("file", FETCHED, str(file))
    assert cloud.put == {f"sources/{FETCHED}/march.csv": b"a;b"}
    assert runs("file", "nobody", str(file)).exit_code == 2
    assert runs("file", FETCHED, str(tmp_path / "gone.csv")).exit_code == 2
