"""What the CRM works out of its rules, for rows that do not come through it: the lines of a
premium, a customer's segment. A test compares both with the CRM's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from db.pool import Connection

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal(0)
RATES = """
SELECT DISTINCT ON (kind, line) kind, line, rate, flat FROM premium_rates
WHERE valid_from <= $1 ORDER BY kind, line, valid_from DESC
"""
MIN_OFFERS = "SELECT line, min_offers FROM quote_rules"
RULES = "SELECT segment, conditions FROM segment_rules ORDER BY ordinal"
STANDING = """
SELECT c.id, c.kind, p.policies, p.past_policies, p.vehicles, p.annual_premium,
       coalesce(($2::date - p.since) * 4 / 1461, 0) AS years,
       (SELECT count(*) FROM claims l
        WHERE l.customer_id = c.id AND l.status NOT IN ('denied', 'paid')) AS open_claims,
       (SELECT count(*) FROM receipts r JOIN policies o ON o.id = r.policy_id
        WHERE o.customer_id = c.id AND r.state <> 'cancelled' AND r.paid_at IS NULL
          AND r.total > 0 AND r.due_on < $2::date) AS unpaid_receipts
FROM customers c, LATERAL (
    SELECT count(*) FILTER (WHERE status IN ('active', 'suspended')) AS policies,
           count(*) FILTER (WHERE status IN ('expired', 'cancelled', 'replaced')) AS past_policies,
           count(*) FILTER (WHERE status IN ('active', 'suspended') AND vehicle_plate IS NOT NULL)
               AS vehicles,
           coalesce(sum(premium_amount) FILTER (WHERE status IN ('active', 'suspended')), 0)
               AS annual_premium,
           min(coverage_start_date) FILTER (WHERE status NOT IN ('proposal', 'pending')) AS since
    FROM policies WHERE customer_id = c.id) p
WHERE c.id = ANY ($1::uuid[])
"""
SET_SEGMENTS = """
UPDATE customers c SET segment = s.segment
FROM unnest($1::uuid[], $2::text[]) AS s (id, segment) WHERE c.id = s.id
"""
Rates = Mapping[tuple[str, str], tuple[Decimal | None, Decimal | None]]
"""(kind, line) → share, sum."""


async def rates(conn: Connection, today: date) -> Rates:
    rows = await conn.fetch(RATES, today)
    return {(row["kind"], row["line"]): (row["rate"], row["flat"]) for row in rows}


async def min_offers(conn: Connection) -> dict[str, int]:
    """Line → how many offers a quote compares at least."""
    return {row["line"]: row["min_offers"] for row in await conn.fetch(MIN_OFFERS)}


def premium_lines(
    line: str, net: Decimal, held: Rates, *, capital: Decimal = ZERO, compulsory: Decimal = ZERO
) -> dict[str, Decimal]:
    """Kind → amount of a year's premium paid at once; lines of zero are left out."""

    def of(kind: str, base: Decimal) -> Decimal:
        share, flat = held.get((kind, line)) or held.get((kind, "*")) or (ZERO, None)
        amount = flat if flat is not None else base * (share or ZERO)
        return amount.quantize(CENT, ROUND_HALF_UP)

    amounts = {
        "net": net,
        "ips": of("ips", net),
        "extraordinary": of("extraordinary", capital) if line == "auto" or capital else ZERO,
        "compulsory_motor": of("compulsory_motor", compulsory),
        "winding_up": of("winding_up", net),
    }
    return {kind: amount for kind, amount in amounts.items() if amount}


async def set_segments(conn: Connection, customer_ids: Sequence[Any], today: date) -> None:
    """Give each customer the segment of the first of the centre's rules that holds on a day."""
    rules = [(row["segment"], row["conditions"]) for row in await conn.fetch(RULES)]
    rows = await conn.fetch(STANDING, customer_ids, today)
    segments = [
        next((s for s, wanted in rules if all(_holds(r[f], c) for f, c in wanted.items())), None)
        for r in rows
    ]
    await conn.execute(SET_SEGMENTS, [row["id"] for row in rows], segments)


def _holds(value: Any, condition: Mapping[str, Any]) -> bool:
    if "is" in condition and value != condition["is"]:
        return False
    if "min" in condition and value < Decimal(str(condition["min"])):
        return False
    return "max" not in condition or value <= Decimal(str(condition["max"]))
