"""From which accounts a brand pays, and so which rails it has.

One secret for each brand, made by operators: `{"sepa": {"name": "…", "iban": "…", "bic": "…"}, "paypal": {"client_id":
"…", "secret": "…"}}`. Either may be missing. Paying by hand needs no account. What waits for a rail without an account,
or with one that cannot be one, is not lost and not sent: it goes as soon as the secret names one. The other rails go on
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch
from introducer.gateways.rails.files import SentFiles
from introducer.gateways.rails.manual import Manual
from introducer.gateways.rails.paypal import Credentials, Paypal
from introducer.gateways.rails.protocol import Handed, NotReached, Rail, Refusal, Refused, Transfer
from introducer.gateways.rails.sepa import Debtor, Sepa
from introducer.gateways.secrets import SecretMissing, Secrets


class NoAccount:
    """Stands for a rail that the brand has no account for: nothing leaves. `says` is what to do about it."""

    most_per_batch = 1_000
    currencies: frozenset[str] | None = None
    remembers: timedelta | None = None
    ready = False

    def __init__(self, kind: RailKind, says: str) -> None:
        self.kind = kind
        self.says = says

    def check(self, transfer: Transfer) -> Refusal | None:
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        raise NotReached(self.says, code="no_account")

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        return None


def rails_of(
    brand: str, subject: str, secrets: Secrets, prefix: str, files: SentFiles, paypal_url: str,
    elapsed: Callable[[], float],
) -> dict[RailKind, Rail]:  # fmt: skip
    """Every rail of a brand. `subject` heads PayPal's mails, `prefix` is what the names of the secrets begin with. A
    rail whose account is missing, or cannot be one, is a `NoAccount`.

    Raises `Unavailable` while the secret cannot be read, or where it is no JSON object.
    """
    secret = prefix + brand
    try:
        secrets.text(secret)
    except SecretMissing:
        accounts: dict[str, Any] = {}
    else:
        accounts = secrets.document(secret)
    made: dict[RailKind, Callable[[Any], Rail]] = {
        RailKind.SEPA: lambda account: _sepa(files, account),
        RailKind.PAYPAL: lambda account: _paypal(paypal_url, account, elapsed, subject),
    }
    rails: dict[RailKind, Rail] = {RailKind.MANUAL: Manual(files)}
    for kind, make in made.items():
        if kind.value not in accounts:
            rails[kind] = NoAccount(
                kind, f"There is no account to pay from by {kind.value}: put one into the secret {secret}."
            )
            continue
        try:
            rails[kind] = make(accounts[kind.value])
        except _Incomplete as error:
            # It must not keep the other rails from paying.
            rails[kind] = NoAccount(
                kind, f"The account {kind.value} in the secret {secret} cannot be one: it needs {error}."
            )
    return rails


class _Incomplete(Exception):
    """An account that cannot be one. It says what it needs, and nothing of what is in it."""


def _sepa(files: SentFiles, account: Any) -> Rail:
    name, iban, bic = _texts(account, "name", "iban", "bic")
    # People write them as banks print them: in groups, and in any case.
    iban, bic = ("".join(each.split()).upper() for each in (iban, bic))
    try:
        return Sepa(files, Debtor(name=name, iban=iban, bic=bic), booked_together=bool(account.get("booked_together")))
    except Refused:
        raise _Incomplete("a name in letters that banks take, an IBAN and a BIC") from None


def _paypal(url: str, account: Any, elapsed: Callable[[], float], subject: str) -> Rail:
    client_id, key = _texts(account, "client_id", "secret")
    known = Credentials(client_id=client_id, secret=key)
    return Paypal(url, lambda: known, elapsed, subject=subject)


def _texts(account: Any, *names: str) -> list[str]:
    found = [account.get(name) for name in names] if isinstance(account, Mapping) else []
    if not found or not all(isinstance(each, str) and each.strip() for each in found):
        raise _Incomplete(f"{', '.join(names)}, each a text")
    return [str(each).strip() for each in found]
