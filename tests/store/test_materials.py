"""What campaigns are promoted with: asked by id and by campaign, changed in one transaction with its record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import AuditRecord, Change
from introducer.domain.creative import Material, MaterialKind, MaterialStatus, a_text
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.ids import derived_id
from introducer.store.configuration import Configuration
from introducer.store.materials import Materials
from tests.conftest import Tables
from tests.support.builders import at

pytestmark = pytest.mark.in_memory

NOW = at("2026-04-02 09:30")
CHANGE = Change(by="mem_manager", at=NOW, why="added", origin="portal")


@pytest.fixture
def materials(tables: Tables) -> Materials:
    return Materials(tables.books)


def a_banner_of(campaign: str = "cmp_1", minutes: int = 0, **other: Any) -> Material:
    given: dict[str, Any] = {
        "material": derived_id("mat", campaign, minutes), "brand": "brd_1", "campaign": campaign, "name": "Spring",
        "kind": MaterialKind.BANNER, "language": "pl", "content_type": "image/png", "width": 300, "height": 250,
        "size": 1_234, "digest": "d1", "created": NOW + timedelta(minutes=minutes), "created_by": "mem_manager",
    }  # fmt: skip
    return Material(**given | other)


def added(materials: Materials, *found: Material) -> None:
    for each in found:
        materials.write(None, each, CHANGE, "add_material")


@pytest.mark.pattern("material_by_id")
def test_a_material_comes_back_as_it_was_added(materials: Materials) -> None:
    banner = a_banner_of()
    text = a_text("brd_1", "cmp_1", kind=MaterialKind.SHARE, name="A # 100 %", language="", text="Hi\n{link}", at=NOW,
                  by="mem_manager")  # fmt: skip
    added(materials, banner, text)
    assert materials.material(banner.material) == banner
    assert materials.material(text.material) == text
    for name in ("mat_none", "#", "", "mat_" + "0" * 26, "mat_" + "0" * 3_000):
        with pytest.raises(NotFound):
            materials.material(name)


@pytest.mark.pattern("materials_of_campaign")
def test_a_campaign_lists_its_own_the_newest_first_without_what_was_removed(materials: Materials) -> None:
    one, two, three = (a_banner_of(minutes=minutes) for minutes in (0, 1, 2))
    added(materials, two, one, three, a_banner_of("cmp_2"))
    paused = replace(two, status=MaterialStatus.PAUSED, version=2)
    materials.write(two, paused, CHANGE, "pause_material")
    removed = replace(one, status=MaterialStatus.REMOVED, version=2)
    materials.write(one, removed, CHANGE, "remove_material")
    assert materials.of_campaign("cmp_1") == [three, paused]
    assert materials.material(one.material) == removed
    assert materials.of_campaign("cmp_3") == []


def test_a_change_meets_what_was_read_or_nothing(materials: Materials, tables: Tables) -> None:
    banner = a_banner_of()
    added(materials, banner)
    paused = replace(banner, status=MaterialStatus.PAUSED, version=2)
    materials.write(banner, paused, CHANGE, "pause_material")
    later = replace(CHANGE, at=NOW + timedelta(seconds=1))
    for before in (None, banner):
        with pytest.raises(Conflict) as raised:
            materials.write(before, replace(banner, name="Other", version=2), later, "add_material")
        assert raised.value.code == "material_changed"
    trail: list[AuditRecord] = list(Configuration(tables.books).audit_of_subject(banner.material).items)
    assert sorted((each.brand, each.action, each.by) for each in trail) == [
        ("brd_1", "add_material", "mem_manager"), ("brd_1", "pause_material", "mem_manager"),
    ]  # fmt: skip
