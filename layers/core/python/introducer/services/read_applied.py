"""Who a mail to an applicant goes to: the one place outside of the portal where an application is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from introducer.domain.applying import Confirming, key_of, token
from introducer.domain.errors import NotFound
from introducer.domain.events import from_milliseconds
from introducer.domain.mail import Mail, MailTemplate, Value
from introducer.services.application_books import Vault, applicant_of
from introducer.store.applications import Applications

CONFIRM = "/apply/confirm/"
"""The page of the portal where an address is confirmed."""


class Logins(Protocol):
    """What `gateways.user_pool.UserPool` does."""

    def sub_of(self, email: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Applied:
    """To whom, in which language, and what the mail says. It has no repr, so that no log line can show it."""

    email: str
    name: str
    language: str
    values: Mapping[str, Value]


def nobody_applied(mail: Mail) -> Applied:
    """For a house without applications."""
    raise NotFound("There is no such application.")


class AppliedReader:
    """Opens applications for the mails to whoever sent them."""

    def __init__(
        self, applications: Applications, vault: Callable[[], Vault], logins: Logins, secret: Callable[[], bytes]
    ) -> None:
        self._applications = applications
        self._vault = vault
        self._logins = logins
        self._secret = secret

    def __call__(self, mail: Mail) -> Applied:
        """Whom a mail is for. Raises `NotFound` for an application that is gone or was erased; `Unavailable`."""
        application = self._applications.application(mail.brand, str(mail.values["application"]))
        applicant = applicant_of(self._vault(), application)
        if applicant is None:
            raise NotFound("Nobody stands behind this application any more.")
        values = dict(mail.values)
        if mail.template is MailTemplate.APPLICATION_CHECK:
            until = from_milliseconds(int(str(values["until"])))
            link = Confirming(application.brand, application.application, until)
            values["link"] = CONFIRM + token(key_of(self._secret()), link)
            # Asked here and not where the form is sent: there, how long the answer takes would tell.
            values["known"] = "login" if self._logins.sub_of(applicant.email) else ""
        return Applied(email=applicant.email, name=applicant.name, language=application.language, values=values)
