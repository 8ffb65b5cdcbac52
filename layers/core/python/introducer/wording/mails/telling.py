"""How things are said in a mail: one reader, one language, typed and escaped values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from introducer.domain.describe import Day
from introducer.domain.mail import money_of
from introducer.domain.money import decimal_string
from introducer.locale import Language
from introducer.wording.codes import N_, word
from introducer.wording.codes import WORDS as CODES
from introducer.wording.mails import reports
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
    "case_topic": {
        "": N_("Asked for by a person"),
        "conversion_jump": N_("How many visitors register"),
        "registration_cluster": N_("Registrations that resemble each other"),
        "deposit_and_withdraw": N_("Deposits that were soon drawn again"),
        "duplicate_person": N_("Clients who were known before"),
        "self_referral": N_("Clients who resemble your own people"),
        "click_flooding": N_("Many clicks, few registrations"),
        "click_timing": N_("The time between click and registration"),
        "stuffing": N_("Pages that load your links by themselves"),
        "minimal_deposit": N_("Deposits of just the smallest amount"),
        "wash_trades": N_("Short trades without a price move"),
        "chargebacks": N_("Deposits that were charged back"),
        "shared_account": N_("An account that several partners are paid to"),
    },
    "contest_unit": {
        "ftd": N_("first deposits"),
        "qftd": N_("qualified clients"),
        "lots": N_("lots"),
        "points": N_("points"),
    },
}
"""Why a payout came back or failed, what a case looks at, said so that it accuses nobody, and what scores; a word that
is not here is shown as it is."""
_UNSAID = frozenset({"", "told_by_staff"})
"""Reasons that say nothing to the partner."""

APPLY = "/apply"
CASES = "/cases"
GOALS = "/goals"
LEADS = "/leads"
MESSAGES = "/messages"
POSTBACKS = "/postbacks"
CONTESTS = "/contests"
SETTINGS = "/settings/payment"
VERIFICATION = "/settings/verification"
MAIL = "/settings/mail"


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
    unsubscribe: str = ""
    """Where mail about this topic is switched off; empty where it cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What staff wrote, with its placeholders filled in, in the reader's language or the nearest that there is."""

    subject: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of the facts."""

    label: str
    value: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the letters differ in."""

    tone: str
    subject: Said
    heading: Said
    heroes: Sequence[Said] = ()
    lines: Sequence[Said] = ()
    facts: Sequence[Fact] = ()
    after: Sequence[Said] = ()
    action: str
    path: str
    chart: reports.Chart | None = None


@dataclass(frozen=True, slots=True)
class Teller:
    """Says things in one language, to one reader."""

    language: Language
    reader: Reader
    values: Mapping[str, Any]
    written: Written | None = None

    def say(self, message: str, **parts: Part) -> Said:
        return fill(self.language, message, {"brand": Text(self.reader.brand), **parts})

    def text(self, message: str) -> str:
        return self.language.text(message)

    def fact(self, label: str, *parts: Part | Said) -> Fact:
        said = [part if isinstance(part, Said) else shown(self.language, part) for part in parts]
        return Fact(label=self.text(label), value=joined(*said))

    def money(self, name: str) -> Exact:
        return exact(self.values[name])

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

    def held(self) -> list[Said]:
        """What a case holds, by currency."""
        return [shown(self.language, exact(each)) for each in self.values["held"]]

    def case(self, *more: Fact) -> list[Fact]:
        """The facts of a case."""
        topic = self.fact(N_("Looked at"), Text(word(self.language, "case_topic", self.values["topic"], WORDS)))
        clients = self.values["clients"]
        of = self.fact(N_("Clients"), Figure(str(clients)) if clients else Text(self.text(N_("All clients"))))
        who = [] if self.reader.partner else [self.fact(N_("Partner"), Text(self.values["name"]))]
        return [*who, topic, of, *more, self.fact(N_("Case"), Code(self.values["case"]))]

    def contest(self, *more: Fact) -> list[Fact]:
        """The facts of a contest."""
        return [self.fact(N_("Contest"), Text(self.values["name"])), *more]

    def division(self) -> list[Fact]:
        """Among whom a partner is ranked; nothing where all are ranked together."""
        return self.words(N_("Division"), "division")

    def where_it_stands(self) -> Said:
        place = self.values["place"]
        if not place:
            return self.say(N_("You have no place in the result"))
        return self.say(
            N_("You are number %(place)s of %(ranked)s"),
            place=Figure(str(place)),
            ranked=Figure(str(self.values["ranked"])),
        )

    def place(self, *more: Fact) -> list[Fact]:
        """The facts of a partner's own place in a contest."""
        place, score = self.values["place"], self.values["score"]
        if self.values["unit"] in ("net_revenue", "deposits"):
            scored = self.fact(N_("Score"), Exact(score, self.values["currency"]))
        else:
            unit = word(self.language, "contest_unit", self.values["unit"], WORDS)
            scored = self.fact(N_("Score"), Figure(score), Text(unit))
        return self.contest(
            *self.division(),
            *([self.fact(N_("Place"), Figure(str(place)))] if place else []),
            scored,
            *more,
        )

    def why_no_place(self) -> list[Said]:
        """Why a partner has none; the words for it accuse nobody."""
        match self.values["unranked"]:
            case "":
                return []
            case "below_minimum":
                return [self.say(N_("You scored less than is needed for a place."))]
            case _:
                return [
                    self.say(N_("You are set aside in this contest: its page says why, and you may object."))
                    if "objections_until" in self.values
                    else self.say(N_("You are set aside in this contest: its page says why."))
                ]

    def counts(self) -> Iterator[Fact]:
        """The figures of a period, each against the one before."""
        for each in self.values["counts"]:
            now, before = Figure(str(each["now"])), Figure(str(each["before"]))
            said = self.say(N_("%(now)s (before: %(before)s)"), now=now, before=before)
            yield self.fact(reports.METRICS.get(each["name"], each["name"]), said)

    def earned(self) -> Iterator[Fact]:
        """What was earned, by currency, against the period before."""
        now = {each["currency"]: each for each in self.values["earned"]}
        before = {each["currency"]: each for each in self.values["earned_before"]}
        for currency in sorted(now.keys() | before.keys()):
            none = {"minor": 0, "currency": currency}
            said = self.say(
                N_("%(now)s (before: %(before)s)"),
                now=exact(now.get(currency, none)),
                before=exact(before.get(currency, none)),
            )
            yield self.fact(N_("Earned"), said)

    def partners(self, label: str, name: str) -> Iterator[Fact]:
        """Partners of a manager, with their first deposits of this week and the one before; new ones have no before."""
        for each in self.values[name]:
            now, before = Figure(str(each["now"])), Figure(str(each["before"]))
            said = (
                self.say(N_("First deposits: %(now)s"), now=now)
                if name == "new"
                else self.say(N_("%(now)s (before: %(before)s)"), now=now, before=before)
            )
            yield self.fact(label, Text(each["name"]), said)
        more = self.values[f"more_{name}"]
        if more:
            yield self.fact(label, self.say(N_("And %(number)s more"), number=Figure(str(more))))

    def words(self, label: str, name: str) -> list[Fact]:
        """What a person wrote, under a label; nothing where nobody wrote."""
        return [self.fact(label, Text(self.values[name]))] if self.values[name] else []

    def code(self) -> list[Fact]:
        """The reason of a verdict."""
        code = self.values["code"]
        return [self.fact(N_("Reason"), Text(word(self.language, "verdict_reason", code, CODES)))] if code else []

    def why(self) -> list[Fact]:
        reason = self.values["reason"]
        if reason in _UNSAID:
            return []
        return [self.fact(N_("Reason"), Text(word(self.language, "payout_reason", reason, WORDS)))]


def exact(value: Any) -> Exact:
    money = money_of(value)
    return Exact(decimal_string(money.minor, money.currency), money.currency)
