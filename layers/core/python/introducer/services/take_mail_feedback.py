"""What SES tells of a mail that it took: it was delivered, came back, was complained of, opened, clicked.

A mail is known by SES's id of it. SES may be quicker than we are: then the tags of its notification name the mail, and
what it tells proves that the mail was taken, which settles one whose fate was unclear too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.identity import brand_key
from introducer.domain.mail import BOUNCED, COMPLAINED, Mail, MailStatus, Seen
from introducer.domain.suppressing import Suppressed, address_hash
from introducer.store.mails import Mails
from introducer.store.suppressions import Suppressions

BY = "system:mail_feedback"
_SEEN = {
    "Delivery": Seen.DELIVERED,
    "Bounce": Seen.BOUNCED,
    "Complaint": Seen.COMPLAINED,
    "Open": Seen.OPENED,
    "Click": Seen.CLICKED,
}
"""What SES calls it. `Send`, `DeliveryDelay` and others say nothing that we count."""


LONGEST_ID = 256
"""Characters of an id of SES's, or of a tag: no key is made of more."""


class NotOurs(Invalid):
    """A notification that is none of a mail of ours: it is refused, and not tried again."""

    code = "not_our_mail"


class MailFeedback:
    """Takes notifications. `secret` is the one behind all keyed hashes."""

    def __init__(
        self, mails: Mails, suppressions: Suppressions, *, secret: Callable[[], bytes], now: Callable[[], datetime]
    ) -> None:
        self._mails = mails
        self._suppressions = suppressions
        self._secret = secret
        self._now = now

    def take(self, told: Mapping[str, Any]) -> Seen | None:
        """What was counted; None where there was nothing to count, or it was counted before. May be repeated safely.

        Raises `NotOurs` for a notification of a mail that we did not send; `Unavailable`: try again.
        """
        seen, message = _SEEN.get(str(told.get("eventType", ""))), _text(told, "mail", "messageId")
        if not 0 < len(message) <= LONGEST_ID:
            raise NotOurs("This tells of no mail.")
        mail = self._mail(told, message)
        if seen is None or seen in mail.seen or not _counts(told, seen):
            return None
        # First what protects the reader, then what is counted.
        if reason := {Seen.BOUNCED: BOUNCED, Seen.COMPLAINED: COMPLAINED}.get(seen):
            self._suppress(mail, reason, told)
        return seen if self._mails.saw(mail, seen) else None

    def _mail(self, told: Mapping[str, Any], message: str) -> Mail:
        """The mail it tells of. Raises `NotOurs`."""
        named = _tag(told, "of"), _tag(told, "mail")
        place, mail = self._mails.told_of(message, *named)
        if place is not None and named not in (("", ""), place):
            raise NotOurs("Its tags name another mail than its id.")
        if not all(place or named):
            raise NotOurs("There is no such mail.")
        if mail is None:
            try:
                mail = self._mails.mail(*(place or named))
            except NotFound:
                raise NotOurs("There is no such mail.") from None
        if place is not None or mail.message == message:  # (the latter: it was written down between the two readings)
            return mail
        # It was taken, and nobody could write that down yet.
        if mail.status not in (MailStatus.SENDING, MailStatus.UNCLEAR):
            raise NotOurs("This mail was not sent under this id.")
        try:
            return self._mails.sent(mail, message, self._now())
        except Conflict:
            place = self._mails.by_message(message)
            if place is None:
                raise NotOurs("This mail was not sent under this id.") from None
            return self._mails.mail(*place)

    def _suppress(self, mail: Mail, reason: str, told: Mapping[str, Any]) -> None:
        key, now = brand_key(self._secret(), mail.brand), self._now()
        change = Change(by=BY, at=now, why=f"{mail.mail} {reason}", origin="ses")
        for address in _addresses(told):
            suppressed = Suppressed(
                brand=mail.brand, hash=address_hash(key, address), reason=reason, since=now, member=mail.member,
                partner=mail.partner, mail=mail.mail,
            )  # fmt: skip
            self._suppressions.suppress(suppressed, change)


def _counts(told: Mapping[str, Any], seen: Seen) -> bool:
    """Whether it is what it seems: a bounce for good, and a complaint that is one."""
    match seen:
        case Seen.BOUNCED:
            return _text(told, "bounce", "bounceType") == "Permanent"
        case Seen.COMPLAINED:
            # Somebody took it out of the spam folder: the opposite.
            return _text(told, "complaint", "complaintFeedbackType") != "not-spam"
        case _:
            return True


def _addresses(told: Mapping[str, Any]) -> list[str]:
    """Whose mail came back or was complained of. SES names several when it cannot know which: ours have one reader."""
    part = _part(told, "bounce") or _part(told, "complaint")
    listed = part.get("bouncedRecipients") or part.get("complainedRecipients") or []
    named = [str(each.get("emailAddress") or "") for each in listed if isinstance(each, Mapping)]
    # Where it names nobody, it is of whom the mail went to.
    given = [each for each in named if each] or [str(each) for each in _part(told, "mail").get("destination") or []]
    # An address may stand with its owner's name: "Ann" <ann@example.com>.
    return [parseaddr(each)[1] or each for each in given]


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _tag(told: Mapping[str, Any], name: str) -> str:
    found = _part(_part(told, "mail"), "tags").get(name)
    return str(found[0])[:LONGEST_ID] if isinstance(found, list) and found else ""


def _text(told: Mapping[str, Any], part: str, name: str) -> str:
    return str(_part(told, part).get(name) or "")
