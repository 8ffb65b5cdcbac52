"""The mails that the local cloud took, at a local page: a list, and each of them as its reader would get it.

    with MailPages(Path(".local"), port=8025) as pages:
        print(pages.url)                            # http://127.0.0.1:8025

It listens on loopback alone, has no scripts, and asks no other host for anything. What a mail's HTML holds is shown in
a frame that may do nothing: no scripts, no forms, no links that lead out, no pictures but those that came with it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from introducer.domain.mail import Mail
from introducer.store import keys
from introducer.store.mails import mail_from_item
from introducer.store.wire import from_wire

from .stack import Stack

PORT = 8025
PAGE = 50
"""Mails to a page."""
SEARCHED = 2_000
"""Of so many, the newest, whoever searches sees those that fit."""
WIDTHS = ("390", "600", "full")
_HEADERS = 16_384
"""Bytes at the beginning of a mail in which its headers stand."""
_NUMBER = re.compile(r"/([0-9]{6,12})(/html|/raw)?")
_CID = re.compile(r"cid:([A-Za-z0-9._%+@-]{1,200})")
_PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail as its file has it: its number in the order in which they came, and what of it a list shows."""

    number: str
    to: str
    subject: str
    date: str
    tags: Mapping[str, str]
    known: Mail | None
    """What the books know of it; None where they cannot be asked, or know nothing."""

    @property
    def template(self) -> str:
        """What it says, by the name of its template; and, of what staff wrote, where it belongs."""
        if self.known is None:
            return ""
        name = self.known.template.value
        return f"{name}, {self.known.series}" if self.known.series else name

    @property
    def became(self) -> str:
        """How far it came: `delivered`, `bounced` …; else its status."""
        if self.known is None:
            return ""
        seen = [each.value for each in self.known.seen if each.value != "sent"]
        return ", ".join(sorted(seen)) or self.known.status.value

    def fits(self, asked: str) -> bool:
        """Whether it has this text anywhere in the list."""
        return any(asked in each.casefold() for each in (self.to, self.subject, self.template, self.became))


class Mailbox:
    """The folder of a local cloud's mails, and what its books know of them."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "mails"
        self._state_dir = state_dir
        self._stack: Stack | None = None

    def numbers(self) -> list[str]:
        """Of all mails, the newest first."""
        return sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)

    def raw(self, number: str) -> bytes | None:
        """A whole mail; None where there is none of this number."""
        try:
            return (self._folder / f"{number}.eml").read_bytes()
        except FileNotFoundError:
            return None

    def listed(self, numbers: list[str]) -> list[Taken]:
        """What a list shows of these mails."""
        tags = {number: self._tags(number) for number in numbers}
        known = self._known([each for each in tags.values() if each])
        return [self._taken(number, tags[number], known) for number in numbers]

    def _taken(self, number: str, tags: Mapping[str, str], known: Mapping[str, Mail]) -> Taken:
        try:
            with (self._folder / f"{number}.eml").open("rb") as file:
                head = message_from_bytes(file.read(_HEADERS), policy=default)
        except FileNotFoundError:
            head = EmailMessage()
        return Taken(
            number, _header(head, "To"), _header(head, "Subject"), _moment(_header(head, "Date")), tags,
            known.get(tags.get("mail", "")),
        )  # fmt: skip

    def _tags(self, number: str) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads((self._folder / f"{number}.json").read_text())["tags"]
        except (FileNotFoundError, ValueError, KeyError):
            return {}
        return found

    def _known(self, tags: list[dict[str, str]]) -> dict[str, Mail]:
        """What the books know, by the mails' ids. A mail is shown without it where they do not answer."""
        self._stack = self._stack or Stack.load(self._state_dir)
        table = self._stack.outputs.get("BooksTableName") if self._stack else None
        if self._stack is None or not table:
            return {}
        wanted = {
            (key.pk, key.sk): {keys.PK: {"S": key.pk}, keys.SK: {"S": key.sk}}
            for each in tags
            if "of" in each and "mail" in each
            for key in (keys.key("mail", of=each["of"], mail=each["mail"]),)
        }
        found: dict[str, Mail] = {}
        asked = list(wanted.values())
        for start in range(0, len(asked), 100):
            with suppress(Exception):  # the list is of use without the books
                answer = self._stack.client("dynamodb").batch_get_item(
                    RequestItems={table: {"Keys": asked[start : start + 100]}}
                )
                for item in answer["Responses"][table]:
                    mail = mail_from_item(from_wire(item))
                    found[mail.mail] = mail
        return found


class MailPages:
    """The pages, served until they are closed. Another port is taken where `port` is not free."""

    def __init__(self, state_dir: Path, port: int = PORT) -> None:
        mailbox = Mailbox(state_dir.resolve())

        class Handler(_Handler):
            box = mailbox

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="mail-pages", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MailPages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    """Looks alone: whoever sends anything but GET or HEAD is told that there is no such method."""

    box: Mailbox
    timeout = 30
    server_version = "introducer-mails"
    sys_version = ""

    def do_GET(self) -> None:
        # A page elsewhere may give its own name this address, and would then read mails with its visitor's browser.
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):
            self._answer(421, _page("Not here", "<p>This answers as 127.0.0.1 alone.</p>"))
            return
        url = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/":
            self._answer(200, _list(self.box, asked))
        elif found := _NUMBER.fullmatch(url.path):
            self._one(found[1], found[2] or "", asked)
        else:
            self._answer(404, _page("Not found", "<p>There is no such page.</p>"))

    do_HEAD = do_GET

    def _one(self, number: str, what: str, asked: Mapping[str, str]) -> None:
        raw = self.box.raw(number)
        if raw is None:
            self._answer(404, _page("Not found", "<p>There is no such mail.</p>"))
        elif what == "/raw":
            self._answer(200, raw, kind="text/plain; charset=utf-8")
        elif what == "/html":
            self._answer(200, html_of(_parsed(raw)).encode(), policy=_MAIL_POLICY)
        else:
            [taken] = self.box.listed([number])
            self._answer(200, _mail(taken, _parsed(raw), len(raw), asked.get("width", "")))

    def _answer(
        self, status: int, body: bytes, kind: str = "text/html; charset=utf-8", policy: str = _PAGE_POLICY
    ) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):
                self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Who looked at what is nobody's business."""


# --------------------------------------------------------------------------------------------------------------- a mail


def html_of(mail: EmailMessage) -> str:
    """The HTML of a mail, with the pictures that came with it in their places; its text where it has none."""
    body = mail.get_body(("html",))
    if body is None:
        return f"<!doctype html><pre>{escape(text_of(mail))}</pre>"
    pictures = {
        str(part.get("Content-ID", "")).strip("<> "): part
        for part in mail.walk()
        if part.get_content_type() in ("image/png", "image/jpeg", "image/gif")
    }

    def shown(found: re.Match[str]) -> str:
        part = pictures.get(found[1])
        if part is None:
            return found[0]
        picture = part.get_payload(decode=True)
        content = base64.b64encode(picture if isinstance(picture, bytes) else b"").decode()
        return f"data:{part.get_content_type()};base64,{content}"

    return _CID.sub(shown, str(body.get_content()))


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail; empty where it has none."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage), "the policy makes these"
    return found


def _header(mail: Any, name: str) -> str:
    """A header as people read it; what cannot be read as one is shown as it stands."""
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, TypeError):
        return str(dict(mail.raw_items()).get(name, ""))


def _moment(date: str) -> str:
    try:
        return parsedate_to_datetime(date).strftime("%a %-d %b %Y, %H:%M")
    except (ValueError, TypeError):
        return date


# --------------------------------------------------------------------------------------------------------------- pages


def _list(box: Mailbox, asked: Mapping[str, str]) -> bytes:
    numbers, wanted, before = box.numbers(), asked.get("q", "").strip()[:200], asked.get("before", "")
    rest = [number for number in numbers if not before or number < before]
    searched = len(rest)
    if wanted:
        fitting = _found(box, rest[:SEARCHED], wanted.casefold())
        shown = [each for each, _ in zip(fitting, range(PAGE + 1), strict=False)]
        searched = min(searched, SEARCHED)
    else:
        shown = box.listed(rest[: PAGE + 1])
    more, shown = len(shown) > PAGE, shown[:PAGE]
    rows = "".join(
        f"<tr><td class=when>{escape(each.date)}<td>{escape(each.to)}"
        f'<td><a href="/{each.number}">{escape(each.subject) or "(no subject)"}</a>'
        f"<td class=dim>{escape(each.template)}<td class=dim>{escape(each.became)}"
        for each in shown
    )
    query = f"&amp;q={quote(wanted)}" if wanted else ""
    older = f'<p><a href="/?before={shown[-1].number}{query}">Older ones</a>' if more else ""
    newest = f'<p><a href="/{"?q=" + quote(wanted) if wanted else ""}">The newest ones</a>' if before else ""
    note = ""
    if wanted and searched == SEARCHED:
        note = f"<p class=dim>The newest {SEARCHED:,} were searched."
    nothing = "" if rows else "<p>Nothing here" + (" that fits." if wanted else " yet.")
    body = (
        f"<h1>{len(numbers):,} mail{'' if len(numbers) == 1 else 's'}</h1>"
        "<form><label for=q>To, subject, template or status</label> "
        f'<input id=q name=q value="{escape(wanted)}"> <button>Find</button></form>{note}{nothing}'
    )
    if rows:
        body += (
            "<div class=wide><table><thead><tr><th>Sent (UTC)<th>To<th>Subject<th>Template<th>Became</thead>"
            f"<tbody>{rows}</table></div>"
        )
    return _page("Mails", f"{body}{newest}{older}")


def _found(box: Mailbox, numbers: list[str], wanted: str) -> Iterator[Taken]:
    for start in range(0, len(numbers), PAGE):
        yield from (each for each in box.listed(numbers[start : start + PAGE]) if each.fits(wanted))


def _mail(taken: Taken, mail: EmailMessage, size: int, width: str) -> bytes:
    width = width if width in WIDTHS else WIDTHS[1]
    facts = [("Template", taken.template), ("Became", taken.became), ("Bytes", f"{size:,}")]
    if taken.known is not None and taken.known.reason:
        facts.append(("Reason", taken.known.reason))
    headers = [(name, _header(mail, name)) for name in dict.fromkeys(mail.keys())]
    table = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in (*headers, *facts) if value)
    widths = " · ".join(
        f"<strong>{each}</strong>" if each == width else f'<a href="/{taken.number}?width={each}">{each}</a>'
        for each in WIDTHS
    )
    style = "width:100%" if width == "full" else f"width:{width}px"
    return _page(
        taken.subject or "Mail",
        f'<p><a href="/">All mails</a></p><h1>{escape(taken.subject)}</h1><table class=facts><tbody>{table}</table>'
        f'<h2>As HTML</h2><p class=dim>Width: {widths}</p><iframe sandbox="" title="The mail as HTML" '
        f'src="/{taken.number}/html" style="{style}"></iframe>'
        f"<h2>As text</h2><pre>{escape(text_of(mail))}</pre>"
        f'<p><a href="/{taken.number}/raw">As it was handed over</a></p>',
    )


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f'<link rel=icon href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style><main>{body}</main></html>'
    ).encode()


_STYLE = """
:root { color-scheme: light dark; --dim: #5b6472; --line: #d7dce3; --link: #0b5fa5; }
@media (prefers-color-scheme: dark) { :root { --dim: #a3adba; --line: #39424e; --link: #7cc0ff; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 22px; margin: 0 0 16px; overflow-wrap: anywhere; } h2 { font-size: 16px; margin: 28px 0 8px; }
a { color: var(--link); } .dim { color: var(--dim); } .when { white-space: nowrap; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: 16px; } .facts { width: auto; }
th, td { text-align: start; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; } .facts td { overflow-wrap: anywhere; }
input, button { font: inherit; padding: 5px 10px; }
iframe { border: 1px solid var(--line); height: 1200px; max-width: 100%; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: 16px; max-width: 80ch; }
"""
