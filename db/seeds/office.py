"""The demo broker's files: invented customers, policies, claims and quotes, the same everywhere.

Days are counted from the day of the first seeding. Documents have valid check characters; nobody
here exists.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from db.pool import Connection
from db.seeds import figures
from db.seeds.contacts import CONTACTS

Identify = Callable[[str, str], UUID]

ZONE: Final = ZoneInfo("Europe/Madrid")
"""Where the broker's office is: policies begin and end by its days."""
INSURERS: Final = (
    ("aldaba", "C0901", "Aldaba Seguros"),
    ("brisa", "C0902", "Brisa Vida y Hogar"),
    ("cierzo", "M0903", "Cierzo Mutua"),
    ("duero", "C0904", "Duero Previsión"),
    ("esparto", "C0905", "Esparto Salud"),
    ("faro", "C0906", "Faro Autos"),
)
FIRST: Final = (
    "Aurora", "Benito", "Celia", "Damián", "Esther", "Fermín", "Gema", "Hilario", "Isabel",
    "Jacinto", "Lidia", "Moisés", "Nuria", "Orencio", "Paula", "Quintín", "Raquel", "Saúl",
)  # fmt: skip
LAST: Final = (
    "Abadías", "Bescós", "Cavero", "Duaso", "Estaún", "Fanlo", "Gracia", "Hijós", "Iguácel",
    "Jarne", "Laglera", "Muñío", "Nasarre", "Oliván", "Périz", "Quílez", "Rapún", "Sanclemente",
)  # fmt: skip
COMPANIES: Final = (
    "Talleres Bardena SL", "Panadería La Tahona de Huerva SL", "Transportes Moncayo Norte SL",
    "Reformas Ebro Alto SL", "Viveros Sotoseco SL", "Electricidad Valdejalón SL",
    "Hostal Puerta Vieja SL", "Gráficas Torrenueva SL",
)  # fmt: skip
STREETS: Final = ("Calle del Olmo", "Avenida del Canal", "Calle Tenerías", "Plaza del Trillo")
DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
CARS: Final = (("Marca A", "Alondra"), ("Marca B", "Bisbita"), ("Marca C", "Cernícalo"))
TYPES: Final = ("auto",) * 40 + ("home",) * 30 + ("life",) * 20 + ("health",) * 10
STATUSES: Final = {4: "expired", 11: "cancelled", 17: "proposal", 23: "pending", 31: "suspended"}
CLAIM_STATES: Final = ("reported", "investigating", "approved", "denied", "paid", "investigating")
WAYS_THERE: Final = {
    "reported": ("reported",),
    "investigating": ("reported", "investigating"),
    "approved": ("reported", "investigating", "approved"),
    "denied": ("reported", "investigating", "denied"),
    "paid": ("reported", "investigating", "approved", "paid"),
}
MEDIATION: Final = {
    "needs": "Quiere cubrir el riesgo descrito con una franquicia baja y pago anual.",
    "ipid": "Entregado el documento de información del producto de la oferta elegida.",
    "broker_information": "Entregada la nota informativa de la correduría; cobra por comisión.",
    "criteria": "Comparadas las ofertas por cobertura, franquicia, precio y trato en siniestros.",
}
QUOTE_STATES: Final = ("draft", "sent", "accepted", "rejected", "expired")


def _insert(table: str, key: str = "id") -> str:
    return (
        f"INSERT INTO {table} ({{columns}}) SELECT {{columns}}"  # noqa: S608 - constants
        f" FROM jsonb_populate_record(NULL::{table}, $1::jsonb) ON CONFLICT DO NOTHING"
        f" RETURNING {key}"
    )


LINK_CONTACT = """
UPDATE contacts SET customer_id = $2 WHERE id = $1 AND customer_id IS NULL
"""
PUT_WAY = """
INSERT INTO customer_ways (customer_id, kind, address, label) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
SEEDED = "SELECT EXISTS (SELECT FROM policies WHERE id = $1)"


class _Office:
    def __init__(self, conn: Connection, identify: Identify, today: date) -> None:
        self._conn = conn
        self._id = identify
        self._today = today
        self._dice = Random(20260101)
        self._now = datetime.combine(today, time(9), UTC)

    def day(self, days: int) -> date:
        return self._today + timedelta(days=days)

    async def put(self, table: str, row: Mapping[str, Any], key: str = "id") -> None:
        sql = _insert(table, key).format(columns=", ".join(row))
        await self._conn.fetchval(sql, dict(row))

    async def customers(self, agents: Sequence[UUID]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        people = [(*name.split(" ", 1), email, number) for name, email, number in CONTACTS]
        people += [
            (
                FIRST[n],
                f"{LAST[n]} {LAST[-n - 1]}",
                f"cliente{n}@correo.example",
                f"+3460055{n:04d}",
            )
            for n in range(18)
        ]
        for n, (first, last, email, number) in enumerate(people):
            document = 40_000_000 + n * 1_234_567 % 39_999_999
            made.append(
                {
                    "kind": "person",
                    "first_name": first,
                    "last_name": last,
                    "company_name": None,
                    "email": email,
                    "mobile": number,
                    "dni": f"{document:08d}{DNI_LETTERS[document % 23]}",
                    "tax_id": None,
                    "birth_date": date(1950 + n * 7 % 52, 1 + n % 12, 1 + n % 28),
                    "name": f"{first} {last}",
                }
            )
        for n, name in enumerate(COMPANIES):
            made.append(
                {
                    "kind": "company",
                    "first_name": "",
                    "last_name": "",
                    "company_name": name,
                    "email": f"oficina{n}@empresa.example",
                    "mobile": f"+34976550{n:03d}",
                    "dni": None,
                    "tax_id": _company_document(5_009_001 + n * 13),
                    "birth_date": None,
                    "name": name,
                }
            )
        for n, row in enumerate(made):
            name = row.pop("name")
            row |= {
                "id": self._id("customer", name),
                "address_line1": f"{STREETS[n % 4]}, {n + 1}",
                "city": "Zaragoza",
                "province": "Zaragoza",
                "postal_code": f"500{1 + n % 18:02d}",
                "status": "active",
                "country": "ES",
                "locale": "ca" if n % 17 == 5 else "es",
                "tags": [],
                "metadata": {},
                "portfolio_manager_id": agents[n % len(agents)],
                "sort_key": _fold(
                    f"{row['last_name']} {row['first_name']}" if row["dni"] else name
                ),
                "search_text": _searched(
                    [name, row["dni"], row["tax_id"], row["mobile"], row["email"]]
                ),
                "version": 1,
                "created_at": self._now - timedelta(days=900 - n),
                "updated_at": self._now - timedelta(days=900 - n),
            }
            await self.put("customers", row)
            for kind, column in (("phone", "mobile"), ("email", "email")):
                await self._conn.execute(PUT_WAY, row["id"], kind, row[column], column)
            await self._conn.execute(LINK_CONTACT, self._id("contact", name), row["id"])
        return made

    async def policies(
        self, customers: Sequence[Mapping[str, Any]], agents: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for n, line in enumerate(TYPES):
            owner = customers[n * 7 % len(customers)]
            status = STATUSES.get(n % 37, "active")
            start = {"pending": 20, "expired": -400, "proposal": 10}.get(
                status, -(n * 11 % 350) - 5
            )
            row = self._policy(n, line, status, self.day(start)) | {
                "customer_id": owner["id"],
                "issued_by": agents[n % len(agents)],
            }
            await self.put("policies", row)
            await self._belongings(row, n)
            made.append(row)
        return made

    def _policy(self, n: int, line: str, status: str, start: date) -> dict[str, Any]:
        net = self._dice.randrange(18_000, 90_000)
        car, plate = CARS[n % 3], f"{1000 + n * 37 % 9000:04d}{'BCDFGHJKLM'[n % 10]}ZX"
        number = None if status == "proposal" else f"{line[:2].upper()}-{800_000 + n}"
        end = start.replace(year=start.year + 1) if (start.month, start.day) != (2, 29) else (
            date(start.year + 1, 3, 1)
        )  # fmt: skip
        address = f"{STREETS[n % 4]}, {n + 1}, Zaragoza"
        row: dict[str, Any] = {
            "id": self._id("policy", str(n)),
            "reference": f"P-D{n:05d}",
            "policy_number": number,
            "policy_type": line,
            "carrier": INSURERS[n % len(INSURERS)][0],
            "status": status,
            "coverage_start_date": start,
            "coverage_start_time": "00:00",
            "coverage_end_date": end,
            "coverage_end_time": "00:00",
            "term_start_date": start,
            "premium_amount": f"{net * 1.1 / 100:.2f}",
            "premium_net": f"{net / 100:.2f}",
            "premium_frequency": "annual",
            "currency": "EUR",
            "covers": [],
            "auto_renew": True,
            "notice_months": None if line == "life" else 1,
            "first_premium_agreed": False,
            "distance_sale": False,
            "cover_on_request": False,
            "metadata": {},
            "version": 1,
            "created_at": datetime.combine(start, time(10), UTC) - timedelta(days=3),
            "updated_at": self._now,
        }
        if line == "auto":
            row |= {"vehicle_make": car[0], "vehicle_model": car[1], "vehicle_plate": plate,
                    "vehicle_year": 2012 + n % 13}  # fmt: skip
        if line == "home":
            row |= {"property_address": address, "property_type": "flat",
                    "property_value": "150000.00", "property_postal_code": "50001"}  # fmt: skip
        if status == "cancelled":
            row |= {"cancellation_reason": "policyholder_wish", "cancelled_by": "policyholder",
                    "cancelled_at": datetime.combine(self.day(-3), time(0), ZONE),
                    "refund_estimate": "0.00"}  # fmt: skip
        row["search_text"] = _searched(
            [number, row["reference"], row.get("vehicle_plate"), row.get("property_address")]
        )
        return row

    async def _belongings(self, row: Mapping[str, Any], n: int) -> None:
        terms = ("premium_amount", "premium_net", "premium_frequency", "coverage_end_date",
                 "coverage_end_time", "covers", "vehicle_plate", "property_address")  # fmt: skip
        await self.put(
            "policy_versions",
            {
                "id": self._id("policy_version", str(n)),
                "policy_id": row["id"],
                "number": 1,
                "kind": "issue",
                "effective_at": datetime.combine(row["coverage_start_date"], time(0), ZONE),
                "known_at": row["created_at"],
                "changes": {name: row.get(name) for name in terms} | {"parties": []},
                "reason": "",
                "created_by": "seed",
            },
        )
        await self.put(
            "policy_roles",
            {
                "id": self._id("policy_role", str(n)),
                "policy_id": row["id"],
                "role": "policyholder",
                "customer_id": row["customer_id"],
            },
        )
        if row["status"] not in {"active", "expired", "suspended"}:
            return
        due, returned = row["coverage_start_date"], n % 13 == 6
        await self.put(
            "receipts",
            {
                "id": self._id("receipt", str(n)),
                "policy_id": row["id"],
                "number": f"RC-{n:05d}",
                "kind": "renewal" if n % 3 else "new",
                "first": n % 3 == 0,
                "period_start": due,
                "period_end": row["coverage_end_date"],
                "due_on": due,
                "net": row["premium_net"],
                "total": row["premium_amount"],
                "lines": [],
                "currency": "EUR",
                "collected_by": "insurer" if n % 2 else "broker",
                "state": "returned" if returned else "collected",
                "return_code": "AM04" if returned else None,
                "paid_at": None if returned else datetime.combine(due, time(12), UTC),
                "commission": f"{float(row['premium_net']) * 0.12:.2f}",
                "version": 1,
                "created_at": row["created_at"],
                "updated_at": self._now,
            },
        )

    async def claims(self, policies: Sequence[Mapping[str, Any]], handlers: Sequence[UUID]) -> None:
        usable = [
            p for p in policies if p["status"] == "active" and p["policy_type"] in {"auto", "home"}
        ]
        for n in range(30):
            state = CLAIM_STATES[n % 6]
            reported = self._now - timedelta(days=2 + n * 3, hours=n % 5)
            incident = reported - timedelta(days=1)
            policy = next(p for p in usable if p["coverage_start_date"] < incident.date())
            usable.remove(policy)
            handler = handlers[n % len(handlers)]
            amount = f"{300 + n * 55:.2f}"
            decided = state in {"approved", "denied", "paid"}
            await self.put(
                "claims",
                {
                    "id": self._id("claim", str(n)),
                    "claim_number": f"S-D{n:05d}",
                    "customer_id": policy["customer_id"],
                    "policy_id": policy["id"],
                    "claim_type": "collision"
                    if policy["policy_type"] == "auto"
                    else "water_damage",
                    "cause": "collision" if policy["policy_type"] == "auto" else "water",
                    "payer": "insurer",
                    "incident_date": incident,
                    "known_on": incident.date(),
                    "reported_date": reported,
                    "sent_at": None if state == "reported" else reported + timedelta(hours=20),
                    "description": "Siniestro de demostración.",
                    "injuries": False,
                    "claimed_amount": amount,
                    "approved_amount": amount if state in {"approved", "paid"} else None,
                    "paid_amount": amount if state == "paid" else None,
                    "currency": "EUR",
                    "status": state,
                    "denial_reason": "Riesgo excluido" if state == "denied" else None,
                    "insurer_reference": f"EXP-{n:05d}" if decided else None,
                    "decided_by": "insurer" if decided else None,
                    "decided_on": reported.date() + timedelta(days=1) if decided else None,
                    "adjuster_id": handler,
                    "perito_reported": False,
                    "coverage": {"answer": "covered", "why": None, "until": None, "notes": []},
                    "documents": [],
                    "metadata": {},
                    "search_text": _searched([f"S-D{n:05d}", policy.get("vehicle_plate")]),
                    "version": 1,
                    "created_at": reported,
                    "updated_at": reported,
                    "resolved_at": reported + timedelta(days=1)
                    if state in {"denied", "paid"}
                    else None,
                },
            )
            await self._claim_history(n, state, reported, amount, handler)

    async def _claim_history(
        self, n: int, state: str, reported: datetime, amount: str, handler: UUID
    ) -> None:
        """As a claim that came through the CRM tells it: reported, assigned, and each move since.
        A history is read in the order of its ids."""
        path = WAYS_THERE[state]
        moves: list[dict[str, Any]] = [
            {
                "kind": "moved",
                "before": before,
                "after": after,
                "amount": amount if after in {"approved", "paid"} else None,
                "note": "Riesgo excluido" if after == "denied" else "",
                "at": reported + timedelta(hours=(0, 20, 24, 24)[k]),
            }
            for k, (before, after) in enumerate(zip((None, *path), path, strict=False))
        ]
        assigned = {"kind": "assigned", "before": None, "after": str(handler), "amount": None,
                    "note": "", "at": reported}  # fmt: skip
        events = [moves[0], assigned, *moves[1:]]
        ids = sorted(self._id("claim_event", f"{n}.{k}") for k in range(len(events)))
        for event_id, event in zip(ids, events, strict=True):
            claim_id = self._id("claim", str(n))
            await self.put(
                "claim_events", {"id": event_id, "claim_id": claim_id, "actor": "seed", **event}
            )

    async def quotes(
        self, customers: Sequence[Mapping[str, Any]], policies: Sequence[Mapping[str, Any]]
    ) -> None:
        issued = [p for p in policies if p["status"] == "active"]
        held = await figures.rates(self._conn, self._today)
        compared = await figures.min_offers(self._conn)
        for n in range(40):
            state = QUOTE_STATES[n % 5]
            converted = state == "accepted" and n % 10 == 2
            policy = issued[n] if converted else None
            line = policy["policy_type"] if policy else TYPES[n * 5 % 100]
            made = self._now - timedelta(days=1 + n * 2)
            expired, draft = state == "expired", state == "draft"
            net = Decimal(260 + n * 37 % 390)
            parts = {"auto": {"compulsory": net / 2}, "home": {"capital": Decimal(150_000)}}.get(
                line, {}
            )
            lines = figures.premium_lines(line, net, held, **parts)
            total = sum(lines.values())
            offers = [
                {
                    "carrier": INSURERS[(n + k) % 6][0],
                    "premium": {"amount": f"{total + 13 * k:.2f}", "currency": "EUR"},
                    "coverage": "Modalidad básica" if k else "Modalidad recomendada",
                    "link": None,
                }
                for k in range(compared.get(line, 1))
            ]
            await self.put(
                "quotes",
                {
                    "id": self._id("quote", str(n)),
                    "quote_number": f"C-D{n:05d}",
                    "customer_id": policy["customer_id"] if policy else customers[n]["id"],
                    "quote_type": line,
                    "carrier": INSURERS[n % 6][0],
                    "coverage_details": {},
                    "base_premium": f"{net:.2f}",
                    "frequency": "annual",
                    "discounts": [],
                    "surcharges": [],
                    "lines": [
                        {"kind": kind, "amount": f"{amount:.2f}"}
                        for kind, amount in [
                            *lines.items(),
                            *((f"of_{name}", amount) for name, amount in parts.items()),
                        ]
                    ],
                    "total_premium": f"{total:.2f}",
                    "currency": "EUR",
                    "carrier_quotes": [] if draft else offers,
                    "mediation": {}
                    if draft
                    else MEDIATION | ({"ipid": ""} if line == "life" else {}),
                    "status": state,
                    "valid_until": self._now + timedelta(days=-1 if expired else 30),
                    "sent_at": None if draft else made,
                    "decided_at": made if state in {"accepted", "rejected"} else None,
                    "rejection_reason": "Prefiere otra oferta" if state == "rejected" else None,
                    "converted": converted,
                    "policy_id": policy and policy["id"],
                    "converted_at": made if converted else None,
                    "metadata": {},
                    "version": 1,
                    "created_at": made,
                    "updated_at": made,
                },
            )


HOLIDAYS: Final = tuple(
    (date(*day), name, scope)
    for day, name, scope in (
        ((2026, 1, 29), "San Valero", "local"),
        ((2026, 3, 5), "Cincomarzada", "local"),
        ((2026, 4, 2), "Jueves Santo", "regional"),
        ((2026, 4, 23), "San Jorge, Día de Aragón", "regional"),
        ((2026, 11, 2), "Lunes siguiente a Todos los Santos", "regional"),
        ((2026, 12, 7), "Lunes siguiente al Día de la Constitución", "regional"),
        ((2027, 1, 29), "San Valero", "local"),
        ((2027, 3, 5), "Cincomarzada", "local"),
        ((2027, 3, 25), "Jueves Santo", "regional"),
        ((2027, 4, 23), "San Jorge, Día de Aragón", "regional"),
    )
)
"""Of Zaragoza and Aragón, for the law's working days; crm.days has the national ones."""
PUT_HOLIDAYS: Final = """
INSERT INTO holidays (day, name, scope) SELECT * FROM unnest($1::date[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING
"""


async def run(
    conn: Connection, identify: Identify, agents: Mapping[str, UUID], today: date
) -> None:
    """Write the office's files as of the day `today`; nothing, when they stand already."""
    if await conn.fetchval(SEEDED, identify("policy", "0")):
        return
    office = _Office(conn, identify, today)
    for key, code, name in INSURERS:
        await office.put(
            "insurers", {"key": key, "dgs_code": code, "name": name, "retired": False}, "key"
        )
    managers = [agents[name] for name in ("Carmen", "Jordi", "Pablo", "Sara")]
    handlers = [agents[name] for name in ("Lucía", "Marcos", "Nerea")]
    customers = await office.customers(managers)
    policies = await office.policies(customers, managers)
    await office.claims(policies, handlers)
    await office.quotes(customers, policies)
    days, names, scopes = map(list, zip(*HOLIDAYS, strict=True))
    await conn.execute(PUT_HOLIDAYS, days, names, scopes)
    await figures.set_segments(conn, [customer["id"] for customer in customers], today)


def _company_document(number: int) -> str:
    """A B NIF of seven digits and its control digit (Orden EHA/451/2008)."""
    digits = [int(c) for c in f"{number:07d}"]
    odd = sum(sum(divmod(2 * d, 10)) for d in digits[::2])
    return f"B{number:07d}{(10 - (odd + sum(digits[1::2])) % 10) % 10}"


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join("".join(kept).split())


def _searched(parts: Sequence[str | None]) -> str:
    """As crm.customers.model.search_text, which a test compares it with."""
    words: dict[str, None] = {}
    for part in parts:
        if part:
            folded = _fold(part)
            words.update(dict.fromkeys(folded.split()))
            if any(c.isdigit() for c in folded):
                words[folded.replace(" ", "")] = None
    return " ".join(words)
