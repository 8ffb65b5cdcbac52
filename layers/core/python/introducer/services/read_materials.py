"""What may a partner promote a campaign with, and which picture is behind an address?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from introducer.domain.creative import Material, MaterialKind, MaterialStatus, chosen
from introducer.domain.errors import NotFound
from introducer.store.materials import Materials
from introducer.store.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A campaign's materials, chosen, and what can be chosen from."""

    page: Page[Material]
    sizes: tuple[str, ...]
    """Of its banners: `300x250`, the smallest area first."""
    languages: tuple[str, ...]
    """ISO 639-1."""


def read_materials(
    materials: Materials,
    campaign: str,
    *,
    kinds: Sequence[MaterialKind] = tuple(MaterialKind),
    kind: str = "",
    language: str = "",
    dimensions: str = "",
    paused: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Offered:
    """A page of a campaign's materials of these kinds, the newest first; with paused ones for those who may offer them
    again. `kind`, `language` and `dimensions` choose among them, and say nothing where they are empty."""
    of_kinds = [
        each
        for each in materials.of_campaign(campaign)
        if each.kind in kinds and (paused or each.status is MaterialStatus.ACTIVE)
    ]
    banners = {each.dimensions: each.width * each.height for each in of_kinds if each.dimensions}
    found = chosen(of_kinds, kind=kind, language=language, dimensions=dimensions)
    if cursor is not None:
        # What it was behind may be removed by now: whatever is older stands after it.
        found = [each for each in found if _place(each) < cursor]
    return Offered(
        page=Page(tuple(found[:limit]), _place(found[limit - 1]) if len(found) > limit else None),
        sizes=tuple(sorted(banners, key=lambda each: (banners[each], each))),
        languages=tuple(sorted({each.language for each in of_kinds} - {""})),
    )


def served_picture(materials: Materials, material: str) -> Material:
    """The banner whose picture is shown to whoever opens its address. Raises `NotFound`: there is none, or it was
    removed."""
    found = materials.material(material)
    if not found.is_served:
        raise NotFound("There is no such picture.")
    return found


def _place(material: Material) -> str:
    return f"{material.created.isoformat(timespec='milliseconds')} {material.material}"
