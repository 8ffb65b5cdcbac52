"""Joint proposals: written once, decided once, and listed by where they stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden, NotFound
from introducer.domain.joint_proposal import JointProposal, JointStatus, decided
from introducer.store.configuration import Configuration
from introducer.store.joint_proposals import JointProposals
from tests.conftest import Tables
from tests.support.builders import at

NOW = at("2026-04-02 09:30")
CHANGE = Change(by="mem_writer", at=NOW, why="spring offer")


def a_proposal(number: int = 1, **fields: object) -> JointProposal:
    made = JointProposal(
        proposal=f"jpr_{number:026d}", brand="brd_1", partners=("par_1", "par_2"), terms="{}", terms_hash="hash",
        begins=at("2026-05-01"), reason="spring offer", proposed_by="mem_writer",
        proposed_at=NOW + timedelta(minutes=number),
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def a_member(name: str, role: Role = Role.MANAGER) -> Member:
    return Member(
        member=name, brand="brd_1", partner=None, role=role, name=name, language="en", signed_out_at=None,
    )  # fmt: skip


@pytest.mark.pattern("joint_proposal_by_id")
def test_one_is_written_once_and_decided_once(tables: Tables) -> None:
    books, made = JointProposals(tables.books), a_proposal()
    books.write(made, CHANGE)
    books.write(made, CHANGE)
    with pytest.raises(Conflict):
        books.write(made, replace(CHANGE, at=NOW + timedelta(hours=1)))
    assert books.proposal("brd_1", made.proposal) == made

    after = decided(made, a_member("mem_second"), NOW, "as agreed", approve=True)
    books.decide(made, after, replace(CHANGE, by="mem_second"))
    assert books.proposal("brd_1", made.proposal) == after
    with pytest.raises(Conflict):
        books.decide(made, decided(made, a_member("mem_third"), NOW, "no", approve=False), CHANGE)

    trail = Configuration(tables.books).audit_of_subject(made.proposal).items
    assert {(each.action, each.by) for each in trail} == {
        ("propose_jointly", "mem_writer"), ("decide_joint_proposal", "mem_second"),
    }  # fmt: skip
    for brand, name in (("brd_2", made.proposal), ("brd_1", "jpr_1"), ("brd_1", f"jpr_{9:026d}")):
        with pytest.raises(NotFound):
            books.proposal(brand, name)


@pytest.mark.pattern("joint_proposals_of_brand")
def test_they_are_listed_by_where_they_stand_the_newest_first(tables: Tables) -> None:
    books = JointProposals(tables.books)
    for number in (1, 2, 3):
        books.write(a_proposal(number), CHANGE)
    books.write(a_proposal(4, brand="brd_2"), CHANGE)
    second = a_proposal(2)
    books.decide(second, decided(second, a_member("mem_second"), NOW, "not now", approve=False), CHANGE)

    first = books.of_brand("brd_1", JointStatus.WAITING, limit=1)
    rest = books.of_brand("brd_1", JointStatus.WAITING, first.cursor)

    assert [each.proposal for each in (*first.items, *rest.items)] == [f"jpr_{n:026d}" for n in (3, 1)]
    assert [each.word for each in books.of_brand("brd_1", JointStatus.REFUSED).items] == ["not now"]


def test_who_wrote_it_does_not_let_it_out_and_may_take_it_back() -> None:
    made = a_proposal()
    with pytest.raises(Forbidden, match="another person"):
        decided(made, a_member("mem_writer"), NOW, "it is fine", approve=True)
    with pytest.raises(Forbidden):
        decided(made, a_member("mem_second", Role.FINANCE), NOW, "it is fine", approve=True)
    refused = decided(made, a_member("mem_writer"), NOW, "a slip", approve=False)
    assert (refused.status, refused.decided_by, refused.word) == (JointStatus.REFUSED, "mem_writer", "a slip")
    with pytest.raises(Conflict):
        decided(refused, a_member("mem_second"), NOW, "yes", approve=True)
    assert decided(refused, a_member("mem_second"), NOW, "no", approve=False) is refused
