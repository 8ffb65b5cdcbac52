"""Each mail in sentences: a subject, a heading, what happened, the facts, and what to do.

A letter says the same as HTML and as plain text. Every value is typed and escaped; no sentence is put together from
what people wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from introducer.domain.describe import Day
from introducer.domain.mail import MailTemplate, Value, check_values, money_of
from introducer.domain.money import decimal_string
from introducer.locale import Language
from introducer.wording.codes import N_, word
from introducer.wording.sentences import (
    Code,
    Exact,
    Figure,
    Moment,
    Part,
    Said,
    Text,
    figure,
    fill,
    joined,
    shown,
)

_CLOSED, _BLOCKED = N_("The account is closed"), N_("The account takes no payments")
_UNKNOWN, _OTHER_NAME = N_("There is no such account"), N_("The account is in another name")
_REFUSED, _UNCLAIMED = N_("The payment was refused"), N_("The payment was not accepted in time")
_SENT_BACK = N_("The payment was sent back")
WORDS: Mapping[str, Mapping[str, str]] = {
    "payout_reason": {
        # ISO 20022, external return reasons: what banks say.
        "AC01": _UNKNOWN,
        "AC03": _UNKNOWN,
        "AC04": _CLOSED,
        "AC06": _BLOCKED,
        "AC07": _CLOSED,
        "AG01": _BLOCKED,
        "BE01": _OTHER_NAME,
        "BE04": N_("The address of the account's holder is missing"),
        "MD07": N_("The account's holder has died"),
        "MS02": _REFUSED,
        "MS03": _REFUSED,
        "RC01": N_("The bank's code (BIC) is wrong"),
        # PayPal's.
        "unclaimed": _UNCLAIMED,
        "receiver_unregistered": N_("There is no PayPal account under this address"),
        "receiver_account_locked": _BLOCKED,
        "receiver_refused": _REFUSED,
        "denied": _REFUSED,
        "cancelled": _REFUSED,
        "failed": _REFUSED,
        "refunded": _SENT_BACK,
        "returned": _UNCLAIMED,
        "reversed": _SENT_BACK,
        # Ours.
        "account_closed": _CLOSED,
        "name_mismatch": _OTHER_NAME,
    },
}
"""Why a payout came back or failed; a word that is not here is shown as it is."""
_UNSAID = frozenset({"", "told_by_staff"})
"""Reasons that say nothing to the partner."""

SETTINGS = "/settings/payment"
VERIFICATION = "/settings/verification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the mail, and as whom: all that a letter knows of them."""

    name: str
    brand: str
    """The brand's name."""
    portal: str
    """The address of the brand's portal, without a slash at its end."""
    partner: str = ""
    """The partner's name; empty for the brand's staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of the facts."""

    label: str
    value: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail in one reader's words."""

    language: Language
    tone: str
    """`good`, `warn`, `bad` or `plain`: the colour of its edge. The words say it too."""
    subject: str
    heading: Said
    heroes: tuple[Said, ...]
    """The amounts it is about, one by currency; none where it is about no money."""
    greeting: Said
    lines: tuple[Said, ...]
    facts: tuple[Fact, ...]
    after: tuple[Said, ...]
    action: str
    """What the button says."""
    href: str
    footer: Said
    brand: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the six letters differ in."""

    tone: str
    subject: Said
    heading: Said
    heroes: Sequence[Said] = ()
    lines: Sequence[Said] = ()
    facts: Sequence[Fact] = ()
    after: Sequence[Said] = ()
    action: str
    path: str


@dataclass(frozen=True, slots=True)
class _Teller:
    """Says things in one language, to one reader."""

    language: Language
    reader: Reader
    values: Mapping[str, Any]

    def say(self, message: str, **parts: Part) -> Said:
        return fill(self.language, message, {"brand": Text(self.reader.brand), **parts})

    def text(self, message: str) -> str:
        return self.language.text(message)

    def fact(self, label: str, *parts: Part | Said) -> Fact:
        said = [part if isinstance(part, Said) else shown(self.language, part) for part in parts]
        return Fact(label=self.text(label), value=joined(*said))

    def money(self, name: str) -> Exact:
        return _exact(self.values[name])

    def day(self, name: str) -> Day:
        return Day(self.values[name])

    def moment(self, name: str) -> Moment:
        return Moment(str(self.values[name]))

    def masked(self, name: str) -> Code:
        return Code(self.values[name].replace(" ", "\N{NO-BREAK SPACE}"))

    def rates(self) -> Iterator[Fact]:
        """What an amount in another currency was converted from, and at which published rates."""
        if self.values["amount"]["currency"] != self.values["pays"]["currency"]:
            yield self.fact(N_("Converted from"), self.money("amount"))
        for rate in self.values["rates"]:
            # In one piece: an equation is never mirrored.
            said = Code(f"1 {rate['source']} = {figure(self.language, rate['rate'])} {rate['target']}")
            published = self.say(
                N_("%(feed)s, published on %(day)s"), feed=Code(rate["feed"].upper()), day=Day(rate["day"])
            )
            yield self.fact(N_("Rate"), said, published)

    def payout(self, when: str, *more: Fact) -> list[Fact]:
        """The facts of a payout."""
        return [
            self.fact(when, self.day("day")),
            self.fact(N_("Paid to"), self.masked("masked")),
            *more,
            *self.rates(),
            self.fact(N_("Payout"), Code(self.values["payout"])),
        ]

    def why(self) -> list[Fact]:
        reason = self.values["reason"]
        if reason in _UNSAID:
            return []
        return [self.fact(N_("Reason"), Text(word(self.language, "payout_reason", reason, WORDS)))]


def letter(template: MailTemplate, values: Mapping[str, Value], language: Language, reader: Reader) -> Letter:
    """The mail for this reader. Raises `ValueError` for values that are not those of the template."""
    check_values(template, values)
    teller = _Teller(language, reader, values)
    told = _TOLD[template](teller)
    if reader.partner:
        footer = teller.say(
            N_("You get this mail as an owner of %(partner)s with %(brand)s."), partner=Text(reader.partner)
        )
    else:
        footer = teller.say(N_("You get this mail because you work for %(brand)s."))
    return Letter(
        language=language,
        tone=told.tone,
        subject=str(told.subject),
        heading=told.heading,
        heroes=tuple(told.heroes),
        greeting=teller.say(N_("Hello %(name)s,"), name=Text(reader.name)),
        lines=tuple(told.lines),
        facts=tuple(told.facts),
        after=tuple(told.after),
        action=told.action,
        href=reader.portal + told.path,
        footer=footer,
        brand=reader.brand,
    )


def _paid(teller: _Teller) -> _Told:
    pays = teller.money("pays")
    return _Told(
        tone="good",
        subject=teller.say(N_("You were paid %(amount)s"), amount=pays),
        heading=teller.say(N_("You were paid")),
        heroes=[shown(teller.language, pays)],
        lines=[teller.say(N_("The payment was confirmed. Your statement has it too."))],
        facts=teller.payout(N_("Paid on")),
        action=teller.text(N_("See this payout")),
        path=_path_of_payout(teller),
    )


def _returned(teller: _Teller) -> _Told:
    pays = teller.money("pays")
    return _Told(
        tone="bad",
        subject=teller.say(N_("Your payout of %(amount)s came back"), amount=pays),
        heading=teller.say(N_("Your payout came back")),
        heroes=[shown(teller.language, pays)],
        lines=[
            teller.say(
                N_("What we paid to %(account)s was sent back. The money stands in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Look whether your details are right: the next payouts go there.")),
        ],
        facts=teller.payout(N_("Came back on"), *teller.why()),
        action=teller.text(N_("Look where you are paid")),
        path=SETTINGS,
    )


def _failed(teller: _Teller) -> _Told:
    pays = teller.money("pays")
    return _Told(
        tone="bad",
        subject=teller.say(N_("Your payout of %(amount)s could not be made"), amount=pays),
        heading=teller.say(N_("Your payout could not be made")),
        heroes=[shown(teller.language, pays)],
        lines=[
            teller.say(
                N_("Our payment to %(account)s was refused. The money stands in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Look whether your details are right: the next payouts go there.")),
        ],
        facts=teller.payout(N_("Refused on"), *teller.why()),
        action=teller.text(N_("Look where you are paid")),
        path=SETTINGS,
    )


def _profile_changed(teller: _Teller) -> _Told:
    facts = [
        teller.fact(N_("Now"), teller.masked("masked")),
        teller.fact(N_("Changed"), teller.moment("changed_at")),
        teller.fact(N_("Paid there from"), teller.moment("usable_from")),
    ]
    if teller.values["previous"]:
        facts.insert(0, teller.fact(N_("Before"), teller.masked("previous")))
    return _Told(
        tone="warn",
        subject=teller.say(N_("Where you are paid was changed")),
        heading=teller.say(N_("Where you are paid was changed")),
        lines=[
            teller.say(
                N_(
                    "From now on your money goes to %(account)s. For your safety nothing is paid there before %(when)s."
                ),
                account=teller.masked("masked"),
                when=teller.moment("usable_from"),
            )
        ],
        facts=facts,
        after=[
            teller.say(N_("Was it not you? Change your password now, and write to your manager at %(brand)s at once."))
        ],
        action=teller.text(N_("Look where you are paid")),
        path=SETTINGS,
    )


def _waiting(teller: _Teller) -> _Told:
    run = Code(teller.values["run"])
    if teller.values["reminder"]:
        subject = teller.say(N_("Reminder: payouts wait for your approval (%(run)s)"), run=run)
    else:
        subject = teller.say(N_("Payouts wait for your approval (%(run)s)"), run=run)
    return _Told(
        tone="warn",
        subject=subject,
        heading=teller.say(N_("Payouts wait for your approval")),
        heroes=[shown(teller.language, _exact(each)) for each in teller.values["sums"]],
        lines=[
            teller.say(
                N_("Nothing is sent until somebody approves it. Without a decision by %(deadline)s the run lapses."),
                deadline=teller.moment("deadline"),
            ),
            teller.say(N_("Whoever started the run cannot approve it.")),
        ],
        facts=[
            teller.fact(N_("Run"), run),
            teller.fact(
                N_("Period"),
                teller.say(N_("%(first)s to %(last)s"), first=teller.day("first"), last=teller.day("through")),
            ),
            teller.fact(N_("Payouts"), Figure(str(teller.values["payouts"]))),
            teller.fact(N_("Decide by"), teller.moment("deadline")),
        ],
        action=teller.text(N_("Look through the run")),
        path=f"/desk/runs/{teller.values['run']}",
    )


def _verified(teller: _Teller) -> _Told:
    reason = teller.values["reason"]
    facts = [teller.fact(N_("Reason"), Text(reason))] if reason else []
    if teller.values["decision"] == "approved":
        return _Told(
            tone="good",
            subject=teller.say(N_("You are verified")),
            heading=teller.say(N_("You are verified")),
            lines=[teller.say(N_("We have looked at your documents, and all is well: you can be paid."))],
            facts=facts,
            action=teller.text(N_("See your verification")),
            path=VERIFICATION,
        )
    return _Told(
        tone="bad",
        subject=teller.say(N_("We need other documents from you")),
        heading=teller.say(N_("We need other documents from you")),
        lines=[
            teller.say(N_("We have looked at your documents, and cannot take them as they are.")),
            teller.say(N_("What you earn is kept for you; it is paid once you are verified.")),
        ],
        facts=facts,
        action=teller.text(N_("Send other documents")),
        path=VERIFICATION,
    )


def _path_of_payout(teller: _Teller) -> str:
    return f"/payouts/{teller.values['payout']}"


def _exact(value: Any) -> Exact:
    money = money_of(value)
    return Exact(decimal_string(money.minor, money.currency), money.currency)


_TOLD: Mapping[MailTemplate, Callable[[_Teller], _Told]] = {
    MailTemplate.PAYOUT_PAID: _paid,
    MailTemplate.PAYOUT_RETURNED: _returned,
    MailTemplate.PAYOUT_FAILED: _failed,
    MailTemplate.PAYMENT_PROFILE_CHANGED: _profile_changed,
    MailTemplate.PAYOUTS_WAITING: _waiting,
    MailTemplate.VERIFICATION_DECIDED: _verified,
}
