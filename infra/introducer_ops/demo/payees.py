"""Where the demo world's partners are paid, and that it is known who they are: by the product's own services.

Three rails: euro accounts by SEPA (of partners who earn zloty too: something is converted), PayPal for dollars and
pounds, a list for a person for everything else. The last three honest partners show why somebody is left out: no
payment profile, no documents, a hold.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from introducer.domain.configuration import Brand, Member, Partner, Role
from introducer.domain.identity import brand_key
from introducer.domain.payment_profile import Destination, RailKind
from introducer.domain.payout_schedule import Cadence, PayoutSchedule
from introducer.domain.verification import NEEDED
from introducer.gateways.documents import Documents
from introducer.gateways.vault import Vault
from introducer.services.change_payment_profile import change_payment_profile
from introducer.services.creation import Author
from introducer.services.decide_verification import decide_verification
from introducer.services.place_hold import place_hold
from introducer.services.set_payout_schedule import set_payout_schedule
from introducer.services.submit_documents import submit_documents
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.payout_schedules import PayoutSchedules
from introducer.store.verifications import Verifications
from introducer_ops.demo.plan import PARTNERS
from introducer_ops.localcloud import Stack

SCHEDULE = "weekly"
NO_PROFILE, NO_DOCUMENTS, ON_HOLD = -3, -2, -1
"""Partners, counted from the last honest one, who are left out."""
_PAPER = b"%PDF-1.4\n% a page of the demo world\n"
_BANK_CODE = "37040044"


def pay_partners(
    stack: Stack,
    configuration: Configuration,
    brand: Brand,
    partners: list[Partner],
    compliance: Member,
    author: Author,
    clock: Callable[[], datetime],
) -> None:
    """A weekly schedule, and for each partner documents, compliance's word and a payment profile."""
    books = stack.outputs["BooksTableName"]
    schedule = PayoutSchedule(
        brand=brand.brand,
        schedule=SCHEDULE,
        cadence=Cadence.WEEKLY,
        time_zone="Europe/Berlin",
        minimums={"EUR": 1_000, "USD": 1_000, "GBP": 1_000, "PLN": 5_000, "THB": 30_000, "JPY": 1_500},
    )
    set_payout_schedule(PayoutSchedules(books), schedule, author=author, clock=clock)
    s3 = stack.client("s3")
    documents = Documents(s3, stack.outputs["DocumentsBucketName"])
    vault = Vault(stack.client("kms"), stack.outputs["PaymentKeyArn"], random=secrets.token_bytes)
    identity = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["IdentityKeySecretName"])
    hashed_under = brand_key(identity["SecretString"].encode(), brand.brand)
    verifications, profiles = Verifications(books), PaymentProfiles(books)
    for number, partner in enumerate(partners):
        owner = Member(
            member=author.by, partner=partner.partner, brand=brand.brand, role=Role.OWNER, name="", language="en"
        )
        place = number - PARTNERS
        if place != NO_DOCUMENTS:
            _hand_in(s3, stack.outputs["DocumentsBucketName"], partner)
            waiting = submit_documents(verifications, documents, member=owner, partner=partner, version=0, clock=clock)
            decide_verification(
                configuration, verifications, member=compliance, partner=partner.partner, version=waiting.version,
                approve=True, why="Seen and compared with the register", expires_on="", clock=clock,
            )  # fmt: skip
        if place != NO_PROFILE:
            change_payment_profile(
                profiles, vault, member=owner, partner=partner, version=0,
                destination=destination(number, partner), cool_off_days=schedule.cool_off_days,
                brand_key=hashed_under, clock=clock,
            )  # fmt: skip
        if place == ON_HOLD:
            place_hold(
                configuration, Holds(books), member=compliance, partner=partner.partner,
                why="A complaint about its advertising is looked into", clock=clock, random=secrets.token_bytes,
                pause=lambda _: None,
            )  # fmt: skip


def destination(number: int, partner: Partner) -> Destination:
    """Where a partner of the demo world is paid: accounts that are right in form, and nobody's."""
    plain = Destination(rail=RailKind.MANUAL, currency=partner.currency, holder=partner.name, country=partner.country)
    match partner.currency:
        case "EUR" | "PLN":
            from schwifty import IBAN

            iban = IBAN.generate("DE", bank_code=_BANK_CODE, account_code=f"{5_320_130_000 + number}")
            return replace(plain, rail=RailKind.SEPA, currency="EUR", country="DE", iban=str(iban))
        case "USD" | "GBP":
            name = "".join(letter for letter in partner.name.lower() if letter.isascii() and letter.isalnum())
            return replace(plain, rail=RailKind.PAYPAL, email=f"payouts@{name}.example")
        case _:
            return replace(plain, instructions=f"By the bank at home, to account {7_204_460_000 + number}")


def _hand_in(s3: Any, bucket: str, partner: Partner) -> None:
    for kind in NEEDED:
        s3.put_object(
            Bucket=bucket,
            Key=f"verification/{partner.partner}/doc_{kind.value}",
            Body=_PAPER,
            ContentType="application/octet-stream",
            Metadata={"kind": kind.value},
        )
