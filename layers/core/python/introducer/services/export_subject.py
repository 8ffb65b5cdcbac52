"""Everything that is held of a client or a partner, for whoever asks what that is: as data, and as text to read.

What is sealed stays sealed, and what tells of other people is left out: who else has the same phone, and a partner's
clients one by one. So are the notes that staff write for themselves, in conversations and about a partner.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from introducer.domain.conversation import Kind
from introducer.domain.errors import NotFound
from introducer.domain.events import from_milliseconds
from introducer.services import erase_client, erase_partner
from introducer.store import keys
from introducer.store.scans import Stored

_PLACES = frozenset({keys.PK, keys.SK, keys.OWNER_PK, keys.OWNER_SK})
_SEALED = frozenset({"sealed", "data_key"})
_OF_OTHERS = frozenset({"clients", "first", "first_owner"})
"""What an item of the index of persons says of other clients."""
_OF_LEADS = frozenset({"email_hash", "phone_hash", "client", "first", "known"})
"""What a partner's lead says of the person, or of other people."""
_LEFT_OUT = {"person": _OF_OTHERS, "lead": _OF_LEADS}
_MOMENTS = frozenset({"at", "since", "created", "from", "start", "last_at", "noted"})
_FROM, _UNTIL = 946_684_800_000, 4_102_444_800_000
"""Milliseconds from 2000 to 2100: a number between them, under a name of a moment, is one."""


def export_client(books: erase_client.Books, *, brand: str, client: str, now: datetime) -> dict[str, Any]:
    """All that is held of a client; `client` is the keyed hash. Raises `NotFound`, `Unavailable`."""
    found = erase_client.held_of(books, brand, client, now)
    if not found:
        raise NotFound("Nothing is known of this client: check the brand and the id.", code="no_such_client")
    return _document("client", client, brand, now, found, {})


def export_partner(books: erase_partner.Books, *, partner: str, now: datetime) -> dict[str, Any]:
    """All that is held of a partner and its people. Raises `NotFound`, `Unavailable`."""
    profile = books.configuration.partner(partner)
    found = [
        each
        for each in books.holdings.of_partner(profile.brand, partner, erase_partner.months_of(profile, now))
        if not _is_note(each)
    ]
    logins = {}
    for stored in found:
        if stored.kind == "member":
            try:
                logins[stored.item["member"]] = books.logins.login(stored.item["member"]).email
            except NotFound:
                continue
    papers = [{"object": key, "version": version} for key, version in books.documents.versions(partner)]
    return _document("partner", partner, profile.brand, now, found, {"logins": logins, "documents": papers})


def _document(
    what: str, subject: str, brand: str, now: datetime, found: Iterable[Stored], more: Mapping[str, Any]
) -> dict[str, Any]:
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for stored in sorted(found, key=lambda each: (each.kind, each.key)):
        kinds[stored.kind].append(_values(stored))
    return {
        "export": what,
        "subject": subject,
        "brand": brand,
        "at": now.isoformat(),
        **more,
        "held": [
            {
                "kind": kind,
                "what": keys.ITEMS[kind].holds if kind in keys.ITEMS else "",
                "kept": (keys.ITEMS[kind].expires if kind in keys.ITEMS else "") or "as long as the books",
                "items": items,
            }
            for kind, items in kinds.items()
        ],
    }


def _is_note(stored: Stored) -> bool:
    """Whether staff wrote it for staff: such a note never reaches the partner that it is about."""
    return stored.kind == "partner_note" or (stored.kind == "message" and stored.item["kind"] == Kind.NOTE.value)


def _values(stored: Stored) -> dict[str, Any]:
    left_out = _PLACES | _SEALED | _LEFT_OUT.get(stored.kind, frozenset())
    values = {name: _opened(value) for name, value in stored.item.items() if name not in left_out}
    return {"place": str(stored), **values}


def _opened(value: Any) -> Any:
    """A value that is JSON text, as what it says."""
    if isinstance(value, str) and value[:1] in "{[" and value[-1:] in "}]":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


# ------------------------------------------------------------------------------------------------------------ reading


def readable(document: Mapping[str, Any]) -> str:
    """The same as text, for a person."""
    lines = [
        f"What is held of the {document['export']} {document['subject']} of {document['brand']}",
        f"as of {str(document['at'])[:16].replace('T', ' ')} UTC",
    ]
    lines += [f"login {member}: {email}" for member, email in document.get("logins", {}).items()]
    lines += [f"document {paper['object']}, version {paper['version']}" for paper in document.get("documents", ())]
    for held in document["held"]:
        number = len(held["items"])
        lines += ["", f"{held['kind'].replace('_', ' ')} ({number}): {held['what']}. Kept: {held['kept']}."]
        for item in held["items"]:
            lines.append(f"  {item['place']}")
            lines += [f"    {name}: {_told(name, value)}" for name, value in sorted(item.items()) if name != "place"]
    return "\n".join(lines) + "\n"


def _told(name: str, value: Any) -> str:
    moment = name in _MOMENTS or name.endswith(("_at", "_since", "_from"))
    if name == keys.TTL:
        return _minute(int(value) * 1000)
    if moment and isinstance(value, int) and _FROM <= value < _UNTIL:
        return _minute(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _minute(at_ms: int) -> str:
    return from_milliseconds(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC")
