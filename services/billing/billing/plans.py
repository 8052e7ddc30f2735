"""Plans: the credits that a paid invoice brings, each period once; a year's plan may bring them by the month."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.catalogue import Entry
from billing.shapes import Invoice, InvoiceLine

MONTHS = {"month": 1, "year": 12}

Charged = tuple[InvoiceLine, Entry]


@dataclass(frozen=True, slots=True)
class Part:
    """Credits for a time: one grant, made once for its key."""

    key: str
    price_id: str
    amount: int
    due_at: datetime
    expires_at: datetime | None


def unknown_prices(invoice: Invoice, known: Mapping[str, Entry]) -> set[str]:
    """Return the prices on an invoice that nothing is known of."""
    prices = {line.price_id for line in invoice.lines.data if line.amount}
    return {price for price in prices if price is not None and price not in known}


def parts_of(invoice: Invoice, known: Mapping[str, Entry], now: datetime) -> list[Part]:
    """Return what an invoice brings: the plan's credits for its period, or more of them after an upgrade.

    What is due first comes now, whenever the period began: it is paid, also where the plan has ended meanwhile.
    """
    whole: list[Charged] = []
    changed: list[Charged] = []
    for line in invoice.lines.data:
        entry = known.get(line.price_id or "")
        if entry is not None and entry.flaw is None and _is_charged(line, entry):
            (changed if line.is_proration else whole).append((line, entry))
    prefix = f"subscription:{invoice.subscription}"
    periods = [_of_period(prefix, line, entry, now) for line, entry in whole]
    replaced = _replaced(changed) if whole else 0
    parts = _less([part for period in periods for part in period], replaced)
    return _together([*parts, *_of_upgrade(prefix, changed, now)])


def given_back(invoice: Invoice, known: Mapping[str, Entry]) -> list[datetime]:
    """Return when the months were due of a year that is paid back, where nothing is charged for that time anew."""
    known_lines = ((line, known.get(line.price_id or "")) for line in invoice.lines.data)
    changed = [(line, entry) for line, entry in known_lines if entry and line.is_proration]
    return [month for line, entry in _gone(changed) for month in _months_begun(line, entry)]


def months_after(moment: datetime, count: int) -> datetime:
    """Return the same day some months later (or earlier), or the month's last where it has no such day."""
    months = moment.year * 12 + moment.month - 1 + count
    year, month = divmod(months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _is_charged(line: InvoiceLine, entry: Entry) -> bool:
    """Whether a line costs something, or would without a discount: a trial brings nothing."""
    return line.amount != 0 or entry.amount_cents == 0


def _of_period(prefix: str, line: InvoiceLine, entry: Entry, now: datetime) -> list[Part]:
    start, end = line.period.start, line.period.end
    starts = [months_after(start, number) for number in range(entry.grant_count)]
    keys = [f"{prefix}:{int(begins.timestamp())}" for begins in starts]
    return _in_turn(keys, entry, entry.credits * (line.quantity or 1), [*starts, end], now)


def _of_upgrade(prefix: str, lines: Sequence[Charged], now: datetime) -> list[Part]:
    """Return the difference for the rest of the period: what is charged for anew less what is taken back.

    Of the time that has begun it is the share that is left of it, as it is of the price.
    """
    gained = [(line, entry) for line, entry in lines if line.amount > 0]
    if not gained:
        return []
    line, entry = max(gained, key=lambda pair: pair[1].credits)
    end = line.period.end
    lost = [(old, was) for old, was in lines if old.amount < 0 and old.period.end == end]
    more = _credits(gained) - _credits(lost)
    if more <= 0:
        return []
    starts = [line.period.start, *_months_begun(line, entry)]
    count = line.quantity or 1
    upgrade = f"{prefix}:{int(end.timestamp())}:{entry.price_id}" + (
        f"x{count}" if count > 1 else ""
    )
    keys = [f"{upgrade}:{number}" for number in range(len(starts))]
    first, *rest = _in_turn(keys, entry, more, [*starts, end], now)
    share = round(more * _share_left(line, entry))
    return [replace(first, amount=share), *rest] if share else rest


def _replaced(lines: Sequence[Charged]) -> int:
    """Return the credits of the time that is paid back, where nothing is charged for that time anew.

    So it is when a plan gives way to one of another interval: its money is taken off the new one's price.
    """
    return sum(round(_credits([pair]) * _share_left(*pair)) for pair in _gone(lines))


def _gone(lines: Sequence[Charged]) -> list[Charged]:
    """Return the lines that pay a time back for which nothing is charged anew."""
    ends = {line.period.end for line, _ in lines if line.amount > 0}
    return [(line, was) for line, was in lines if line.amount < 0 and line.period.end not in ends]


def _less(parts: Sequence[Part], amount: int) -> list[Part]:
    """Return the parts with so many credits less, of those first that come first."""
    left = []
    for part in parts:
        taken = min(part.amount, amount)
        amount -= taken
        if part.amount > taken:
            left.append(replace(part, amount=part.amount - taken))
    return left


def _months_begun(line: InvoiceLine, entry: Entry) -> list[datetime]:
    """Return when each further grant of a line's time is due."""
    months = [months_after(line.period.end, -n) for n in range(entry.grant_count - 1, 0, -1)]
    return [month for month in months if month > line.period.start]


def _share_left(line: InvoiceLine, entry: Entry) -> float:
    """Return how much of the time that one grant is for is left when a line begins; a whole one is 1."""
    until = next(iter(_months_begun(line, entry)), line.period.end)
    months = 1 if entry.grant_count > 1 else MONTHS[entry.interval or "month"]
    return min(1.0, (until - line.period.start) / (until - months_after(until, -months)))


def _in_turn(
    keys: Sequence[str], entry: Entry, amount: int, moments: Sequence[datetime], now: datetime
) -> list[Part]:
    """Return a grant from each moment to the next, the first due now at the latest."""
    due = [min(moments[0], now), *moments[1:-1]]
    return [
        Part(key, entry.price_id, amount, due_at, _expiry(entry, ends, now))
        for key, due_at, ends in zip(keys, due, moments[1:], strict=True)
    ]


def _credits(lines: Sequence[Charged]) -> int:
    return sum(entry.credits * (line.quantity or 1) for line, entry in lines)


def _expiry(entry: Entry, end: datetime, now: datetime) -> datetime | None:
    """Return when credits for a time that ends then are gone, by the plan's rollover.

    What is paid for after its time is over is there for as long again.
    """
    months = 1 if entry.grant_count > 1 else MONTHS[entry.interval or "month"]
    if end <= now:
        end = months_after(now, months)
    match entry.rollover:
        case "unlimited":
            return None
        case "one_period":
            return months_after(end, months)
        case _:
            return end


def _together(parts: Sequence[Part]) -> list[Part]:
    """Return the parts, of those with one key their sum."""
    by_key: dict[str, Part] = {}
    for part in parts:
        before = by_key.get(part.key)
        amount = part.amount + (before.amount if before else 0)
        by_key[part.key] = Part(part.key, part.price_id, amount, part.due_at, part.expires_at)
    return list(by_key.values())
