"""SES: every raw mail that was taken is kept as a file, as its reader would get it, and its tags beside it; and who may
send as whom.

Ministack keeps subject and bodies alone; headers, encodings and the order of parts are what a mail is. It also knows
neither the resource of SendEmail (the sender's identity) nor its condition keys, so that a role with least privilege
could send nothing.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import ses_v2

_SENDS = "/outbound-emails"
_taken: ContextVar[bytes | None] = ContextVar("taken", default=None)
_tags: ContextVar[dict[str, str] | None] = ContextVar("tags", default=None)
"""Of the mail that is being handed over."""


def apply(mailbox: Path) -> None:
    """Mails go to `mailbox`, named in the order in which they came: `000001.eml`, and what is known of it beside its
    text in `000001.json`."""
    parse, reject = ses_v2._parse_raw_mime, ses_v2._message_rejection
    mailbox.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count(1 + max((int(path.stem) for path in mailbox.glob("*.eml")), default=0))

    def parsed(raw: str | bytes) -> Any:
        try:
            _taken.set(base64.b64decode(raw, validate=True))
        except binascii.Error:
            _taken.set(raw.encode() if isinstance(raw, str) else raw)
        return parse(raw)

    def rejection(*given: Any) -> str | None:
        # Ministack asks this after reading a mail, and keeps the mail when there is nothing against it.
        refusal: str | None = reject(*given)
        mail = _taken.get()
        _taken.set(None)
        if refusal is None and mail is not None:
            draft, name = mailbox / "new", f"{next(numbers):06d}"
            (mailbox / f"{name}.json").write_text(json.dumps({"tags": _tags.get() or {}}))
            draft.write_bytes(mail)
            draft.replace(mailbox / f"{name}.eml")
        return refusal

    handle = ses_v2.handle_request

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        _tags.set(_named(body) if method == "POST" and path.rstrip("/").endswith(_SENDS) else None)
        return await handle(method, path, headers, body, query)

    ses_v2.handle_request = handled
    ses_v2._parse_raw_mime, ses_v2._message_rejection = parsed, rejection
    enforce = app._enforce_ses_v2

    def enforced(method: str, path: str, headers: Any, body: bytes, query: Any, request: str) -> Any:
        if method != "POST" or not path.rstrip("/").endswith(_SENDS):
            return enforce(method, path, headers, body, query, request)
        sender = str(json.loads(body or b"{}").get("FromEmailAddress", ""))
        identity = sender if sender in ses_v2._identities else sender.rpartition("@")[2]
        arn = f"arn:aws:ses:{get_region()}:{get_account_id()}:identity/{identity}"
        return app._enforce_data_plane(
            "sesv2", "ses:SendEmail", headers, query, request,
            resource_arn=arn, named_resource=arn, service_context={"ses:fromaddress": sender},
        )  # fmt: skip

    app._enforce_ses_v2 = enforced


def _named(body: bytes) -> dict[str, str]:
    """The tags of a request; none where it cannot be read: SES says what is wrong with it."""
    try:
        return {str(each["Name"]): str(each["Value"]) for each in json.loads(body).get("EmailTags", [])}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
