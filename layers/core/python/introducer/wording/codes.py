"""The words for what the house records by code: kinds, rules, stages, events."""

from __future__ import annotations

from collections.abc import Mapping

from introducer.locale import Language


def N_(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


_RULES = {
    "cpa": N_("CPA"),
    "cpl": N_("CPL"),
    "revshare": N_("Revenue share"),
    "lot": N_("Per lot"),
    "bonus": N_("Bonus"),
    "override": N_("Override"),
    "adjustment": N_("Adjustment"),
    "prize": N_("Contest prize"),
}

WORDS: dict[str, dict[str, str]] = {
    "kind": {
        "earning": N_("Earning"),
        "clawback": N_("Clawback"),
        "adjustment": N_("Adjustment"),
        "reversal": N_("Reversal"),
        "prize": N_("Prize"),
    },
    "rule": _RULES,
    # Where an amount is of no single client: what a month's tiers add, or its cap leaves, of what is paid per client.
    "rule_of_all": _RULES | {"cpa": N_("CPA: tiers, caps"), "cpl": N_("CPL: tiers, caps")},
    "partner_kind": {"affiliate": N_("Affiliate"), "ib": N_("Introducing broker")},
    "status": {
        "active": N_("Active"),
        "paused": N_("Paused"),
        "suspended": N_("Suspended"),
        "blocked": N_("Blocked"),
    },
    "stage": {
        "seen": N_("Not registered yet"),
        "registered": N_("Registered"),
        "verified": N_("Verified"),
        "deposited": N_("Deposited"),
        "traded": N_("Trading"),
    },
    "event": {
        "registration": N_("Registration"),
        "kyc": N_("Identity check"),
        "deposit": N_("Deposit"),
        "trade": N_("Trade"),
        "withdrawal": N_("Withdrawal"),
        "credit": N_("Credit"),
        "chargeback": N_("Chargeback"),
        "cancel": N_("Cancellation"),
        "move": N_("Move to another partner"),
        "verdict": N_("Verdict of a case"),
    },
    "click_flag": {
        "bot": N_("Robots"),
        "preview": N_("Link previews"),
        "tool": N_("Programs"),
        "no_agent": N_("No browser named"),
        "head": N_("Link checkers"),
        "prefetch": N_("Read ahead by a browser"),
        "embedded": N_("Loaded by a page, not clicked"),
        "anonymous": N_("Hidden senders"),
        "hosting": N_("Data centres"),
        "paused": N_("While paused"),
        "scheduled": N_("Outside the campaign's time"),
        "country": N_("Other countries"),
        "device": N_("Other devices"),
        "capped": N_("Beyond the campaign's cap"),
        "other": N_("Other reasons"),
    },
    "verdict_reason": {
        "cookie_stuffing": N_("Links loaded without a click"),
        "fake_registrations": N_("Registrations that are no persons"),
        "incentivised_traffic": N_("Visitors were rewarded for registering"),
        "click_fraud": N_("Clicks that no visitor made"),
        "self_referral": N_("The client is the partner itself"),
        "duplicate_clients": N_("The client was known before"),
        "deposit_and_withdraw": N_("Money paid in and drawn at once"),
        "wash_trades": N_("Trades without a risk, for the rebate"),
        "chargebacks": N_("Deposits were charged back"),
        "shared_account": N_("One account paid for several partners"),
        "terms_broken": N_("The terms of the deal were not kept"),
    },
    "field": {
        "spread": N_("spread"),
        "commission": N_("commission"),
        "swap": N_("swap"),
        "pnl": N_("client's result"),
        "deposits": N_("deposits"),
        "withdrawals": N_("withdrawals"),
        "credits": N_("credits"),
        "chargebacks": N_("chargebacks"),
    },
    "postback_error": {
        "not_2xx": N_("The target answered, but not with success (2xx)"),
        "address_refused": N_("The name leads to an address that is not public: nothing was sent"),
        "name_unresolved": N_("The name of the host has no address"),
        "not_connected": N_("The host did not take the connection"),
        "tls_failed": N_("No secure connection: see that the certificate is valid and made for this name"),
        "timed_out": N_("The target did not answer in time"),
        "answer_broken": N_("The answer broke off"),
        "answer_too_large": N_("The answer was too long"),
        "url_too_long": N_("With its values the URL is too long"),
        "url_refused": N_("This URL is not spoken to"),
        "header_refused": N_("A header could not be sent"),
    },
    "postback_told": {
        "registration": N_("Registration"),
        "kyc": N_("Identity check"),
        "ftd": N_("First deposit"),
        "qftd": N_("Qualified client"),
        "deposit": N_("Deposit"),
        "withdrawal": N_("Withdrawal"),
        "chargeback": N_("Chargeback"),
        "earning": N_("Earning"),
        "clawback": N_("Clawback"),
    },
    "postback_standing": {
        "active": N_("Active"),
        "paused": N_("Paused"),
        "failing": N_("Paused: nothing arrived"),
    },
    "postback_status": {
        "waiting": N_("Waiting"),
        "delivered": N_("Delivered"),
        "failed": N_("Not delivered"),
        "held": N_("Held back"),
    },
    "activity": {
        "ftd": N_("first deposits"),
        "qftd": N_("qualified clients"),
        "paid_clients": N_("paid clients"),
        "lots": N_("lots"),
        "net_revenue": N_("net revenue"),
        "lot_commission": N_("lot commission"),
    },
}
"""By group, then by code."""


def word(language: Language, group: str, code: str, words: Mapping[str, Mapping[str, str]] = WORDS) -> str:
    """The word for a code; the code itself, spaced, for one that is newer than these words."""
    message = words[group].get(str(code))
    return language.text(message) if message else str(code).replace("_", " ")
