"""A contest's rules in words: complete, exact, and one sentence for each figure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import PartnerKind
from introducer.domain.contest import Conditions, Contest, Division, Every, Metric, Series, Tie
from introducer.locale import CODES, language
from introducer.wording.contests import rules, score
from tests.support.builders import at
from tests.support.contest_builders import a_contest, fixed, gift, share, threshold

ENGLISH = language("en")
FULL = a_contest(
    weights=((Metric.DEPOSITS, 25), (Metric.LOTS, 1_500), (Metric.QFTD, 10_000)),
    conditions=Conditions(
        kinds=frozenset({PartnerKind.IB}), deals=frozenset({"cpa"}), countries=frozenset({"DE"}),
        managers=frozenset({"mem_b"}), partners=frozenset({"par_1", "par_2"}),
    ),
    public=True, shown=20, minimum=1250, prize_hold_days=7, time_zone="Europe/Berlin",
    starts_at=at("2026-11-01 07:00"),
    series=Series(series="ctt_1", number=2, every=Every.MONTH, until=12),
    divisions=(
        Division(name="Small", pool=50_000, prizes=(share(1, 60), share(2, 20, last=3), gift(1, "Watch"))),
        Division(name="Large", from_size=50, prizes=(fixed(1, 70_000), fixed(2, 10_000, last=4), threshold(30, 500))),
    ),
)  # fmt: skip


def sentences(contest: Contest) -> list[str]:
    return [str(each) for chapter in rules(ENGLISH, contest) for each in chapter.sentences]


def chapter(contest: Contest, name: str) -> list[str]:
    return next([str(each) for each in found.sentences] for found in rules(ENGLISH, contest) if found.name == name)


def test_the_rules_of_a_plain_contest_in_full() -> None:
    contest = a_contest(share(1, 60), share(2, 40), gift(1, "Watch"), pool=100_000)

    assert [(each.name, each.heading) for each in rules(ENGLISH, contest)] == [
        ("counts", "What counts"),
        ("when", "When"),
        ("who", "Who takes part"),
        ("places", "Places and ties"),
        ("prizes.0", "Prizes"),
        ("paying", "How prizes are paid"),
        ("changes", "What may change"),
    ]
    assert chapter(contest, "when")[0] == "From 1 Nov 2026 to 30 Nov 2026, both days included, by the clocks of UTC."
    assert chapter(contest, "prizes.0") == [
        "Place 1: 60% of the pool.",
        "Place 1: Watch.",
        "Place 2: 40% of the pool.",
        "The pool: 1,000.00\N{NO-BREAK SPACE}EUR. All of it is paid if anybody ranks: what nobody stands for goes to"
        " those who rank, in proportion to their shares.",
    ]
    assert chapter(contest, "paying") == [
        "Money is paid into the balance when the result is final, and is available at once.",
        "Gifts are sent when the result is final.",
        "Each prize is won once, and says how it came about.",
    ]


def test_points_divisions_and_thresholds() -> None:
    assert chapter(FULL, "counts")[:4] == [
        "Points are counted. What gives points:",
        "EUR of deposits, each: 0.025.",
        "A lot: 1.5.",
        "A qualified client: 10.",
    ]
    assert [each.heading for each in rules(ENGLISH, FULL)][4:6] == ["Prizes: Small", "Prizes: Large"]
    assert chapter(FULL, "prizes.1")[:3] == [
        "Place 1: 700.00\N{NO-BREAK SPACE}EUR.",
        "Places 2 to 4, each: 100.00\N{NO-BREAK SPACE}EUR.",
        "Everybody who reaches 30 (points): 5.00\N{NO-BREAK SPACE}EUR.",
    ]
    assert chapter(FULL, "when")[0] == "From 1 Nov 2026 08:00 to 1 Dec 2026 01:00, by the clocks of Europe/Berlin."


def small(**fields: Any) -> Contest:
    return replace(FULL, divisions=(replace(FULL.divisions[0], **fields), FULL.divisions[1]))


FIGURES = [
    replace(FULL, weights=((Metric.DEPOSITS, 26), *FULL.weights[1:])),
    replace(FULL, starts_at=FULL.starts_at + timedelta(minutes=1)),
    replace(FULL, ends_at=FULL.ends_at + timedelta(minutes=1)),
    replace(FULL, grace_hours=25),
    replace(FULL, objection_hours=73),
    replace(FULL, shown=21),
    replace(FULL, shown=0),
    replace(FULL, minimum=1251),
    replace(FULL, size_days=91),
    replace(FULL, size_by=Metric.QFTD),
    replace(FULL, prize_hold_days=8),
    replace(FULL, tie=Tie.FIRST),
    replace(FULL, series=Series(series="ctt_1", number=2, every=Every.WEEK, until=12)),
    replace(FULL, series=Series(series="ctt_1", number=2, every=Every.MONTH, until=13)),
    replace(FULL, conditions=replace(FULL.conditions, deals=frozenset({"lot"}))),
    replace(FULL, conditions=replace(FULL.conditions, countries=frozenset({"AT"}))),
    replace(FULL, conditions=replace(FULL.conditions, kinds=frozenset({PartnerKind.AFFILIATE}))),
    replace(FULL, conditions=replace(FULL.conditions, partners=frozenset({"par_1"}))),
    replace(FULL, divisions=(FULL.divisions[0], replace(FULL.divisions[1], from_size=51))),
    small(pool=50_001),
    small(prizes=(share(1, 61), *FULL.divisions[0].prizes[1:])),
    small(prizes=(*FULL.divisions[0].prizes[:2], gift(1, "Pen"))),
    small(prizes=(share(1, 60), share(2, 20, last=4), gift(1, "Watch"))),
]


@pytest.mark.parametrize("other", FIGURES)
def test_one_setting_is_one_sentence(other: Contest) -> None:
    before, after = sentences(FULL), sentences(other)

    assert len(before) == len(after)
    assert sum(1 for one, another in zip(before, after, strict=True) if one != another) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, public=False),
        replace(FULL, opt_in=False),
        replace(FULL, conditions=replace(FULL.conditions, managers=frozenset())),
        replace(FULL, minimum=0),
        replace(FULL, prize_hold_days=0),
        replace(FULL, grace_hours=0),
        replace(FULL, series=None),
        replace(FULL, currency="USD"),
        replace(FULL, time_zone="Africa/Cairo"),
    ],
)
def test_what_is_set_is_said(other: Contest) -> None:
    assert sentences(other) != sentences(FULL)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("code", CODES)
def test_every_metric_is_told_in_every_language(metric: Metric, code: str) -> None:
    contest = a_contest(fixed(1, 5), threshold(7, 5), weights=((metric, 1000),), minimum=150)
    told = rules(language(code), contest)

    assert all(each.heading and each.sentences for each in told)
    assert "%(" not in json.dumps([each.sentences for each in told])
    assert all(each.__html__() for found in told for each in found.sentences)


def counting(number: int) -> Contest:
    """In which everything that is counted in whole things is so many of them."""
    partners = frozenset(f"par_{each}" for each in range(number))
    return replace(
        FULL, grace_hours=number, objection_hours=number, shown=number, size_days=number, prize_hold_days=number,
        conditions=Conditions(partners=partners), series=None,
    )  # fmt: skip


LIKE_SIZE = "Partners of like size are ranked among themselves. Size is the number of clients "


@pytest.mark.parametrize(("number", "says"), [
    (1, [
        "For 1 hour after the end late reports still count.",
        "For 1 hour after the result participants may object to it.",
        "Only for the partner who was invited.",
        f"{LIKE_SIZE}whose first deposit was made in the day before the start, or before joining if that is earlier.",
        "The first place is shown to all. Everybody sees their own place.",
        "Money is paid into the balance when the result is final, and is available 1 day later.",
    ]),
    (2, [
        "For 2 hours after the end late reports still count.",
        "For 2 hours after the result participants may object to it.",
        "Only for the 2 partners who were invited.",
        f"{LIKE_SIZE}whose first deposit was made in the 2 days before the start, or before joining if that is"
        " earlier.",
        "The first 2 places are shown to all. Everybody sees their own place.",
        "Money is paid into the balance when the result is final, and is available 2 days later.",
    ]),
])  # fmt: skip
def test_what_is_counted_is_said_as_people_say_it(number: int, says: list[str]) -> None:
    several = set(sentences(counting(5)))
    assert [each for each in sentences(counting(number)) if each not in several] == says


@pytest.mark.parametrize(("code", "number", "late", "invited"), [
    ("ru", 1, "Опоздавшие отчёты ещё учитываются в течение 1 часа после окончания.",
     "Только для 1 приглашённого партнёра."),
    ("ru", 3, "Опоздавшие отчёты ещё учитываются в течение 3 часов после окончания.",
     "Только для 3 приглашённых партнёров."),
    ("pl", 3, "Spóźnione zgłoszenia liczą się jeszcze przez 3 godziny po zakończeniu.",
     "Tylko dla 3 zaproszonych partnerów."),
    ("pl", 5, "Spóźnione zgłoszenia liczą się jeszcze przez 5 godzin po zakończeniu.",
     "Tylko dla 5 zaproszonych partnerów."),
    ("ar", 2, "تُحتسب الإبلاغات المتأخرة خلال ساعتين بعد النهاية.", "للشريكين المدعوّين فقط."),
    ("ar", 3, "تُحتسب الإبلاغات المتأخرة خلال 3 ساعات بعد النهاية.", "للشركاء المدعوّين فقط، وعددهم 3."),
    ("es", 1, "Los informes tardíos aún cuentan durante 1 hora después del fin.", "Solo para el socio invitado."),
    ("th", 2, "รายงานที่มาช้ายังนับภายใน 2 ชั่วโมงหลังสิ้นสุด", "เฉพาะพาร์ตเนอร์ที่ได้รับเชิญ 2 ราย"),
], ids=lambda each: str(each) if len(str(each)) < 4 else "")  # fmt: skip
def test_each_language_has_its_own_forms(code: str, number: int, late: str, invited: str) -> None:
    found = [str(each) for told in rules(language(code), counting(number)) for each in told.sentences]
    assert late in found
    assert invited in found


def test_a_contest_without_prizes_says_so() -> None:
    assert chapter(a_contest(), "prizes.0") == ["There are no prizes."]


def test_words_of_the_brand_are_no_markup() -> None:
    told = rules(ENGLISH, a_contest(gift(1, "<b>Pen</b>")))
    said = next(each for found in told for each in found.sentences if "Pen" in each)

    assert "<b>" in said and "<b>" not in said.__html__()


@pytest.mark.parametrize(
    ("contest", "hundredths", "said"),
    [
        (a_contest(), 1200, "12 (first deposits)"),
        (a_contest(weights=((Metric.LOTS, 1000),)), 1250, "12.5 (lots)"),
        (a_contest(weights=((Metric.NET_REVENUE, 1000),)), 125050, "1,250.50\N{NO-BREAK SPACE}EUR"),
        (a_contest(weights=((Metric.DEPOSITS, 1000),), currency="JPY"), 125000, "1,250\N{NO-BREAK SPACE}JPY"),
        (FULL, 5, "0.05 (points)"),
    ],
)
def test_a_score_with_what_it_counts(contest: Contest, hundredths: int, said: str) -> None:
    assert score(ENGLISH, contest, hundredths) == said
