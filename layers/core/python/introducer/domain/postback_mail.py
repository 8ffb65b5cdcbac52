"""Whom it is told that a target was paused: the partner's owners, or whoever made a target of the brand's own."""

from __future__ import annotations

from datetime import datetime

from introducer.domain.mail import Mail, MailTemplate, new_mail
from introducer.domain.postback_out import Target


def paused_mail(target: Target, failures: int, error: str, at: datetime) -> Mail:
    """Goes with the pause. `error` says why the last try did not arrive."""
    return new_mail(
        f"{target.target} paused {target.version}",
        MailTemplate.TARGET_PAUSED,
        {"target": target.target, "name": target.name, "failures": failures, "error": error},
        brand=target.brand,
        partner=target.partner,
        member="" if target.partner else target.created_by,
        at=at,
    )
