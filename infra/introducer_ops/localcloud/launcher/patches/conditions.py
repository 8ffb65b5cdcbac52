"""Condition keys of AWS that the emulator does not know: policies that ask for them would let nobody in."""

from __future__ import annotations

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions


def apply() -> None:
    """KMS's encryption context; and this machine's own network counts as TLS, which it stands in for."""
    tags, pin = iam_actions.request_tag_context, app.pin_request_origin

    def context(service: str, action: str, body: bytes, *given: Any) -> dict[str, Any]:
        found: dict[str, Any] = tags(service, action, body, *given)
        if service != "kms":
            return found
        try:
            asked = json.loads(body or b"{}").get("EncryptionContext") or {}
        except ValueError:
            asked = {}
        return found | {f"kms:EncryptionContext:{name}": value for name, value in asked.items()}

    iam_actions.request_tag_context = context
    app.pin_request_origin = lambda source_ip, secure: pin(source_ip, True)
