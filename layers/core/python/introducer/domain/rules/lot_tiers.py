"""Lot rebates with tiers: the month's commission over all clients, and what the bands give on top."""

from __future__ import annotations

from collections import defaultdict

from introducer.domain.deal import PERCENT_ONE, Basis, Lot, Mode, Tiers, Whose
from introducer.domain.events import LOT
from introducer.domain.ledger import Line
from introducer.domain.money import FINE, decimal_string, round_ratio, show_ratio
from introducer.domain.partner_month import Month, largest
from introducer.domain.rules.lot import paid_lots
from introducer.domain.rules.target import Target, Targets
from introducer.domain.rules.tier_lines import basis_line, gain_line, inside

_UNIT = FINE * PERCENT_ONE


def targets(seen: Month) -> Targets:
    """What tiered lot rules owe for the month."""
    commissions: dict[tuple[str, str], dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    clients: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for client, row in seen.rows.items():
        for rule_id, number, part, fine in row.cells:
            if "~" not in rule_id and isinstance(seen.contracts.rule(seen.partner, number, rule_id), Lot):
                lane = (rule_id, seen.version(number).deal.currency)
                commissions[lane][number, part] += fine
                clients[lane][client] += fine
    owed: Targets = {}
    for (rule_id, currency), parts in sorted(commissions.items()):
        lines: list[Line] = []
        total = lots_before = 0
        lots = _lots(seen, rule_id)
        versions = sorted({number for number, _ in (*parts, *lots)}, key=seen.order)
        priced = [number for number in versions if any(version == number for version, _ in parts)]
        for number in versions:
            rule = seen.contracts.rule(seen.partner, number, rule_id)
            assert isinstance(rule, Lot)
            all_lots = sum(value for (version, _), value in lots.items() if version == number)
            if number in priced:
                commission = sum(fine for (version, _), fine in parts.items() if version == number)
                lines.append(Line("lot_commission", show_ratio(commission, FINE, currency), (str(number),)))
                total += commission * PERCENT_ONE
                if rule.tiers is not None:
                    own = lots.get((number, Whose.PROGRAM.value), 0)
                    program = parts.get((number, Whose.PROGRAM.value), 0)
                    ends = lots_before + all_lots
                    total += _uplift(seen, rule.tiers, number, program, own, (ends - own, ends), currency, lines)
            lots_before += all_lots
        minor = round_ratio(total, _UNIT)
        lines.append(Line("rounded", decimal_string(minor, currency)))
        for client, fine in largest(clients[rule_id, currency].items()):
            lines.append(Line("contribution", show_ratio(fine, FINE, currency), (client, "lot_commission")))
        owed[seen.key(rule_id, priced[-1])] = Target(minor, "lot", priced[-1], tuple(lines))
    return owed


def _lots(seen: Month, rule_id: str) -> dict[tuple[int, str], int]:
    """The lots that a rule pays for, by version and part."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    for row in seen.rows.values():
        for cell, number, part, value in row.cells:
            if cell == paid_lots(rule_id):
                found[number, part] += value
    return found


def _uplift(
    seen: Month,
    tiers: Tiers,
    number: int,
    commission: int,
    lots: int,
    span: tuple[int, int],
    currency: str,
    lines: list[Line],
) -> int:
    """What the bands give a version's lots at the program's price; `span` is where they lie in the month's lots."""
    by_lots = tiers.by is Basis.LOTS
    activity = span[1] if by_lots else seen.activity(tiers.by, seen.version(number))
    lines.append(basis_line(tiers.by, activity, currency))
    gains: list[tuple[int, int]] = []
    if tiers.mode is Mode.RETROACTIVE:
        band = tiers.reached(activity, FINE if tiers.by is Basis.NET_REVENUE else 1)
        if band is not None:
            gain = band.add * lots * (FINE // LOT) * PERCENT_ONE + commission * band.percent
            gains.append((band.start, gain))
    else:
        for index, band in enumerate(tiers.bands):
            high = tiers.bands[index + 1].start if index + 1 < len(tiers.bands) else None
            part = inside(span[1], band.start, high) - inside(span[0], band.start, high)
            gains.append((band.start, band.add * part * (FINE // LOT) * PERCENT_ONE))
    bands = {band.start: band for band in tiers.bands}
    for start, gain in gains:
        if gain:
            lines.append(gain_line(tiers, bands[start], show_ratio(gain, _UNIT, currency), currency))
    return sum(gain for _, gain in gains)
