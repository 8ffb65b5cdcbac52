"""Data into pages: Jinja2 with autoescape and strict undefined, in the visitor's language."""

from __future__ import annotations

import secrets
from calendar import monthrange
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import assets
import audit_words
import charts
import names_typed
import places
import words
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from visit import MOST_BYTES, N_, THEMES, Visit

from introducer.domain.money import Money, decimal_string
from introducer.locale import CODES, MINUS, language
from introducer.wording.sentences import figure

TEMPLATES = Path(__file__).parent / "templates"
_visit: ContextVar[Visit] = ContextVar("visit")


def render(template: str, visit: Visit, data: Any) -> str:
    """The page. `data` is what the route returned; beside it a template sees `visit` and `form` (a refused one)."""
    token = _visit.set(visit)
    try:
        refused = visit.refused
        form = {"typed": refused.values if refused else {}, "errors": refused.errors if refused else {}}
        return _environment().get_template(template).render(data=data, visit=visit, form=form)
    finally:
        _visit.reset(token)


def money(amount: Money, *, signed: bool = False) -> Markup:
    """An amount with its currency, figures first; never mirrored, never broken."""
    return exact(decimal_string(amount.minor, amount.currency), amount.currency, signed=signed)


def exact(text: str, currency: str, *, signed: bool = False) -> Markup:
    """A decimal string of money, as `money` writes amounts, with all of its decimals."""
    shown = figure(_visit.get().language, text, signed=signed)
    kind = "money minus" if shown.startswith(MINUS) else "money"
    return Markup('<bdi dir="ltr" class="{}">{}<small>\N{THIN SPACE}{}</small></bdi>').format(kind, shown, currency)


def when(moment: datetime) -> Markup:
    """How long ago, with the exact moment on hover."""
    visit = _visit.get()
    exact = visit.language.moment(moment)
    recent = abs(visit.now - moment) < timedelta(minutes=1)
    relative = visit.language.text(N_("just now")) if recent else visit.language.relative(moment, visit.now)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, relative)


def day(value: str | datetime, *, short: bool = False) -> Markup:
    """A UTC day."""
    text = value.date().isoformat() if isinstance(value, datetime) else value
    spoken = _visit.get().language
    shown = spoken.short_day(text) if short else spoken.day(text)
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def last_day(end: datetime) -> Markup:
    """The last UTC day before a midnight."""
    return day(end - timedelta(days=1))


def moment(value: datetime) -> Markup:
    """An exact moment, in UTC."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), _visit.get().language.moment(value))


def in_zone(value: datetime, zone: str) -> Markup:
    """An exact moment, by the clocks of a time zone; the zone itself stands beside it once."""
    there = value.astimezone(ZoneInfo(zone))
    shown = f"{_visit.get().language.day(there.date())} {there:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(there.isoformat(), shown)


def left(until: datetime) -> str:
    """How long it is until then."""
    visit = _visit.get()
    return visit.language.lasting(until - visit.now)


def score(text: str, unit: Mapping[str, Any]) -> Markup:
    """A contest's score, which is a decimal string: money where its unit has a currency, else a figure with as many
    decimals as scores of that contest have."""
    figure = Decimal(text).quantize(Decimal(1).scaleb(-unit["decimals"]))
    if unit["currency"]:
        return exact(str(figure), unit["currency"])
    return Markup('<bdi dir="ltr">{}</bdi>').format(_visit.get().language.exact(str(figure)))


def rate_of(part: int, whole: int) -> str | None:
    """The share as a percentage; None where there is nothing to have a share of."""
    return _visit.get().language.percent(Decimal(part) / Decimal(whole)) if whole else None


def _from_right() -> bool:
    return _visit.get().language.direction == "rtl"


def _environment() -> Environment:
    global _made  # noqa: PLW0603 (made when the first page is rendered: the API alone never pays for it)
    if _made is None:
        _made = _make()
    return _made


def _make() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # ruff: noqa: PLW0108 (each of these asks for the language of the visit it is called in)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: _visit.get().language.text(message),
        lambda one, many, n: _visit.get().language.messages.ngettext(one, many, n),
        newstyle=True,
    )
    environment.filters.update(money=money, when=when, day=day, last_day=last_day, moment=moment)
    environment.globals.update(
        asset=assets.asset,
        places=lambda: places.shown_to(_visit.get()),
        chart=charts.bars,
        band=charts.band,
        lanes=charts.lanes,
        plotted=lambda kind, rows, slots=0: charts.plot(kind, rows, slots, _from_right()),
        sparked=lambda values: charts.spark(values, _from_right()),
        csrf=lambda: _visit.get().csrf,
        here=lambda **changes: _visit.get().url(**changes),
        asked=lambda name: _visit.get().query(name),
        fresh_key=lambda: secrets.token_urlsafe(16),
        number=lambda value: _visit.get().language.number(value),
        month=lambda value: _visit.get().language.month(value),
        countries=lambda: _visit.get().language.countries,
        with_names=lambda fields: names_typed.with_names(_visit.get().language, fields, MOST_BYTES * 3 // 4),
        country_examples=lambda: names_typed.examples(_visit.get().language),
        country=lambda code: _visit.get().language.country(code),
        currency=lambda code: _visit.get().language.currency(code),
        language_name=lambda code: _visit.get().language.language(code),
        mark=lambda mark: _visit.get().language.mark(mark),
        relative_day=lambda day: _visit.get().language.relative_day(day, _visit.get().today),
        rate_of=rate_of,
        say=lambda message: _visit.get().language.text(message),
        word=lambda group, name: words.word(_visit.get().language, group, name),
        audited=lambda record: audit_words.told(_visit.get().language, record),
        reason=lambda record: (
            audit_words.reason(_visit.get().language, record.action, record.actor, record.why) or record.why
        ),
        problem_advice=lambda known: words.advice(_visit.get().language, known["status"], known["code"]),
        days_in_month=lambda month: monthrange(int(month[:4]), int(month[5:]))[1],
        exact=exact,
        in_zone=in_zone,
        left=left,
        score=score,
        languages=[language(code) for code in CODES],
        themes=THEMES,
    )
    return environment


_made: Environment | None = None
