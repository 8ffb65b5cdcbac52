"""Each mail in sentences: a subject, a heading, what happened, the facts, and what to do.

A letter says the same as HTML and as plain text. Every value is typed and escaped; no sentence is put together from
what people wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from introducer.domain.describe import Day, Number, Reached
from introducer.domain.mail import MailTemplate, Value, check_values, money_of
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
    Month,
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

CASES = "/cases"
GOALS = "/goals"
LEADS = "/leads"
MESSAGES = "/messages"
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
    less: str
    """What the link says that switches this topic off."""
    unsubscribe: str
    """Where it leads; empty: there is none."""
    choose: str
    """What the link to all that a reader may choose says."""
    settings: str
    """Where it leads."""
    chart: reports.Chart | None = None
    """Drawn where it can be, said in words everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
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
class _Teller:
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

    def held(self) -> list[Said]:
        """What a case holds, by currency."""
        return [shown(self.language, _exact(each)) for each in self.values["held"]]

    def case(self, *more: Fact) -> list[Fact]:
        """The facts of a case."""
        topic = self.fact(N_("Looked at"), Text(word(self.language, "case_topic", self.values["topic"], WORDS)))
        clients = self.values["clients"]
        of = self.fact(N_("Clients"), Figure(str(clients)) if clients else Text(self.text(N_("All"))))
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
                now=_exact(now.get(currency, none)),
                before=_exact(before.get(currency, none)),
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


def letter(
    template: MailTemplate,
    values: Mapping[str, Value],
    language: Language,
    reader: Reader,
    written: Written | None = None,
) -> Letter:
    """The mail for this reader; `written` is what staff wrote, for the template that says it. Raises `ValueError` for
    values that are not those of the template."""
    check_values(template, values)
    teller = _Teller(language, reader, values, written)
    told = _TOLD[template](teller)
    if reader.partner:
        footer = teller.say(
            N_("You get this mail from %(brand)s because you are an owner of %(partner)s."),
            partner=Text(reader.partner),
        )
    else:
        footer = teller.say(N_("You get this mail from %(brand)s because you work there."))
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
        less=teller.text(N_("No more mail about this")),
        unsubscribe=reader.unsubscribe,
        choose=teller.text(N_("Choose what you get by mail, and when")),
        settings=reader.portal + MAIL,
        chart=told.chart,
    )


def _written(teller: _Teller) -> _Told:
    if teller.written is None:
        raise ValueError("a written mail needs its text")
    lines = [shown(teller.language, Text(each)) for each in teller.written.paragraphs]
    subject = shown(teller.language, Text(teller.written.subject))
    return _Told(
        tone="plain",
        subject=subject,
        heading=subject,
        lines=lines,
        action=teller.text(N_("Open your account") if teller.values["path"] == "/" else N_("See it")),
        path=teller.values["path"],
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
                N_("What we paid to %(account)s was sent back. The money is in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Please check your payment details: the next payout goes to the same place.")),
        ],
        facts=teller.payout(N_("Came back on"), *teller.why()),
        action=teller.text(N_("Check your payment details")),
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
                N_("Our payment to %(account)s was refused. The money is in your balance again."),
                account=teller.masked("masked"),
            ),
            teller.say(N_("Please check your payment details: the next payout goes to the same place.")),
        ],
        facts=teller.payout(N_("Refused on"), *teller.why()),
        action=teller.text(N_("Check your payment details")),
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
        subject=teller.say(N_("Your payment details were changed")),
        heading=teller.say(N_("Your payment details were changed")),
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
            teller.say(
                N_("Was this not you? Change your password now, and write to your manager at %(brand)s at once.")
            )
        ],
        action=teller.text(N_("Check your payment details")),
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


# --------------------------------------------------------------------------------------------------------------- cases


def _case_opened(teller: _Teller) -> _Told:
    held, decide_by, release_by = teller.held(), teller.moment("decide_by"), teller.moment("release_by")
    if not teller.reader.partner:
        return _Told(
            tone="warn",
            subject=teller.say(N_("A case waits for your decision: %(partner)s"), partner=Text(teller.values["name"])),
            heading=teller.say(N_("A case waits for your decision")),
            heroes=held,
            lines=[
                teller.say(
                    N_(
                        "Something about this partner's clients should be looked at by a person. Until then the money "
                        "in question is held, and nothing else."
                    )
                ),
                teller.say(
                    N_(
                        "Decide by %(when)s. After that compliance is asked, and on %(end)s the money is released by "
                        "itself."
                    ),
                    when=decide_by,
                    end=release_by,
                ),
            ],
            facts=teller.case(*teller.words(N_("Why"), "why"), teller.fact(N_("Decide by"), decide_by)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return _Told(
        tone="warn",
        subject=teller.say(N_("We are looking at some of your earnings")),
        heading=teller.say(N_("We are looking at some of your earnings")),
        heroes=held,
        lines=[
            teller.say(
                N_("Something about some of your clients is unusual, and a person at %(brand)s is looking at it now.")
            ),
            _what_is_held(teller),
            teller.say(N_("This is a question and no verdict: unusual things often have good reasons.")),
        ],
        facts=teller.case(teller.fact(N_("We decide by"), decide_by)),
        after=[
            teller.say(
                N_("You can help: write on the case's page what you know about it. Whoever decides reads that.")
            ),
            teller.say(N_("If nobody decides, what is held is yours again on %(when)s."), when=release_by),
        ],
        action=teller.text(N_("See the case and answer")),
        path=_path_of_case(teller),
    )


def _case_reminder(teller: _Teller) -> _Told:
    when = teller.moment("decide_by")
    appealed = teller.values["stage"] == "appealed"
    if appealed:
        subject = N_("Reminder: an appeal waits for your decision (%(partner)s)")
        heading = N_("An appeal waits for your decision")
        line = N_("Without a decision by %(when)s the appeal counts as right, and the clients earn again.")
    else:
        subject = N_("Reminder: a case waits for your decision (%(partner)s)")
        heading = N_("A case waits for your decision")
        if teller.values["stage"] == "escalated":
            line = N_("Without a decision by %(when)s what is held is released by itself.")
        else:
            line = N_("Without a decision by %(when)s compliance and the admins are asked.")
    return _Told(
        tone="warn",
        subject=teller.say(subject, partner=Text(teller.values["name"])),
        heading=teller.say(heading),
        heroes=teller.held(),
        lines=[teller.say(line, when=when)],
        facts=teller.case(teller.fact(N_("Decide by"), when)),
        action=teller.text(N_("Look at the case")),
        path=_path_of_case(teller),
    )


def _case_escalated(teller: _Teller) -> _Told:
    when = teller.moment("release_by")
    if not teller.reader.partner:
        return _Told(
            tone="warn",
            subject=teller.say(
                N_("Nobody decided a case in time: it is yours now (%(partner)s)"), partner=Text(teller.values["name"])
            ),
            heading=teller.say(N_("Nobody decided this case in time")),
            heroes=teller.held(),
            lines=[
                teller.say(N_("Compliance and the admins are asked now.")),
                teller.say(N_("Without a decision by %(when)s what is held is released by itself."), when=when),
            ],
            facts=teller.case(teller.fact(N_("Decide by"), when)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return _Told(
        tone="warn",
        subject=teller.say(N_("We need more time to look at your earnings")),
        heading=teller.say(N_("We need more time to look at your earnings")),
        heroes=teller.held(),
        lines=[
            teller.say(
                N_("We wanted to be done by now, and are not: other people at %(brand)s are looking at it now.")
            ),
            teller.say(N_("If nobody decides, what is held is yours again on %(when)s."), when=when),
        ],
        facts=teller.case(teller.fact(N_("We decide by"), when)),
        after=[teller.say(N_("You can still write on the case's page what you know about it."))],
        action=teller.text(N_("See the case and answer")),
        path=_path_of_case(teller),
    )


def _case_decided(teller: _Teller) -> _Told:
    staff = not teller.reader.partner
    partner = Text(teller.values["name"])
    why = teller.words(N_("In the words of whoever decided"), "why")
    if teller.values["outcome"] == "released":
        if teller.values["by"] == "clock":
            line = N_("Nobody decided in time: what was held is released by itself.")
        elif staff:
            line = N_("What was held is released.")
        else:
            line = N_("We have looked at it, and all is well.")
        return _Told(
            tone="good",
            subject=(
                teller.say(N_("Released: the case of %(partner)s"), partner=partner)
                if staff
                else teller.say(N_("Your earnings are free again"))
            ),
            heading=teller.say(N_("What was held is released") if staff else N_("Your earnings are free again")),
            heroes=teller.held(),
            lines=[
                teller.say(line),
                *([] if staff else [teller.say(N_("What was held goes back to your balance now, as it was before."))]),
            ],
            facts=teller.case(*why),
            action=teller.text(N_("Look at the case") if staff else N_("See the case")),
            path=_path_of_case(teller),
        )
    appeal_by = teller.moment("appeal_by") if teller.values["appeal_by"] else None
    facts = teller.case(
        *teller.code(),
        *why,
        teller.fact(N_("Clients who earn nothing"), Figure(str(teller.values["disallowed"]))),
        *([teller.fact(N_("From"), teller.moment("starts_at"))] if teller.values["starts_at"] else []),
        *([teller.fact(N_("Appeal until"), appeal_by)] if appeal_by else []),
    )
    others = teller.values["disallowed"] < (teller.values["clients"] or teller.values["disallowed"] + 1)
    if staff:
        after = [teller.say(N_("The partner may appeal until %(when)s."), when=appeal_by)] if appeal_by else []
        return _Told(
            tone="warn",
            subject=teller.say(N_("Disallowed: the case of %(partner)s"), partner=partner),
            heading=teller.say(N_("The case was decided: the clients earn nothing")),
            lines=[
                teller.say(N_("What these clients earned is taken back as entries of their own, with this reason."))
            ],
            facts=facts,
            after=after,
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return _Told(
        tone="bad",
        subject=teller.say(N_("We do not pay for some of your clients")),
        heading=teller.say(N_("We do not pay for some of your clients")),
        lines=[
            teller.say(N_("We have looked at it, and cannot pay what some of your clients earned you.")),
            teller.say(N_("Your earnings show an entry for each amount that is taken back, with the reason.")),
            *([teller.say(N_("What was held for other clients is yours again."))] if others else []),
        ],
        facts=facts,
        after=(
            [
                teller.say(
                    N_(
                        "Do you see it differently? You can appeal once, until %(when)s: another person then decides "
                        "again."
                    ),
                    when=appeal_by,
                )
            ]
            if appeal_by
            else []
        ),
        action=teller.text(N_("See the case and appeal") if appeal_by else N_("See the case")),
        path=_path_of_case(teller),
    )


def _case_appealed(teller: _Teller) -> _Told:
    when = teller.moment("decide_by")
    said = teller.words(N_("What the partner says") if not teller.reader.partner else N_("What you say"), "said")
    if not teller.reader.partner:
        return _Told(
            tone="warn",
            subject=teller.say(
                N_("An appeal waits for your decision: %(partner)s"), partner=Text(teller.values["name"])
            ),
            heading=teller.say(N_("An appeal waits for your decision")),
            heroes=teller.held(),
            lines=[
                teller.say(N_("Whoever decided the case cannot decide its appeal.")),
                teller.say(
                    N_("Without a decision by %(when)s the appeal counts as right, and the clients earn again."),
                    when=when,
                ),
            ],
            facts=teller.case(*said, teller.fact(N_("Decide by"), when)),
            action=teller.text(N_("Look at the case")),
            path=_path_of_case(teller),
        )
    return _Told(
        tone="plain",
        subject=teller.say(N_("We have your appeal")),
        heading=teller.say(N_("We have your appeal")),
        heroes=teller.held(),
        lines=[
            teller.say(N_("Somebody other than before looks at the case again, and decides by %(when)s."), when=when),
            teller.say(N_("If nobody decides by then, your appeal counts as right, and the clients earn again.")),
        ],
        facts=teller.case(*said, teller.fact(N_("We decide by"), when)),
        action=teller.text(N_("See the case")),
        path=_path_of_case(teller),
    )


def _case_closed(teller: _Teller) -> _Told:
    staff = not teller.reader.partner
    outcome, clock = teller.values["outcome"], teller.values["by"] == "clock"
    why = teller.words(N_("In the words of whoever decided"), "why")
    if outcome in ("overturned", "released"):
        heading = N_("The appeal was right: the clients earn again") if staff else N_("Your appeal was right")
        if clock:
            line = N_("Nobody decided in time, so the verdict is taken back, and the clients earn again.")
        else:
            line = N_("The verdict is taken back: the clients earn again, and what was taken back is entered anew.")
        tone, code = "good", []
    elif outcome == "upheld":
        heading = N_("The appeal changed nothing") if staff else N_("The verdict stands")
        line = N_("Another person has looked at the case again, and the verdict stands. This is final.")
        tone, code = "plain", teller.code()
    else:
        heading = N_("Nobody appealed: the case is closed") if staff else N_("The case is closed")
        line = N_("The time to appeal is over, and the verdict stands. This is final.")
        tone, code = "plain", teller.code()
    said = teller.say(heading)
    return _Told(
        tone=tone,
        subject=(
            teller.say(N_("Closed: the case of %(partner)s"), partner=Text(teller.values["name"])) if staff else said
        ),
        heading=said,
        lines=[teller.say(line)],
        facts=teller.case(*code, *why),
        action=teller.text(N_("Look at the case") if staff else N_("See the case")),
        path=_path_of_case(teller),
    )


def _what_is_held(teller: _Teller) -> Said:
    if teller.values["clients"]:
        return teller.say(
            N_("What these clients earned you and you were not paid yet is held until then. Nothing else is held.")
        )
    return teller.say(N_("What you earned and were not paid yet is held until then."))


def _path_of_case(teller: _Teller) -> str:
    if teller.reader.partner:
        return f"{CASES}/{teller.values['case']}"
    return f"/desk{CASES}/{teller.values['of']}/{teller.values['case']}"


# ------------------------------------------------------------------------------------------------------------ contests


def _contest_entered(teller: _Teller) -> _Told:
    name, end = Text(teller.values["name"]), teller.moment("ends_at")
    return _Told(
        tone="plain",
        subject=teller.say(N_("You are in: %(contest)s"), contest=name),
        heading=teller.say(N_("You take part in a contest")),
        lines=[
            teller.say(N_("%(brand)s runs a contest, and you are in it: there is nothing that you need to do.")),
            teller.say(N_("What your clients do until %(when)s counts."), when=end),
        ],
        facts=teller.contest(*teller.division(), teller.fact(N_("Ends"), end)),
        after=[
            teller.say(
                N_("Others see you under a neutral name. On the contest's page you can choose another one, or leave.")
            )
        ],
        action=teller.text(N_("See the rules and the board")),
        path=_path_of_contest(teller),
    )


def _contest_moved(teller: _Teller) -> _Told:
    end = teller.moment("ends_at")
    return _Told(
        tone="warn",
        subject=teller.say(N_("New dates for the contest %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("The contest has new dates")),
        lines=[
            teller.say(
                N_("What your clients do from %(start)s until %(when)s counts."),
                start=teller.moment("starts_at"),
                when=end,
            ),
            teller.say(N_("Nothing else about it has changed.")),
        ],
        facts=teller.contest(
            teller.fact(N_("Starts"), teller.moment("starts_at")),
            teller.fact(N_("Ends"), end),
            *teller.words(N_("Why"), "why"),
        ),
        action=teller.text(N_("See the board")),
        path=_path_of_contest(teller),
    )


def _contest_cancelled(teller: _Teller) -> _Told:
    return _Told(
        tone="bad",
        subject=teller.say(N_("Cancelled: the contest %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("The contest was cancelled")),
        lines=[
            teller.say(N_("%(brand)s has cancelled this contest: nobody wins anything in it.")),
            teller.say(N_("What your clients earn you by your deal is untouched.")),
        ],
        facts=teller.contest(*teller.words(N_("Why"), "why")),
        action=teller.text(N_("See the contest")),
        path=_path_of_contest(teller),
    )


def _contest_result(teller: _Teller) -> _Told:
    until = teller.moment("objections_until")
    return _Told(
        tone="plain" if teller.values["place"] else "warn",
        subject=teller.say(N_("The provisional result: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.where_it_stands(),
        lines=[
            teller.say(N_("The contest was counted once more, from every event that came in before the count.")),
            teller.say(N_("The result is provisional: until %(when)s anybody who took part may object."), when=until),
            *teller.why_no_place(),
        ],
        facts=teller.place(teller.fact(N_("Object until"), until)),
        after=[teller.say(N_("Is something missing or wrong? Say so on the contest's page: a person looks at it."))],
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def _contest_objected(teller: _Teller) -> _Told:
    return _Told(
        tone="warn",
        subject=teller.say(N_("%(partner)s objects to a contest's result"), partner=Text(teller.values["partner"])),
        heading=teller.say(N_("An objection waits for your answer")),
        lines=[teller.say(N_("Answer it before the contest is paid: after that nothing changes its result any more."))],
        facts=teller.contest(
            teller.fact(N_("Partner"), Text(teller.values["partner"])),
            *teller.words(N_("What the partner says"), "said"),
        ),
        action=teller.text(N_("Look at the contest")),
        path=_path_of_contest(teller),
    )


def _contest_answered(teller: _Teller) -> _Told:
    match teller.values["answer"]:
        case "upheld":
            tone, heading = "good", N_("Your objection was right")
            line = N_("We have looked at it, and you are right. The final result takes account of it.")
        case "rejected":
            tone, heading = "plain", N_("Your objection changes nothing")
            line = N_("We have looked at it, and the result stands as it was counted.")
        case _:
            tone, heading = "warn", N_("Your objection was not decided in time")
            line = N_("Nobody decided about it, so the result stands as it was counted. We are sorry.")
    return _Told(
        tone=tone,
        subject=teller.say(N_("Your objection: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(heading),
        lines=[teller.say(line)],
        facts=teller.contest(*teller.words(N_("In the words of whoever decided"), "why")),
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def _contest_objections_wait(teller: _Teller) -> _Told:
    when = teller.moment("decide_by")
    return _Told(
        tone="warn",
        subject=teller.say(
            N_("Reminder: objections wait for an answer (%(contest)s)"), contest=Text(teller.values["name"])
        ),
        heading=teller.say(N_("Objections wait for an answer")),
        lines=[
            teller.say(N_("The time for objections is over, and the prizes wait for your answers.")),
            teller.say(
                N_("Without an answer by %(when)s the result stands, and whoever objected is told so."), when=when
            ),
        ],
        facts=teller.contest(
            teller.fact(N_("Objections"), Figure(str(teller.values["waiting"]))), teller.fact(N_("Decide by"), when)
        ),
        action=teller.text(N_("Look at the contest")),
        path=_path_of_contest(teller),
    )


def _contest_won(teller: _Teller) -> _Told:
    won = [shown(teller.language, _exact(each)) for each in teller.values["won"]]
    lines = [
        teller.say(N_("Congratulations: the result of %(contest)s is final."), contest=Text(teller.values["name"]))
    ]
    if won:
        lines.append(
            teller.say(
                N_("Your prize stands in your earnings; it can be paid out from %(day)s."), day=teller.day("available")
            )
        )
    if teller.values["gifts"]:
        lines.append(teller.say(N_("Your gift is being sent: the contest's page shows how far it is.")))
    return _Told(
        tone="good",
        subject=teller.say(N_("You won: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.say(N_("You won a prize")),
        heroes=won,
        lines=lines,
        facts=teller.place(*teller.words(N_("Gift"), "gifts")),
        action=teller.text(N_("See what you won")),
        path=_path_of_contest(teller),
    )


def _contest_final(teller: _Teller) -> _Told:
    return _Told(
        tone="plain",
        subject=teller.say(N_("The final result: %(contest)s"), contest=Text(teller.values["name"])),
        heading=teller.where_it_stands(),
        lines=[
            teller.say(N_("The result is final. There is no prize for you this time; thank you for taking part.")),
            *teller.why_no_place(),
        ],
        facts=teller.place(),
        action=teller.text(N_("See the result")),
        path=_path_of_contest(teller),
    )


def _path_of_contest(teller: _Teller) -> str:
    return f"{'' if teller.reader.partner else '/desk'}{CONTESTS}/{teller.values['contest']}"


def _goal_offered(teller: _Teller) -> _Told:
    amount, when = teller.money("amount"), teller.moment("answer_by")
    return _Told(
        tone="good",
        subject=teller.say(N_("A goal for you: %(amount)s"), amount=amount),
        heading=teller.say(N_("A goal for you")),
        heroes=[shown(teller.language, amount)],
        lines=[
            _goal_in_words(teller),
            teller.say(N_("It pays nothing until you accept it. Read it in the portal, and answer by then.")),
        ],
        facts=[*teller.words(N_("A note for you"), "note"), teller.fact(N_("Answer by"), when)],
        action=teller.text(N_("See the goal")),
        path=GOALS,
    )


def _goal_answered(teller: _Teller) -> _Told:
    accepted = teller.values["answer"] == "accepted"
    name = Text(teller.values["name"])
    return _Told(
        tone="good" if accepted else "plain",
        subject=teller.say(
            N_("%(partner)s accepted the goal") if accepted else N_("%(partner)s declined the goal"), partner=name
        ),
        heading=teller.say(N_("The goal was accepted") if accepted else N_("The goal was declined")),
        heroes=[shown(teller.language, teller.money("amount"))],
        lines=[_goal_in_words(teller)],
        facts=[teller.fact(N_("Partner"), name), *teller.words(N_("What the partner says"), "said")],
        action=teller.text(N_("See the partner's goals")),
        path=f"/desk/partners/{teller.values['of']}/goals",
    )


def _lead_came(teller: _Teller) -> _Told:
    name, given = Text(teller.values["name"]), teller.values["how"] == "given"
    known = {
        "lead": N_("Somebody with this e-mail or phone came through a form before: see who works that lead."),
        "client": N_("A client with this e-mail or phone was there before: look before you call."),
    }.get(str(teller.values["known"]))
    return _Told(
        tone="warn" if known else "good",
        subject=teller.say(
            N_("A lead for you, from %(partner)s") if given else N_("A new lead from %(partner)s"), partner=name
        ),
        heading=teller.say(N_("A lead for you") if given else N_("A new lead")),
        lines=[
            teller.say(N_("Who it is, and how to reach them, is on the lead's page: not in this mail.")),
            *([teller.say(known)] if known else []),
        ],
        facts=[teller.fact(N_("Partner"), name)],
        action=teller.text(N_("See the lead")),
        path=f"/desk{LEADS}/{teller.values['lead']}",
    )


def _lead_moved(teller: _Teller) -> _Told:
    stage, lost = str(teller.values["stage"]), str(teller.values["lost"])
    heading = {
        "contacted": N_("Your lead was contacted"),
        "opportunity": N_("Your lead is interested"),
        "won": N_("Your lead became a client"),
        "lost": N_("Your lead did not go further"),
    }[stage]
    why = {
        "not_reached": N_("They could not be reached."),
        "not_interested": N_("They are not interested now."),
        "not_eligible": N_("We may not have them as a client."),
        "duplicate": N_("They were known before."),
        "wrong_details": N_("The details they left are not theirs."),
    }.get(lost)
    return _Told(
        tone="good" if stage == "won" else "plain",
        subject=teller.say(heading),
        heading=teller.say(heading),
        lines=[teller.say(why)] if why else [],
        facts=[teller.fact(N_("Came on"), teller.day("came"))],
        action=teller.text(N_("See your leads")),
        path=LEADS,
    )


def _message_written(teller: _Teller) -> _Told:
    subject, name = Text(teller.values["said"]), Text(teller.values["name"])
    about = teller.fact(N_("About"), subject)
    if teller.reader.partner:
        told = teller.say(N_("%(brand)s has written to you: %(subject)s"), subject=subject)
        heading, path = teller.say(N_("A message for you")), f"{MESSAGES}/{teller.values['thread']}"
        facts = [about]
    else:
        told = teller.say(N_("%(partner)s has written: %(subject)s"), partner=name, subject=subject)
        heading = teller.say(N_("A partner has written"))
        path = f"/desk{MESSAGES}/{teller.values['of']}/{teller.values['thread']}"
        facts = [teller.fact(N_("Partner"), name), about]
    return _Told(
        tone="plain",
        subject=told,
        heading=heading,
        lines=[teller.say(N_("Read it and answer in the portal: an answer to this mail reaches nobody."))],
        facts=facts,
        action=teller.text(N_("Read the message")),
        path=path,
    )


def _goal_in_words(teller: _Teller) -> Said:
    """As the deal says it (`domain.describe`)."""
    return teller.say(
        N_("When %(reached)s is reached from %(first)s to %(last)s, both days included: %(amount)s, once."),
        reached=Reached(teller.values["by"], Number(str(teller.values["clients"]))),
        first=teller.day("first"),
        last=teller.day("last"),
        amount=teller.money("amount"),
    )


# --------------------------------------------------------------------------------------------------------------- parts


def _report(teller: _Teller) -> _Told:
    values = teller.values
    monthly = values["cadence"] == "monthly"
    first, last = teller.day("first"), teller.day("last")
    month = Month(values["first"][:7])
    counts = {each["name"]: each for each in values["counts"]}
    changed = counts.get(values["changed"], {"now": 0, "before": 0})
    change = reports.CHANGES[values["change"], values["changed"]]
    advice = reports.ADVICE[values["suggestion"]]
    return _Told(
        tone="good" if values["change"] in ("rose", "first") else "plain",
        subject=(
            teller.say(N_("Your month with %(brand)s: %(month)s"), month=month)
            if monthly
            else teller.say(N_("Your week with %(brand)s: %(first)s to %(last)s"), first=first, last=last)
        ),
        heading=(
            teller.say(N_("Your month: %(month)s"), month=month)
            if monthly
            else teller.say(N_("Your week: %(first)s to %(last)s"), first=first, last=last)
        ),
        heroes=[teller.say(N_("Earned: %(amount)s"), amount=_exact(each)) for each in values["earned"]],
        lines=[
            teller.say(change, now=Figure(str(changed["now"])), before=Figure(str(changed["before"]))),
            *([] if monthly or not (values["earned"] or values["earned_before"]) else [teller.say(reports.SHARES)]),
        ],
        facts=[*teller.counts(), *teller.earned()],
        after=[teller.say(advice.said, link=Code(values["link"]))],
        action=teller.text(advice.action),
        path=advice.path,
        chart=reports.chart(teller.language, values["cadence"], values["metric"], values["points"]),
    )


def _digest(teller: _Teller) -> _Told:
    first, last = teller.day("first"), teller.day("last")
    waits = [
        teller.fact(reports.WAITS.get(each["name"], each["name"]), Figure(str(each["now"])))
        for each in teller.values["waits"]
    ]
    moved = [*teller.values["rose"], *teller.values["fell"], *teller.values["new"]]
    return _Told(
        tone="warn" if teller.values["fell"] else "plain",
        subject=teller.say(N_("Your partners' week: %(first)s to %(last)s"), first=first, last=last),
        heading=teller.say(N_("Your partners' week: %(first)s to %(last)s"), first=first, last=last),
        lines=[
            teller.say(N_("Partners you look after: %(number)s."), number=Figure(str(teller.values["partners"]))),
            *([] if moved else [teller.say(N_("None of them rose or fell by much, and none is new."))]),
        ],
        facts=[
            *waits,
            *teller.counts(),
            *teller.partners(N_("First deposits fell"), "fell"),
            *teller.partners(N_("First deposits rose"), "rose"),
            *teller.partners(N_("New partner"), "new"),
        ],
        action=teller.text(N_("See what waits") if waits else N_("See your partners")),
        path="/desk" if waits else "/desk/partners",
    )


def _run_summary(teller: _Teller) -> _Told:
    values = teller.values
    run = Code(values["run"])
    closed = values["status"] == "closed"

    def money(label: str, name: str, sums: str) -> list[Fact]:
        if not values[name]:
            return []
        return [teller.fact(label, Figure(str(values[name])), *(_exact(each) for each in values[sums]))]

    well = closed and not values["unsettled"] and not values["not_paid"]
    return _Told(
        tone="good" if well else "warn",
        subject=teller.say(N_("What run %(run)s came to"), run=run),
        heading=teller.say(N_("The run is over") if closed else N_("The run ended without paying")),
        heroes=[shown(teller.language, _exact(each)) for each in values["sums"]],
        lines=[
            teller.say(N_("There was nothing to pay."))
            if not (values["paid"] or values["unsettled"] or values["not_paid"])
            else teller.say(N_("Every payout was paid."))
            if well
            else teller.say(N_("What was not paid is free again, and goes into the next run."))
            if not values["unsettled"]
            else teller.say(
                N_("Of some payouts it is not known yet whether they were paid: the run's page says which.")
            )
        ],
        facts=[
            teller.fact(N_("Run"), run),
            teller.fact(
                N_("Period"),
                teller.say(N_("%(first)s to %(last)s"), first=teller.day("first"), last=teller.day("through")),
            ),
            *money(N_("Paid"), "paid", "sums"),
            *money(N_("Not known yet"), "unsettled", "unsettled_sums"),
            *money(N_("Not paid"), "not_paid", "not_paid_sums"),
            *([teller.fact(N_("Partners left out"), Figure(str(values["left_out"])))] if values["left_out"] else []),
        ],
        action=teller.text(N_("See the run")),
        path=f"/desk/runs/{values['run']}",
    )


def _path_of_payout(teller: _Teller) -> str:
    return f"/payouts/{teller.values['payout']}"


def _exact(value: Any) -> Exact:
    money = money_of(value)
    return Exact(decimal_string(money.minor, money.currency), money.currency)


_TOLD: Mapping[MailTemplate, Callable[[_Teller], _Told]] = {
    MailTemplate.WRITTEN: _written,
    MailTemplate.PAYOUT_PAID: _paid,
    MailTemplate.PAYOUT_RETURNED: _returned,
    MailTemplate.PAYOUT_FAILED: _failed,
    MailTemplate.PAYMENT_PROFILE_CHANGED: _profile_changed,
    MailTemplate.PAYOUTS_WAITING: _waiting,
    MailTemplate.VERIFICATION_DECIDED: _verified,
    MailTemplate.CASE_OPENED: _case_opened,
    MailTemplate.CASE_REMINDER: _case_reminder,
    MailTemplate.CASE_ESCALATED: _case_escalated,
    MailTemplate.CASE_DECIDED: _case_decided,
    MailTemplate.CASE_APPEALED: _case_appealed,
    MailTemplate.CASE_CLOSED: _case_closed,
    MailTemplate.GOAL_OFFERED: _goal_offered,
    MailTemplate.GOAL_ANSWERED: _goal_answered,
    MailTemplate.LEAD_CAME: _lead_came,
    MailTemplate.LEAD_MOVED: _lead_moved,
    MailTemplate.MESSAGE_WRITTEN: _message_written,
    MailTemplate.CONTEST_ENTERED: _contest_entered,
    MailTemplate.CONTEST_MOVED: _contest_moved,
    MailTemplate.CONTEST_CANCELLED: _contest_cancelled,
    MailTemplate.CONTEST_RESULT: _contest_result,
    MailTemplate.CONTEST_OBJECTED: _contest_objected,
    MailTemplate.CONTEST_ANSWERED: _contest_answered,
    MailTemplate.CONTEST_OBJECTIONS_WAIT: _contest_objections_wait,
    MailTemplate.CONTEST_WON: _contest_won,
    MailTemplate.CONTEST_FINAL: _contest_final,
    MailTemplate.PARTNER_REPORT: _report,
    MailTemplate.MANAGER_DIGEST: _digest,
    MailTemplate.RUN_SUMMARY: _run_summary,
}
