"""docs/postback.md is what platforms build by: its recipes run here, and its tables match the code."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import introducer
from introducer.domain.signatures import check
from introducer.sources.events import MODELS, PostedEvent, PostedFact, read_event

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "postback.md").read_text()
CODE = Path(introducer.__file__).parent
INTAKE = [
    *("sources/strict_json.py", "sources/events.py", "services/accept_events.py"),
    *("sources/registration_check.py", "services/check_registration.py"),
    *("domain/signatures.py", "domain/identity.py", "domain/money.py", "runtime/problems.py"),
    *("gateways/secrets.py", "store/facts.py", "store/wire.py"),
]
RAISED = re.compile(
    r"""(?:code=|_wrong\(\s*|FieldError\(field, |^    code = |code, detail, facts = )["']([a-z0-9_]+)["']""",
    re.MULTILINE,
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_python_recipe_sends_what_we_accept(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.headers["Introducer-Signature"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b'{"receipts": []}')

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    (tmp_path / "recipe.py").write_text(blocks("python")[0])
    recipe = runpy.run_path(str(tmp_path / "recipe.py"))
    event = json.loads(blocks("json")[0])

    answer = recipe["send"](f"http://127.0.0.1:{server.server_port}/postback/meta", "the secret ✓", event)

    thread.join()
    server.server_close()
    [(signature, body)] = heard
    check(signature, body, ["the secret ✓".encode()], datetime.now(UTC))
    assert json.loads(body) == event
    assert answer == {"receipts": []}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_shell_recipe_signs_as_we_check() -> None:
    time_and_digest = "\n".join(blocks("sh")[0].splitlines()[:2])
    body = blocks("json")[0].strip()
    told = subprocess.run(
        ["bash", "-c", time_and_digest + '\necho "t=$t,v1=$v1"'],
        env={"BODY": body, "SECRET": "s3cret", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    check(told.stdout.strip(), body.encode(), [b"s3cret"], datetime.now(UTC))


def test_the_first_event_of_the_guide_is_a_good_one() -> None:
    posted = read_event(json.loads(blocks("json")[0]), datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert posted.type == "deposit"


def test_the_guide_names_every_type_and_every_field() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([a-z]+)` \|(.*)$", GUIDE, re.MULTILINE)}
    for kind, model in MODELS.items():
        base = PostedFact if issubclass(model, PostedFact) else PostedEvent
        own = model.model_fields.keys() - base.model_fields.keys()
        assert set(re.findall(r"`([a-z_]+)`", rows[kind])) >= own, kind
    for field in PostedFact.model_fields:
        assert f"`{field}`" in GUIDE


def test_the_guide_lists_exactly_the_codes_that_the_code_answers() -> None:
    listed = re.findall(r"^\| \d{3} \| `([a-z0-9_]+)` \|", GUIDE, re.MULTILINE)
    raised = {code for name in INTAKE for code in RAISED.findall((CODE / name).read_text())}
    # Operators' own answers, and the default of a class that is always raised with a closer code.
    raised -= {"no_such_event", "no_such_message"}
    assert set(listed) - {"unavailable"} == raised
    assert len(listed) == len(set(listed))
