"""PURE. The lines of a premium, by rates that hold from a day on.

A receipt's total is net premium + instalment surcharge + tax + what goes to the Consorcio de
Compensación de Seguros. Insurers' own receipts are stored as they come and never recomputed; these
lines are for what we quote.

- IPS, tax on premiums: 8 % of net and surcharge, not of the Consorcio's lines (Ley 13/1996,
  art. 12). Life for death or survival and health care are exempt, riders of a life policy (the
  `rider` part of the net premium) are not.
- Extraordinary risks, on insured capital: homes 0.07 ‰; cars a flat sum.
- Compulsory motor: 1.5 % of the compulsory part of the net premium.
- Winding-up of insurers: 1.5 ‰ of non-life net.

Each line is rounded half up to the cent, and the total is their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from crm.policies.model import CENT

LineKind = Literal["net", "instalment", "ips", "extraordinary", "compulsory_motor", "winding_up"]
RateKind = Literal[
    "ips",
    "ips_rider",
    "extraordinary",
    "compulsory_motor",
    "winding_up",
    "instalment_semiannual",
    "instalment_quarterly",
    "instalment_monthly",
    "commission",  # what we earn of a net premium
    "retention",  # the share of policies that renew
]
ZERO: Final = Decimal(0)
LINE_OF: Final[Mapping[str, str]] = {"compulsory": "auto", "rider": "life"}
"""A part of the net premium → the line that has it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """From `valid_from` on. Either a share (`rate`) or a sum (`flat`)."""

    kind: str
    line: str  # a policy type, or *
    valid_from: date
    rate: Decimal | None = None
    flat: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PremiumLine:
    kind: LineKind
    amount: Decimal


def rates_on(rates: Iterable[Rate], day: date) -> dict[tuple[str, str], Rate]:
    """(kind, line) → what holds on a day."""
    held: dict[tuple[str, str], Rate] = {}
    for rate in sorted(rates, key=lambda each: each.valid_from):
        if rate.valid_from <= day:
            held[rate.kind, rate.line] = rate
    return held


def premium_lines(
    line: str,
    net: Decimal,
    frequency: str,
    rates: Mapping[tuple[str, str], Rate],
    *,
    capital: Decimal = ZERO,
    compulsory: Decimal = ZERO,
    rider: Decimal = ZERO,
) -> tuple[PremiumLine, ...]:
    """The lines of a year's premium; lines of zero are left out.

    `compulsory`: the part of a car's net premium for compulsory liability. `rider`: the part of a
    life policy's for disability and the like.
    """

    def of(kind: str, base: Decimal) -> Decimal:
        rate = rates.get((kind, line)) or rates.get((kind, "*"))
        if rate is None:
            return ZERO
        amount = rate.flat if rate.flat is not None else base * (rate.rate or ZERO)
        return amount.quantize(CENT, ROUND_HALF_UP)

    instalment = of(f"instalment_{frequency}", net)
    taxed = net + instalment
    ips = of("ips", taxed - rider) + (of("ips_rider", rider) if rider else ZERO)
    extraordinary = ZERO
    if line == "auto" or capital:
        extraordinary = of("extraordinary", capital)
    amounts: tuple[tuple[LineKind, Decimal], ...] = (
        ("net", net.quantize(CENT, ROUND_HALF_UP)),
        ("instalment", instalment),
        ("ips", ips),
        ("extraordinary", extraordinary),
        ("compulsory_motor", of("compulsory_motor", compulsory)),
        ("winding_up", of("winding_up", net)),
    )
    return tuple(PremiumLine(kind, amount) for kind, amount in amounts if amount)


def unfit(line: str, net: Decimal, parts: Mapping[str, Decimal]) -> tuple[str, str, str] | None:
    """The first of the net premium's parts that cannot be: its name, what is wrong, a sentence."""
    for name, only in LINE_OF.items():
        part = parts.get(name, ZERO)
        if part and line != only:
            return name, "another_line", f"Only a policy of {only} has this part."
        if part > net:
            return name, "too_large", "It is a part of the net premium."
    return None


def total(lines: Iterable[PremiumLine]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)
