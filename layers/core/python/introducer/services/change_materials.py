"""Staff add what partners promote a campaign with, pause it, offer it again, and remove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from introducer.domain.configuration import Change, Member
from introducer.domain.creative import (
    MOST_MATERIALS,
    Material,
    MaterialKind,
    MaterialStatus,
    a_banner,
    a_text,
    check_writer,
)
from introducer.domain.errors import Conflict, NotFound
from introducer.gateways.pictures import Pictures
from introducer.services.creation import Clock, now
from introducer.services.people import by_member
from introducer.store.configuration import Configuration
from introducer.store.materials import Materials


def add_banner(
    configuration: Configuration,
    materials: Materials,
    pictures: Pictures,
    *,
    member: Member,
    campaign: str,
    name: str,
    language: str,
    content: bytes,
    clock: Clock,
) -> Material:
    """The banner, which partners are offered from now on. The same picture under the same name is there once, however
    often it is sent; one that was removed is there again.

    Raises `Forbidden`, `NotFound` for another brand's campaign, `Conflict` (`too_many_materials`), and what `a_banner`
    raises.
    """
    check_writer(member.role)
    configuration.campaign(member.brand, campaign)
    new = a_banner(
        member.brand, campaign, name=name, language=language, content=content, at=now(clock), by=member.member
    )

    def keep() -> None:
        # Before the item: what is offered can be shown.
        pictures.keep(new.material, content, new.content_type)

    return _add(materials, member, new, keep)


def add_text(
    configuration: Configuration,
    materials: Materials,
    *,
    member: Member,
    campaign: str,
    kind: MaterialKind,
    name: str,
    language: str,
    text: str,
    clock: Clock,
) -> Material:
    """The text link or text to share; as `add_banner`, with what `a_text` raises."""
    check_writer(member.role)
    configuration.campaign(member.brand, campaign)
    new = a_text(
        member.brand, campaign, kind=kind, name=name, language=language, text=text, at=now(clock), by=member.member
    )
    return _add(materials, member, new, lambda: None)


def set_material_status(
    materials: Materials,
    pictures: Pictures,
    *,
    member: Member,
    campaign: str,
    material: str,
    status: MaterialStatus,
    clock: Clock,
) -> Material:
    """The material, paused, offered again, or removed for good. Again changes nothing.

    Raises `Forbidden`; `NotFound` for another campaign's or brand's; `Conflict`: `material_removed`, or
    `material_changed` where somebody else changes it at once.
    """
    check_writer(member.role)
    found = material_of(materials, member.brand, campaign, material)
    if found.status is not status:
        if found.status is MaterialStatus.REMOVED:
            raise Conflict("This was removed: add it anew.", code="material_removed")
        after = replace(found, status=status, version=found.version + 1)
        actions = {
            MaterialStatus.ACTIVE: "resume_material",
            MaterialStatus.PAUSED: "pause_material",
            MaterialStatus.REMOVED: "remove_material",
        }
        materials.write(found, after, _change(member, clock), actions[status])
        found = after
    if status is MaterialStatus.REMOVED and found.kind is MaterialKind.BANNER:
        # Again for one that is removed: the bucket may not have answered before.
        pictures.remove(material)
    return found


def material_of(materials: Materials, brand: str, campaign: str, material: str) -> Material:
    """One of a brand's campaign. Raises `NotFound`."""
    found = materials.material(material)
    if (found.brand, found.campaign) != (brand, campaign):
        raise NotFound("There is no such material.")
    return found


def _add(materials: Materials, member: Member, new: Material, keep: Callable[[], None]) -> Material:
    def again() -> Material | None:
        try:
            return materials.material(new.material)
        except NotFound:
            return None

    before = again()
    if before is not None and before.status is not MaterialStatus.REMOVED:
        # Once more: removing takes its picture away last, maybe while somebody else brought it back.
        keep()
        return before
    if len(materials.of_campaign(new.campaign)) >= MOST_MATERIALS:
        raise Conflict(
            f"A campaign has at most {MOST_MATERIALS} materials: remove some first.", code="too_many_materials"
        )
    keep()
    after = new if before is None else replace(new, version=before.version + 1)
    change = Change(by=member.member, at=new.created, why="added in the portal", origin="portal")
    try:
        materials.write(before, after, change, "add_material")
    except Conflict:
        # Of two presses at once the slower one finds it there.
        found = again()
        if found is None or found.status is MaterialStatus.REMOVED:
            raise
        return found
    return after


def _change(member: Member, clock: Clock) -> Change:
    return by_member(member, now(clock), "changed in the portal")
