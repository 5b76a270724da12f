"""PURE. A quote's life and its price.

    draft ──► sent ──► accepted ──► (a policy, once)
      │         ├────► rejected
      └────►────┴────► expired

A quote may be sent only with what RDL 3/2020 asks of a mediator (`missing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from crm.policies.model import CENT
from crm.policies.premium import PremiumLine, Rate, premium_lines, total

Status = Literal["draft", "sent", "accepted", "rejected", "expired"]
EDGES: Final[Mapping[Status, frozenset[Status]]] = {
    "draft": frozenset({"sent", "expired"}),
    "sent": frozenset({"accepted", "rejected", "expired"}),
    "accepted": frozenset(),
    "rejected": frozenset(),
    "expired": frozenset(),
}


def sources(after: Status) -> tuple[Status, ...]:
    return tuple(state for state, to in EDGES.items() if after in to)


# Price -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """A discount or surcharge: a share of the base premium (`rate`), or a sum."""

    type: str
    rate: Decimal | None = None
    amount: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """An item as it counts; `capped`: less than it says."""

    item: Item
    amount: Decimal
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    discounts: tuple[Priced, ...]
    surcharges: tuple[Priced, ...]
    lines: tuple[PremiumLine, ...]
    total: Decimal


DISCOUNT_CAP: Final = Decimal("0.40")
"""Of the base premium; a commercial rule of ours, so that nothing is given away by addition."""


def apply_discounts(base: Decimal, items: Sequence[Item]) -> tuple[Priced, ...]:
    """Discounts in the order: shares first, each of what the ones before it have left, then sums.

    Together they are never more than 40 % of the base premium: the one that reaches the cap is cut,
    later ones come to nothing. Each amount is rounded half up to the cent.
    """
    ordered = sorted(items, key=lambda item: item.rate is None)  # stable: given order otherwise
    left, room, done = base, base * DISCOUNT_CAP, []
    for item in ordered:
        wanted = _amount(item, left)
        given = min(wanted, room.quantize(CENT, ROUND_HALF_UP))
        done.append(Priced(item, given, capped=given < wanted))
        left, room = left - given, room - given
    return tuple(done)


def price(
    line: str,
    base: Decimal,
    discounts: Sequence[Item],
    surcharges: Sequence[Item],
    frequency: str,
    rates: Mapping[tuple[str, str], Rate],
    **parts: Decimal,
) -> Price:
    """total = base − discounts + surcharges (= net) + instalment surcharge + taxes + Consorcio.

    Surcharges are of the base premium, whatever is discounted. `parts`: capital, compulsory, rider
    (crm.policies.premium).
    """
    less = apply_discounts(base, discounts)
    more = tuple(Priced(item, _amount(item, base)) for item in surcharges)
    net = (
        base - sum((p.amount for p in less), Decimal(0)) + sum((p.amount for p in more), Decimal(0))
    )
    lines = premium_lines(line, net, frequency, rates, **parts)
    return Price(less, more, lines, total(lines))


def _amount(item: Item, of: Decimal) -> Decimal:
    wanted = item.amount if item.rate is None else of * item.rate
    return (wanted or Decimal(0)).quantize(CENT, ROUND_HALF_UP)


# Mediation ---------------------------------------------------------------------------------------

Missing = Literal["needs", "ipid", "broker_information", "criteria", "offers", "carrier"]
DOCUMENTS: Final[tuple[Missing, ...]] = ("needs", "ipid", "broker_information", "criteria")


def missing(
    line: str,
    mediation: Mapping[str, str],
    carriers: Collection[str],
    min_offers: int,
    chosen: str | None = None,
) -> tuple[Missing, ...]:
    """What a quote still needs before it is sent (RDL 3/2020, art. 173, 175, 176 and 180).

    needs: the statement of the customer's demands and needs. ipid: the product information sheet,
    for everything but life. broker_information: who we are and how we are paid. criteria: why this
    offer, from an analysis of a sufficient number; how many that is per line the broker sets.
    carrier: the chosen insurer is one of those that were compared. `carriers`: the insurer of each
    offer; two offers of one insurer count once.
    """
    wanted = [d for d in DOCUMENTS if not (d == "ipid" and line == "life")]
    blank = [d for d in wanted if not mediation.get(d, "").strip()]
    lacking: list[Missing] = [*blank]
    if len(set(carriers)) < min_offers:
        lacking.append("offers")
    elif chosen is not None and chosen not in carriers:
        lacking.append("carrier")
    return tuple(lacking)
