"""Notes about partners: the questions about them, asked of real tables; written once, on record without their words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from introducer.domain.configuration import Change, Member, Partner, PartnerKind, Role, Status
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.services.note_partner import LONGEST, note_partner
from introducer.store.configuration import Configuration
from introducer.store.partner_notes import PartnerNote, PartnerNotes
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 11, 30, 9, 12, 31, tzinfo=UTC)


def staff(name: str, brand: str) -> Member:
    return Member(
        member=f"mem_{name}", partner=None, brand=brand, role=Role.SALES, name=name, language="en",
        signed_out_at=None,
    )  # fmt: skip


@pytest.mark.pattern("partner_notes_of_partner")
@pytest.mark.pattern("partner_note_by_id")
def test_a_note_is_written_once_and_the_newest_comes_first(tables: Tables) -> None:
    # given two partners of a brand
    configuration, notes = Configuration(tables.books), PartnerNotes(tables.books)
    partner, other = "par_1", "par_2"
    for each in (partner, other):
        configuration.register_partner(
            Partner(
                partner=each, brand="brd_1", name="Harbour", kind=PartnerKind.AFFILIATE, status=Status.ACTIVE,
                parent=None, manager=None, country="DE", language="en", currency="EUR", email_hash=None, created=NOW,
            ),
            Change(by="system:test", at=NOW, why="set up"),
        )  # fmt: skip
    member = staff("sam", "brd_1")

    def noted(text: str, request: str, minute: int = 0, about: str = partner) -> PartnerNote:
        return note_partner(
            configuration, notes, member=member, partner=about, text=text, request=request,
            clock=lambda: NOW + timedelta(minutes=minute), random=bytes,
        )  # fmt: skip

    # when
    first = noted(" Called:\r\nwants a banner ", "r1")
    again = noted("Called:\nwants a banner", "r1", 5)
    second = noted("Has moved to Poland", "r2", 1)
    noted("About somebody else", "r1", 2, other)

    # then
    assert again == first and first.text == "Called:\nwants a banner"
    page = notes.of_partner(partner, limit=1)
    assert page.items == (second,)
    assert notes.of_partner(partner, page.cursor).items == (first,)
    assert notes.note(partner, first.note) == first
    records = [each for each in configuration.audit_of_subject(partner).items if each.action == "write_note"]
    assert [each.by for each in records] == ["mem_sam", "mem_sam"]
    assert "banner" not in str(records)
    with pytest.raises(Conflict):
        noted("Something else", "r1")
    for text in ("", "ab", "x" * (LONGEST + 1)):
        with pytest.raises(Invalid, match="3 to 2000"):
            noted(text, "r3")
    with pytest.raises(NotFound):
        notes.note(other, first.note)
    with pytest.raises(NotFound):
        note_partner(
            configuration, notes, member=staff("eve", "brd_other"), partner=partner, text="Hello", request=None,
            clock=lambda: NOW, random=bytes,
        )  # fmt: skip
