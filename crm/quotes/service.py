"""Use cases of quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Principal
from contactcenter.core.cursor import cursor_after, decode_cursor
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.event import Event
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.quotes import (
    QuoteAccepted,
    QuoteConverted,
    QuoteCreated,
    QuoteExpired,
    QuoteRejected,
    QuoteSent,
    QuoteUpdated,
)
from crm.access import eyes, only_own, refuse_hidden
from crm.customers import files as customers
from crm.days import add_months
from crm.masks import shown
from crm.policies import files as policies
from crm.policies.premium import rates_on, unfit
from crm.policies.schemas import PolicyNew
from crm.quotes import store
from crm.quotes.model import Item, Price, Priced, Status, missing, price, sources
from crm.quotes.schemas import (
    Converted,
    ConvertIn,
    ItemIn,
    Offer,
    QuoteEdit,
    QuoteNew,
    QuoteOut,
    QuotePage,
    QuoteQuery,
    QuoteRow,
    QuoteRule,
    QuoteRules,
)
from crm.schemas import Line, Money, picked
from crm.sql import lock_section, section_version, turn_section
from db import Connection, Record

Match = Callable[[int], None]
MONEY: Final = frozenset({"base_premium", "total_premium"})
PARTS: Final = ("capital", "compulsory", "rider")
VALID_FOR: Final = timedelta(days=30)
LARGEST: Final = Decimal("9999999999.99")
BATCH: Final = 200
RULES: Final = "quote_rules"


async def the_quote(
    conn: Connection, quote_id: UUID, *, own: UUID | None = None, lock: bool = False
) -> Record:
    if lock:
        await store.lock(conn, quote_id)
    row = await store.find(conn, quote_id, own)
    if row is None:
        raise NotFound
    return row


async def annotate(work: Work, row: Record, given: Mapping[str, Any]) -> None:
    """Set a locked quote's notes, which are ours, whatever its state."""
    changes = {name: value for name, value in given.items() if row[name] != value}
    if not changes:
        return
    await store.update(work.conn, row["id"], changes, work.now, None)
    work.emit(QuoteUpdated(**_ids(row), fields=tuple(sorted(changes))))
    work.audit(
        "quote.updated",
        "quote",
        row["id"],
        before={name: row[name] for name in changes},
        after=changes,
        person=row["customer_id"],
    )


class QuoteService:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    async def listed(self, principal: Principal, query: QuoteQuery) -> QuotePage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        async with self._work.reading("quotes.list") as conn:
            rows = await store.listed(
                conn,
                query.customer_id,
                query.status,
                query.quote_type,
                query.number,
                query.converted,
                only_own(principal),
                at,
                row_id,
                query.limit + 1,
            )
        items = [
            QuoteRow(**picked(QuoteRow, row, MONEY), quote_id=row["id"])
            for row in rows[: query.limit]
        ]
        return QuotePage(
            items=items,
            next_cursor=cursor_after(rows, query.limit),
        )

    async def get(self, principal: Principal, quote_id: UUID) -> QuoteOut:
        async with self._work.reading("quotes.get") as conn:
            return await _card(conn, principal, quote_id)

    async def create(self, principal: Principal, new: QuoteNew) -> QuoteOut:
        """A priced draft; nothing leaves."""
        async with self._work.begin("quotes.create", principal.actor) as work:
            conn = work.conn
            await customers.writable_customer(conn, principal, new.customer_id, field="customer_id")
            await customers.check_interaction(conn, new.interaction_id, new.customer_id)
            await self._check(work, new.model_dump())
            quote_id = new_id()
            given = new.model_dump()
            values = self._row(given) | {
                "id": quote_id,
                "quote_number": await store.next_number(conn, work.now.astimezone(self._zone).year),
                "customer_id": new.customer_id,
                "quote_type": new.quote_type,
                "interaction_id": new.interaction_id,
                "valid_until": new.valid_until or work.now + VALID_FOR,
            }
            values |= await self._priced(work, new.quote_type, given)
            await store.insert(conn, values, work.now, principal.user_id)
            work.emit(
                QuoteCreated(
                    quote_id=quote_id, customer_id=new.customer_id, quote_type=new.quote_type
                )
            )
            work.audit("quote.created", "quote", quote_id, after=values, person=new.customer_id)
            return work.answer(await _card(conn, principal, quote_id))

    async def edit(
        self, principal: Principal, quote_id: UUID, edit: QuoteEdit, match: Match
    ) -> QuoteOut:
        """Change a draft; what was sent stays as it was sent."""
        given = edit.model_dump(exclude_unset=True)
        async with self._work.begin("quotes.edit", principal.actor) as work:
            row = await self._locked(work, principal, quote_id)
            match(row["version"])
            if row["status"] != "draft":
                raise Conflict("Only a draft can be changed.", status=row["status"])
            holder, line = row["customer_id"], row["quote_type"]
            await refuse_hidden(work.conn, principal, holder, given, row, line)
            await self._check(work, given)
            if given:
                before = _inputs(row)
                changes = self._row(given)
                changes |= await self._priced(work, row["quote_type"], {**before, **given})
                await store.update(work.conn, quote_id, changes, work.now, principal.user_id)
                work.emit(QuoteUpdated(**_ids(row), fields=tuple(sorted(given))))
                work.audit(
                    "quote.updated",
                    "quote",
                    quote_id,
                    before={name: row[name] for name in changes},
                    after=changes,
                    person=row["customer_id"],
                )
            return work.answer(await _card(work.conn, principal, quote_id))

    async def send(self, principal: Principal, quote_id: UUID, match: Match) -> QuoteOut:
        """Give it to the customer. Conflict with ctx.missing until everything that the law asks
        of a mediator is there; the letter itself follows the fact."""
        async with self._work.begin("quotes.send", principal.actor) as work:
            row = await self._locked(work, principal, quote_id)
            match(row["version"])
            lacking = _missing(row)
            if lacking and row["status"] == "draft":
                raise Conflict("It cannot be sent like this.", missing=list(lacking))
            return await self._move(work, principal, row, "sent", QuoteSent(**_ids(row)))

    async def accept(self, principal: Principal, quote_id: UUID, match: Match) -> QuoteOut:
        async with self._work.begin("quotes.accept", principal.actor) as work:
            row = await self._locked(work, principal, quote_id)
            match(row["version"])
            return await self._move(work, principal, row, "accepted", QuoteAccepted(**_ids(row)))

    async def reject(
        self, principal: Principal, quote_id: UUID, reason: str, match: Match
    ) -> QuoteOut:
        async with self._work.begin("quotes.reject", principal.actor) as work:
            row = await self._locked(work, principal, quote_id)
            match(row["version"])
            fact = QuoteRejected(**_ids(row))
            return await self._move(work, principal, row, "rejected", fact, reason)

    async def convert(
        self, principal: Principal, quote_id: UUID, wish: ConvertIn, match: Match
    ) -> Converted:
        """Make the accepted quote a policy, exactly once: whoever comes second gets the same, of
        whatever version they knew it."""
        async with self._work.begin("quotes.convert", principal.actor) as work:
            row = await self._locked(work, principal, quote_id)
            if row["converted"]:
                policy_id, created = row["policy_id"], False
            else:
                match(row["version"])
                policy_id, created = await self._convert(work, principal, row, wish), True
            return work.answer(
                Converted(
                    quote=await _card(work.conn, principal, quote_id),
                    policy=await policies.card(work.conn, principal, policy_id, self._zone),
                    created=created,
                )
            )

    async def _convert(
        self, work: Work, principal: Principal, row: Record, wish: ConvertIn
    ) -> UUID:
        if row["status"] != "accepted":
            raise Conflict("Only an accepted quote becomes a policy.", status=row["status"])
        end = wish.coverage_end_date or add_months(wish.coverage_start_date, 12)
        starts = (wish.coverage_start_date, wish.coverage_start_time)
        if starts >= (end, wish.coverage_end_time):
            raise Invalid.field("coverage_end_date", "bad_period", "It must end after it begins.")
        carrier = wish.carrier or row["carrier"]
        if carrier is None:
            raise Invalid.field("carrier", "missing", "Say with which insurer.")
        premium, net = row["total_premium"], None
        if carrier == row["carrier"]:
            net = next((x["amount"] for x in row["lines"] if x["kind"] == "net"), None)
        else:
            offers = [Offer(**offer) for offer in row["carrier_quotes"]]
            offer = next((each for each in offers if each.carrier == carrier), None)
            if offer is None:
                raise Invalid.field("carrier", "not_offered", "It made no offer in this quote.")
            premium = offer.premium.amount
        details = row["coverage_details"]
        known = {name: details[name] for name in PolicyNew.model_fields if name in details}
        try:
            new = PolicyNew.model_validate(
                {
                    **known,
                    "customer_id": row["customer_id"],
                    "policy_type": row["quote_type"],
                    "carrier": carrier,
                    "premium_amount": {"amount": premium},
                    "premium_net": None if net is None else {"amount": net},
                    "premium_frequency": row["frequency"],
                    "coverage_end_date": end,
                    **wish.model_dump(include=set(FROM_WISH), exclude_unset=True),
                }
            )
        except ValueError as error:
            raise Invalid.field(
                "coverage_details", "not_a_policy", "A policy cannot be made of these details."
            ) from error
        policy_id = await policies.create(
            work, new, self._zone, by=principal.user_id, agent_id=principal.agent_id
        )
        await store.convert(work.conn, row["id"], policy_id, work.now, principal.user_id)
        work.emit(QuoteConverted(**_ids(row), policy_id=policy_id))
        work.audit(
            "quote.converted", "quote", row["id"], before={"converted": False},
            after={"converted": True, "policy_id": policy_id}, person=row["customer_id"],
        )  # fmt: skip
        return policy_id

    async def rules(self) -> QuoteRules:
        async with self._work.reading("quotes.rules") as conn:
            version = await section_version(conn, RULES)
            known = await store.rules(conn)
        items = [QuoteRule(line=line, min_offers=known.get(line, 1)) for line in get_args(Line)]
        return QuoteRules(items=items, version=version)

    async def set_rule(
        self, principal: Principal, rule: QuoteRule, match: Match
    ) -> tuple[QuoteRule, int]:
        """How many offers a line's quote compares before it may be sent; with the version of the
        rules of all lines."""
        async with self._work.begin("quotes.set_rule", principal.actor) as work:
            match(await lock_section(work.conn, RULES))
            known = (await store.rules(work.conn)).get(rule.line)
            await store.put_rule(work.conn, rule.line, rule.min_offers)
            version = await turn_section(work.conn, RULES)
            work.audit(
                "quotes.rule",
                "quote_rule",
                rule.line,
                before=None if known is None else {"line": rule.line, "min_offers": known},
                after=rule.model_dump(),
            )
        return rule, version

    async def expire_due(self) -> None:
        """Drafts and sent quotes whose time is over."""
        while True:
            async with self._work.begin("quotes.expire_due", "system") as work:
                rows = await store.expire(work.conn, work.now, BATCH)
                for row in rows:
                    work.emit(QuoteExpired(quote_id=row["id"], customer_id=row["customer_id"]))
                    work.audit(
                        "quote.expired",
                        "quote",
                        row["id"],
                        before={"status": row["before"]},
                        after={"status": "expired"},
                        person=row["customer_id"],
                    )
            if len(rows) < BATCH:
                return

    # Shared

    async def _locked(self, work: Work, principal: Principal, quote_id: UUID) -> Record:
        """The quote, held, if the asker may write in its customer's living file."""
        conn, own = work.conn, only_own(principal)
        row = await customers.hold_owner(conn, lambda: the_quote(conn, quote_id, own=own))
        await customers.writable_customer(conn, principal, row["customer_id"])
        return await the_quote(conn, quote_id, lock=True)

    async def _move(
        self,
        work: Work,
        principal: Principal,
        row: Record,
        to: Status,
        fact: Event,
        reason: str | None = None,
    ) -> QuoteOut:
        if (
            to != "expired"
            and row["valid_until"] <= work.now
            and row["status"] in {"draft", "sent"}
        ):
            raise Conflict("Its time is over.", status="expired", to=to)
        if not await store.move(
            work.conn, row["id"], to, work.now, principal.user_id, reason, sources(to)
        ):
            raise Conflict("A quote cannot go that way.", status=row["status"], to=to)
        work.emit(fact)
        work.audit(
            work.name,
            "quote",
            row["id"],
            before={"status": row["status"]},
            after={"status": to, "reason": reason},
            person=row["customer_id"],
        )
        return work.answer(await _card(work.conn, principal, row["id"]))

    async def _check(self, work: Work, values: Mapping[str, Any]) -> None:
        if values.get("valid_until") is not None and values["valid_until"] <= work.now:
            raise Invalid.field("valid_until", "in_past", "That moment is over.")
        keys = [offer["carrier"] for offer in values.get("carrier_quotes") or ()]
        if values.get("carrier"):
            keys.append(values["carrier"])
        if keys and not await store.all_insurers(work.conn, keys):
            raise Invalid.field("carrier", "unknown_insurer", "There is no such insurer.")

    @staticmethod
    def _row(given: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that are as they are given."""
        values = {
            name: given[name]
            for name in store.EDITABLE
            if name in given and name not in {"discounts", "surcharges", "base_premium"}
        }
        if "base_premium" in given:
            values["base_premium"] = given["base_premium"]["amount"]
        return values

    async def _priced(self, work: Work, line: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that are computed."""
        rates = rates_on(await store.rates(work.conn), work.now.astimezone(self._zone).date())
        parts = {name: given[name]["amount"] for name in PARTS if given.get(name) is not None}
        made = price(
            line,
            given["base_premium"]["amount"],
            [_item(each) for each in given["discounts"]],
            [_item(each) for each in given["surcharges"]],
            given["frequency"],
            rates,
            **parts,
        )
        net = next(each.amount for each in made.lines if each.kind == "net")
        if wrong := unfit(line, net, parts):
            raise Invalid.field(*wrong)
        if made.total > LARGEST:
            raise Invalid.field("base_premium", "too_large", "The total is too large.")
        return {
            "discounts": [_kept(each) for each in made.discounts],
            "surcharges": [_kept(each) for each in made.surcharges],
            "lines": _lines(made, given),
            "total_premium": made.total,
        }


FROM_WISH: Final = (
    "policy_number", "coverage_start_date", "coverage_start_time", "coverage_end_time",
    "auto_renew", "notice_months", "first_premium_agreed", "distance_sale", "cover_on_request",
    "concluded_on",
)  # fmt: skip


def _item(given: Mapping[str, Any]) -> Item:
    amount = given.get("amount")
    return Item(
        given["type"],
        None if given.get("rate") is None else Decimal(given["rate"]),
        None if amount is None else Decimal(amount["amount"]),
        given.get("description", ""),
    )


def _kept(priced: Priced) -> dict[str, Any]:
    """As it is stored: what was asked for, and what it comes to."""
    item = priced.item
    return {
        "type": item.type,
        "rate": item.rate,
        "sum": item.amount,
        "amount": priced.amount,
        "description": item.description,
        "capped": priced.capped,
    }


def _lines(made: Price, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = [
        {"kind": f"of_{name}", "amount": given[name]["amount"]}
        for name in PARTS
        if given.get(name) is not None
    ]
    return [*({"kind": each.kind, "amount": each.amount} for each in made.lines), *parts]


def _parts(row: Record) -> dict[str, Decimal]:
    return {
        line["kind"].removeprefix("of_"): Decimal(line["amount"])
        for line in row["lines"]
        if line["kind"].startswith("of_")
    }


def _inputs(row: Record) -> dict[str, Any]:
    """What a stored quote was priced from, as it was given."""

    def back(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            ItemIn(
                type=item["type"],
                rate=item["rate"],
                amount=None if item["sum"] is None else Money(amount=item["sum"]),
                description=item["description"],
            ).model_dump()
            for item in items
        ]

    parts = {name: {"amount": amount} for name, amount in _parts(row).items()}
    return {
        "base_premium": {"amount": row["base_premium"]},
        "discounts": back(row["discounts"]),
        "surcharges": back(row["surcharges"]),
        "frequency": row["frequency"],
        **parts,
    }


def _missing(row: Record) -> tuple[str, ...]:
    carriers = [offer["carrier"] for offer in row["carrier_quotes"]]
    return missing(row["quote_type"], row["mediation"], carriers, row["min_offers"], row["carrier"])


async def _card(conn: Connection, principal: Principal, quote_id: UUID) -> QuoteOut:
    """A quote as the asker is shown it."""
    row = await the_quote(conn, quote_id, own=only_own(principal))
    seen_by = await eyes(conn, principal, row["customer_id"], row["quote_type"])
    computed = {"discounts", "surcharges", "lines", "carrier_quotes"}
    values = {k: v for k, v in picked(QuoteOut, row, MONEY).items() if k not in computed}
    items: dict[str, Any] = {
        name: [
            {
                "type": item["type"],
                "rate": item["rate"],
                "amount": Money(amount=item["amount"]),
                "description": item["description"],
                "capped": item["capped"],
            }
            for item in row[name]
        ]
        for name in ("discounts", "surcharges")
    }
    lines: Any = [
        {"kind": line["kind"], "amount": Money(amount=line["amount"])}
        for line in row["lines"]
        if not line["kind"].startswith("of_")
    ]
    of = _parts(row)
    values |= {name: Money(amount=of[name]) if name in of else None for name in PARTS}
    values |= items | {
        "quote_id": row["id"],
        "lines": lines,
        "carrier_quotes": [Offer(**offer) for offer in row["carrier_quotes"]],
        "masked": False,
        "writable": await customers.open_to(conn, principal, row["customer_id"]),
        "missing": list(_missing(row)) if row["status"] == "draft" else [],
    }
    return QuoteOut(**shown(values, seen_by))


def _ids(row: Record) -> dict[str, UUID]:
    return {"quote_id": row["id"], "customer_id": row["customer_id"]}
