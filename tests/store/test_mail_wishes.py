"""The questions about what may go to whom, asked of real tables: what is due, wishes, addresses, figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.mail import Mail, MailStatus, MailTemplate, Seen, new_mail
from introducer.domain.mail_pace import Pace, Taken
from introducer.domain.mail_preferences import MailPreferences, switched
from introducer.domain.mail_text import text_of
from introducer.domain.mail_topics import Topic
from introducer.domain.suppressing import Suppressed, address_hash, lifted
from introducer.store.mail_figures import Figures, MailFigures, met_update, shard_of
from introducer.store.mail_preferences import MemberMails
from introducer.store.mail_texts import MailTexts
from introducer.store.mails import Mails
from introducer.store.paces import Known, Paces
from introducer.store.reservations import write_all
from introducer.store.suppressions import Suppressions
from introducer.store.wire import connect
from tests.conftest import Tables

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
PARTNER, BRAND = "par_p", "brd_1"
CHANGE = Change(by="mem_1", at=NOW, why="a test")

pytestmark = pytest.mark.in_memory


def a_mail(what: str = "kyc_1 refused", series: str = "", **other: object) -> Mail:
    return new_mail(what, MailTemplate.VERIFICATION_DECIDED, {"decision": "refused", "reason": ""}, brand=BRAND,
                    partner=PARTNER, at=NOW, series=series, **other)  # type: ignore[arg-type] # fmt: skip


@pytest.mark.pattern("mails_due")
def test_mails_that_wait_for_a_moment_are_listed_by_it_and_nowhere_else(tables: Tables) -> None:
    mails = Mails(tables.books)
    moments = [NOW + timedelta(hours=hours) for hours in (3, 1, 2)]
    waiting = [a_mail(f"step {hour}", not_before=moment) for hour, moment in enumerate(moments)]
    mails.put_all([*waiting, a_mail("at once")])

    def due(at: datetime) -> list[str]:
        return [mail.what for mail in mails.due(BRAND, at).items]

    assert due(NOW) == []
    assert due(moments[2]) == ["step 1", "step 2"]
    assert [mail.what for mail in mails.unsent(BRAND).items] == ["at once"]
    # one that goes on is due no more, and only while it waits for that very moment
    went = mails.release(waiting[1], permitted=True)
    assert (mails.mail(PARTNER, went.mail), due(moments[2])) == (went, ["step 2"])
    with pytest.raises(Conflict):
        mails.release(waiting[1], permitted=True)
    # and one that is claimed is not postponed
    mails.mark(went, MailStatus.SENDING, NOW)
    with pytest.raises(Conflict):
        mails.postpone(went, moments[0])


@pytest.mark.pattern("mail_text_by_digest")
def test_a_text_is_kept_as_it_was_under_its_digest(tables: Tables) -> None:
    texts, text = MailTexts(tables.books), text_of("A subject", "Hello {name}.")
    kept = texts.keep(BRAND, text)
    assert texts.keep(BRAND, text) == kept != texts.keep(BRAND, text_of("Another", "Hello {name}."))
    assert texts.text(BRAND, kept) == text
    with pytest.raises(NotFound):
        texts.text("brd_other", kept)


@pytest.mark.pattern("mail_preferences_of_member")
def test_preferences_change_under_the_version_that_was_read(tables: Tables) -> None:
    store = MemberMails(tables.books)
    nobody_chose = store.preferences("mem_1")
    assert nobody_chose == MailPreferences(member="mem_1")
    chosen = replace(switched(nobody_chose, [Topic.NEWS]), time_zone="Asia/Bangkok")
    store.change(BRAND, nobody_chose, chosen, CHANGE)
    assert store.preferences("mem_1") == chosen
    with pytest.raises(Conflict):
        store.change(BRAND, nobody_chose, switched(nobody_chose, []), CHANGE)
    assert store.preferences("mem_2").off == frozenset()


def an_address(reason: str = "bounced", mail: str = "mail_1") -> Suppressed:
    hashed = address_hash(b"k" * 32, "Ann@Example.com ")
    return Suppressed(brand=BRAND, hash=hashed, reason=reason, since=NOW, member="mem_1", partner=PARTNER, mail=mail)


@pytest.mark.pattern("suppressed_address")
def test_a_lifted_address_is_suppressed_by_another_bounce_and_not_by_the_same_one(tables: Tables) -> None:
    store, bounced = Suppressions(tables.books), an_address()
    assert bounced.hash == address_hash(b"k" * 32, "ann@example.com")
    assert store.suppress(bounced, CHANGE)
    assert not store.suppress(an_address(mail="mail_2"), replace(CHANGE, at=NOW + timedelta(1)))
    after = lifted(bounced, "mem_9", NOW)
    store.lift(bounced, after, CHANGE)
    assert store.address(BRAND, bounced.hash) == after
    assert not store.suppress(bounced, replace(CHANGE, at=NOW + timedelta(2)))
    assert store.suppress(an_address(mail="mail_3"), replace(CHANGE, at=NOW + timedelta(3)))
    # a complaint stands above a bounce, and nobody else takes it back
    assert store.suppress(an_address("complained", "mail_3"), replace(CHANGE, at=NOW + timedelta(4)))
    found = store.address(BRAND, bounced.hash)
    assert found is not None
    assert found.reason == "complained"
    with pytest.raises(Conflict) as refused:
        lifted(found, "mem_9", NOW)
    assert refused.value.code == "complained"
    assert store.address("brd_other", bounced.hash) is None


@pytest.mark.pattern("suppressed_of")
def test_addresses_are_listed_under_whose_they_are(tables: Tables) -> None:
    store = Suppressions(tables.books)
    store.suppress(an_address(), CHANGE)
    store.suppress(replace(an_address(), hash="another", partner="", member="mem_staff"), CHANGE)
    assert [each.member for each in store.of(PARTNER)] == ["mem_1"]
    assert [each.member for each in store.of(BRAND)] == ["mem_staff"]
    store.forget(an_address())
    assert store.of(PARTNER) == []


@pytest.mark.pattern("mail_by_message")
def test_a_sent_mail_is_found_by_the_services_id_of_it(tables: Tables) -> None:
    mails = Mails(tables.books)
    mails.put(a_mail())
    sent = mails.sent(mails.mark(a_mail(), MailStatus.SENDING, NOW), "0100-abc", NOW)
    assert mails.mail(PARTNER, sent.mail) == sent
    assert mails.by_message("0100-abc") == (PARTNER, sent.mail)
    assert mails.by_message("0100-xyz") is None
    with pytest.raises(Conflict):
        mails.sent(sent, "0100-other", NOW)


def test_of_two_who_write_at_once_that_it_was_sent_one_is_told_that_it_is_written(tables: Tables) -> None:
    # The outbox, and what takes SES's word for it: each by its own clock, and neither has to come again.
    mails = Mails(tables.books)
    mails.put(a_mail())
    claimed = mails.mark(a_mail(), MailStatus.SENDING, NOW)
    sent = mails.sent(claimed, "0100-abc", NOW)
    with pytest.raises(Conflict):
        mails.sent(claimed, "0100-abc", NOW + timedelta(milliseconds=7))
    assert mails.mail(PARTNER, sent.mail) == sent


@pytest.mark.pattern("figures_of_series")
@pytest.mark.pattern("mail_figures_of_brand")
def test_each_mail_counts_once_with_its_series(tables: Tables) -> None:
    mails, figures = Mails(tables.books), MailFigures(tables.books)
    written = [a_mail("one", "seq:seq_1:welcome"), a_mail("two", "seq:seq_1:welcome"), a_mail("three")]
    mails.put_all(written)
    for mail in (*written, *written):
        mails.saw(mail, Seen.SENT)
    assert mails.saw(written[0], Seen.OPENED)
    assert not mails.saw(mails.mail(PARTNER, written[0].mail), Seen.OPENED)
    assert figures.of_series(BRAND, "seq:seq_1:welcome") == Figures(sent=2, opened=1)
    assert figures.of_brand(BRAND) == {
        "seq:seq_1:welcome": Figures(sent=2, opened=1),
        "verification_decided": Figures(sent=1),
    }
    assert mails.mail(PARTNER, written[0].mail).seen == {Seen.SENT, Seen.OPENED}


def test_partners_who_reach_a_goal_are_counted_apart_and_summed(tables: Tables) -> None:
    # Many may reach it at once, and two transactions that raise one item meet.
    connection, brand, series = connect(tables.books), BRAND, "seq:seq_1:welcome"
    for number in range(40):
        update = met_update(connection, tables.books, brand, series, partner=f"par_{number}")
        assert write_all(connection, (), (update,), (), token=f"met-{number}")
    assert MailFigures(tables.books).of_series(brand, series) == Figures(met=40)
    items = tables.client.scan(TableName=tables.books)["Items"]
    assert len(items) == len({shard_of(f"par_{number}") for number in range(40)}) > 10


@pytest.mark.pattern("pace_of_mails")
def test_permits_are_shared_by_all_who_send_and_fill_by_the_clock(tables: Tables) -> None:
    paces, others = Paces(tables.books), Paces(tables.books)
    assert paces.rate() is None
    paces.keep_rate(Known(14, 1_000))
    paces.keep_rate(Known(1, 900))
    assert paces.rate() == Known(14, 1_000)
    # A full store at first: a quarter of a second's worth.
    assert (paces.take(8, 40, 5_000_000).granted, others.take(8, 40, 5_000_000).granted) == (8, 2)
    assert (paces.take(1, 10, 5_000_000).granted, paces.take(1, 10, 5_000_000).wait) == (0, 100)
    assert others.take(3, 10, 5_000_200).granted == 2


def test_what_a_clock_left_that_was_far_ahead_is_put_right_by_the_next_who_asks(tables: Tables) -> None:
    paces, noon, tomorrow = Paces(tables.books), 5_000_000, 95_000_000
    assert paces.take(10, 40, tomorrow).granted == 10
    paces.keep_rate(Known(2, tomorrow))
    assert paces.take(1, 10, noon) == Taken(Pace(0, noon), 0, 100)
    assert paces.take(1, 10, noon + 100).granted == 1
    paces.keep_rate(Known(14, noon))
    assert paces.rate() == Known(14, noon)
