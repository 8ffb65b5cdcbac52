"""docs/sources is what engineers of platforms build by: its calls run here, and its tables match the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

import introducer
from introducer.domain.configuration import Availability, Source
from introducer.domain.signatures import HEADER
from introducer.services.accept_message import Message, accept_message
from introducer.sources import dialects
from introducer.sources.dialects import pulling, s2s
from introducer.sources.dialects.pulling import PullParameters
from tests.support.house import SECRET, SET_UP, House, a_house
from tests.support.payouts import BRAND
from tests.support.samples import SAMPLES, settings_of

GUIDES = SAMPLES.parent
INDEX = (GUIDES / "index.md").read_text()
CODE = Path(introducer.__file__).parent
RAISED = re.compile(r"""(?:code=|reason=|Nothing\(\s*)["']([a-z0-9_]+)["']""")
HOST = "https://go.example/postback/"
TOKEN = SECRET.decode().replace(" ", "%20").replace("'", "%27")

# What stands for curl: it writes down what it is told.
CURL = """#!/bin/bash
printf '%s\\0' "$@" >> "$HEARD"
printf '\\0' >> "$HEARD"
"""


class Sent(NamedTuple):
    """A request."""

    url: str
    headers: dict[str, str]
    body: bytes


def guide(name: str) -> str:
    return (GUIDES / f"{name}.md").read_text()


def calls_of(name: str) -> str:
    """The commands of a guide's test call."""
    _, _, rest = guide(name).partition("## A test call")
    found = re.search(r"^```sh\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def sent_by(commands: str, tmp_path: Path, **environment: str) -> list[Sent]:
    """What these commands send, run where the repository is."""
    curl, heard, root = tmp_path / "curl", tmp_path / "heard", GUIDES.parents[1]
    curl.write_text(CURL)
    curl.chmod(0o755)
    told = {"PATH": f"{tmp_path}:/usr/bin:/bin:/usr/local/bin", "HEARD": str(heard), **environment}
    subprocess.run(["bash", "-euc", commands], env=told, cwd=root, check=True)
    return [_sent(call.split("\0"), root) for call in heard.read_text().split("\0\0") if call]


def _sent(words: list[str], root: Path) -> Sent:
    headers: dict[str, str] = {}
    url, body = "", b""
    rest = iter(words)
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "--data-binary":
            data = next(rest)
            body = (root / data[1:]).read_bytes() if data.startswith("@") else data.encode()
        elif word != "-sS":
            url = word
    return Sent(url, headers, body)


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as found:
        yield found


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("name", "sample", "said"),
    [
        ("json", "json-events.ndjson", ["accepted"]),
        ("s2s", "s2s-calls.txt", ["accepted", "accepted"]),
        ("mt5", "mt5-page.json", "accepted ignored accepted accepted quarantined accepted accepted ignored accepted"),
        ("ctrader", "ctrader-deals.json", "ignored accepted quarantined ignored quarantined"),
        ("hasoffers", "hasoffers-page.json", "accepted accepted ignored quarantined accepted accepted quarantined"),
    ],
)
def test_a_copied_call_is_taken(house: House, name: str, sample: str, said: str | list[str], tmp_path: Path) -> None:
    source = Source(
        source="network-one",
        brand=BRAND,
        dialect=name,
        status=Availability.ACTIVE,
        settings=json.dumps(settings_of(sample)),
    )
    house.configuration.register_source(source, SET_UP)
    now = datetime.now(UTC)  # the shell signs with the machine's time

    calls = sent_by(
        calls_of(name), tmp_path, URL=HOST + source.source, SECRET=SECRET.decode(), TOKEN=TOKEN, CLICK="Ab12Cd34"
    )

    found: list[str] = []
    for call in calls:
        url = urlsplit(call.url)
        assert url.path == "/postback/network-one"
        message = Message(
            source=source.source,
            body=call.body,
            query=url.query,
            signature=call.headers.get(HEADER),
            posted=bool(call.body),
        )
        found += [str(receipt.status) for receipt in accept_message(house.intake, message, now=now).taken.receipts]
    assert found == (said.split() if isinstance(said, str) else said)


def test_every_dialect_has_a_page_that_the_index_leads_to() -> None:
    pages = {path.stem for path in GUIDES.glob("*.md")}
    assert set(dialects.names()) <= pages
    for name in dialects.names():
        assert f"| [`{name}`]({name}.md) |" in INDEX


@pytest.mark.parametrize("name", [name for name in dialects.names() if dialects.of(name).identity])
def test_a_page_explains_every_setting_and_says_which_must_not_change(name: str) -> None:
    page = guide(name)
    rows = set(re.findall(r"^\| `([a-z_0-9]+)`", page.partition("## Settings")[2], re.MULTILINE))
    dialect = dialects.of(name)
    common = set(PullParameters.model_fields)
    assert rows <= set(dialect.parameters.model_fields)
    assert rows | common >= set(dialect.parameters.model_fields)
    ending = page.partition("## Settings")[2].rpartition("|")[2]
    named = set(re.findall(r"`([a-z_]+)`", ending))
    assert "All of them" in ending if rows == dialect.identity else named in (dialect.identity, rows - dialect.identity)


def test_the_index_explains_how_any_platform_is_asked() -> None:
    told = set(re.findall(r"`([a-z_]+)`", "\n".join(re.findall(r"^\| (`.*?`) \|", INDEX, re.MULTILINE))))
    assert told >= set(PullParameters.model_fields)
    assert set(re.findall(r"`\{([a-z_]+)\}`", INDEX)) == pulling.PLACES


def test_the_index_lists_exactly_the_reasons_that_dialects_have() -> None:
    section = INDEX.partition("## Reasons")[2]
    listed = re.findall(r"^\|(?: \d{3} \|)? `([a-z0-9_]+)` \|", section, re.MULTILINE)
    files = [*(CODE / "sources" / "dialects").glob("*.py")]
    files += [CODE / "services" / name for name in ("accept_rows.py", "accept_message.py")]
    raised = {code for file in files for code in RAISED.findall(file.read_text())} | {"event_conflict", "taken_back"}
    # What is said to whoever sets up a source, not to whoever sends.
    raised -= {"unknown_dialect", "invalid_settings", "not_pulled"}
    assert set(listed) == raised
    assert len(listed) == len(set(listed))


def test_the_page_of_calls_has_the_tables_of_the_code() -> None:
    page = guide("s2s")
    for what, names in s2s.ALIASES.items():
        row = re.search(rf"^\| `{what}` \|(.*)$", page.partition("## What events are called")[0], re.MULTILINE)
        listed = _spelled_out(row[1]) if row else re.findall(r"`([a-z_]+)`", page)
        assert set(names) <= set(listed), what
    for kind, words in s2s._WORDS.items():
        row = re.search(rf"^\| `{kind}` \|(.*)$", page.partition("## What events are called")[2], re.MULTILINE)
        assert row is not None and set(re.findall(r"`([a-z_]+)`", row[1])) >= set(words), kind


def _spelled_out(row: str) -> list[str]:
    """The names in a row; `s1`-`s5` are five."""
    names = re.findall(r"`([a-z_]+[0-9]*)`", row)
    for stem, first, other, last in re.findall(r"`([a-z_]+)(\d+)`-`([a-z_]+)(\d+)`", row):
        assert stem == other
        names += [f"{stem}{number}" for number in range(int(first), int(last) + 1)]
    return names
