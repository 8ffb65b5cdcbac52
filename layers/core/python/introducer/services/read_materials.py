"""What may a partner promote a campaign with, and which picture is behind an address?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from introducer.domain.creative import Material, MaterialStatus, chosen
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
    kind: str = "",
    language: str = "",
    dimensions: str = "",
    paused: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Offered:
    """A page of a campaign's materials, the newest first; with paused ones for those who may offer them again. `kind`,
    `language` and `dimensions` choose among them, and say nothing where they are empty."""
    found = [each for each in materials.of_campaign(campaign) if paused or each.status is MaterialStatus.ACTIVE]
    return offered(found, kind=kind, language=language, dimensions=dimensions, cursor=cursor, limit=limit)


def read_offered(materials: Materials, campaign: str) -> list[Material]:
    """All that partners are offered of a campaign, the newest first."""
    return [each for each in materials.of_campaign(campaign) if each.status is MaterialStatus.ACTIVE]


def offered(
    found: Sequence[Material],
    *,
    kind: str = "",
    language: str = "",
    dimensions: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Offered:
    """A page of these, and what can be chosen from among all of them."""
    banners = {each.dimensions: each.width * each.height for each in found if each.dimensions}
    fitting = chosen(found, kind=kind, language=language, dimensions=dimensions)
    if cursor is not None:
        # What it was behind may be removed by now: whatever is older stands after it.
        fitting = [each for each in fitting if _place(each) < cursor]
    return Offered(
        page=Page(tuple(fitting[:limit]), _place(fitting[limit - 1]) if len(fitting) > limit else None),
        sizes=tuple(sorted(banners, key=lambda each: (banners[each], each))),
        languages=tuple(sorted({each.language for each in found} - {""})),
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
