"""A policy's machine: whatever is done in whatever order, at whatever hour, its promises hold.

A walk makes moves that succeed or are refused. After each, and after the clock has run, it is held
against what is written out here a second time on purpose: the edges of policies and receipts, and
what of all that is on file is agreed for now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactcenter.core.ids import new_id
from crm.policies import present, service, store
from crm.policies.model import terms_at
from crm.policies.schemas import CoverageQuery, PolicySearch, TermsQuery
from tests.conftest import NIGHTLY
from tests.integration.crm.conftest import Answer, Office, a_policy, receipt_body

MADRID: Final = ZoneInfo("Europe/Madrid")
LAST_BEFORE: Final = timedelta(microseconds=1)
EDGES: Final = {
    "proposal": {"pending", "active", "expired", "cancelled"},
    "pending": {"active", "cancelled", "replaced"},
    "active": {"suspended", "expired", "cancelled", "replaced"},
    "suspended": {"active", "expired", "cancelled", "replaced"},
    "expired": {"active"},
    "cancelled": {"active"},
    "replaced": set[str](),
}
RECEIPTS: Final = {
    "issued": {"presented", "collected", "paid_at_broker", "cancelled"},
    "presented": {"collected", "returned", "cancelled"},
    "collected": {"returned"},
    "returned": {"collected", "re_presented", "paid_at_broker", "cancelled"},
    "re_presented": {"collected", "returned", "paid_at_broker", "cancelled"},
    "paid_at_broker": set[str](),
    "cancelled": set[str](),
}
PAID: Final = {"collected", "paid_at_broker"}
SHOWN: Final = ("vehicle_plate", "premium_amount")
Opening = Literal["proposal", "pending", "active"]
Move = tuple[str, int]

# Where days have 23 and 25 hours, on either side of the change and within the doubled hour.
CHANGES: Final = (
    datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC),
)  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def local(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=MADRID).astimezone(UTC)


class Walk:
    """One policy, what was done with it, and what was once read of it."""

    def __init__(self, office: Office, made: dict[str, Any]) -> None:
        self.office = office
        self.policies, self.lucia = office.crm.policies, office.people["lucia"]
        self.id = UUID(made["policy_id"])
        self.path = f"/policies/{self.id}"
        self.customer = made["customer_id"]
        self.number = 0
        self.once: list[tuple[datetime, datetime, dict[str, Any]]] = []
        self.totals: dict[str, str] = {}

    # What can be done -----------------------------------------------------------------------------

    def today(self, days: int = 0) -> str:
        day: date = self.office.clock.now().astimezone(MADRID).date() + timedelta(days)
        return day.isoformat()

    async def post(self, verb: str, body: Any, path: str | None = None) -> Answer:
        return await self.office.ask("lucia", "POST", f"{path or self.path}/{verb}", body)

    async def patch(self, body: Any) -> Answer:
        return await self.office.ask("lucia", "PATCH", self.path, body, **{"If-Match": "*"})

    async def issue(self, n: int) -> Answer:
        del n
        return await self.patch({"policy_number": f"N-{new_id().hex[-8:]}"})

    async def endorse(self, n: int) -> Answer:
        """At once, ahead, back-dated, in an hour that is skipped and in one that comes twice."""
        self.number += 1
        days = (0, 1, 20, 120, -1, -40, 400, 0, 0, 0)[n]
        day = {7: "2027-03-28", 8: "2027-10-31"}.get(n, self.today(days))
        hour = "02:30" if n in {7, 8} else ("00:00", "12:00")[self.number % 2]
        wish: dict[str, Any] = {"effective_date": day, "effective_time": hour} if n < 9 else {}
        if self.number % 3:
            wish["vehicle_plate"] = f"{self.number:04d}XYZ"
        if self.number % 3 != 1:
            wish["premium_amount"] = {"amount": f"{500 + self.number}.00"}
        answer = await self.patch(wish)
        if answer.status == 200 and "effective_date" in wish:
            agreed = await self.terms(local(day, hour))
            assert agreed["vehicle_plate"] == wish.get("vehicle_plate", agreed["vehicle_plate"])
        return answer

    async def cancel(self, n: int) -> Answer:
        by_insurer = n % 3 == 2
        body = {
            "reason": ("total_loss", "policyholder_wish", "insurer_terminates")[n % 3],
            "effective_date": self.today((0, 1, 40, -1, -30)[n % 5]),
            "requested_by": "insurer" if by_insurer else "policyholder",
        } | ({} if by_insurer else {"requested_by_customer_id": self.customer})
        return await self.post("cancel", body)

    async def suspend(self, n: int) -> Answer:
        back = self.office.clock.now() - timedelta(days=n)
        return await self.post("status", {"status": "suspended", "effective_at": back})

    async def resume(self, n: int) -> Answer:
        del n
        return await self.post("status", {"status": "active"})

    async def replace(self, n: int) -> Answer:
        other = await a_policy(
            self.office, customer_id=self.customer, vehicle_plate=None,
            coverage_start_date=self.today(n * 10), coverage_end_date=self.today(n * 10 + 365),
        )  # fmt: skip
        wish = {"status": "replaced", "replaced_by": other["policy_id"]}
        answer = await self.post("status", wish)
        await self.office.do(  # so that it does not go on by itself
            "lucia", "PATCH", f"/policies/{other['policy_id']}", {"auto_renew": False},
            **{"If-Match": "*"},
        )  # fmt: skip
        return answer

    async def renew(self, n: int) -> Answer:
        body: dict[str, Any] = {"insurer_consents": n % 2 == 0}
        if n % 3:
            body["premium_amount"] = {"amount": f"{600 + n}.00"}
        return await self.post("renew", body)

    async def say_no(self, n: int) -> Answer:
        insurers = {"by": "insurer"}
        holders = {"requested_by_customer_id": self.customer}
        body = {"received_on": self.today(-n)} | (insurers if n % 2 else holders)
        return await self.post("non-renewal", body)

    async def send_no(self, n: int) -> Answer:
        return await self.post("non-renewal/sent", {"on": self.today(-(n % 3))})

    async def have_no(self, n: int) -> Answer:
        del n
        return await self.post("non-renewal/acknowledged", {"on": self.today()})

    async def receipt(self, n: int) -> Answer:
        back = n % 4 == 3
        total = {"amount": f"{'-' if back else ''}{100 + n}.00"}
        body = receipt_body(
            collected_by=("insurer", "broker")[n % 2],
            kind="extorno" if back else "renewal", first=n == 0, due_on=self.today((n - 5) * 15),
            net=total, total=total, commission=None,
        )  # fmt: skip
        return await self.post("receipts", body)

    async def collect(self, n: int) -> Answer | None:
        """Along the first axis, allowed or not."""
        held = (await self.receipts())[n % 2 :][:1]
        if not held:
            return None
        state, to = held[0]["state"], sorted(RECEIPTS)[n % len(RECEIPTS)]
        code = {"return_code": "MD06"} if to == "returned" else {}
        answer = await self.post(
            "move", {"state": to, **code}, f"/receipts/{held[0]['receipt_id']}"
        )
        assert answer.status == (200 if to in RECEIPTS[state] else 409), (state, to, answer.body)
        return answer

    async def settle(self, n: int) -> Answer | None:
        """Along the second: only what the broker collected, and once."""
        held = (await self.receipts())[n % 2 :][:1]
        if not held:
            return None
        state, by = held[0]["state"], held[0]["collected_by"]
        ours = state == "paid_at_broker" or (state, by) == ("collected", "broker")
        may = ours and held[0]["settled_at"] is None
        where = f"/receipts/{held[0]['receipt_id']}"
        answer = await self.post("settle", {"reference": f"L{n}"}, where)
        assert answer.status == (200 if may else 409), (held[0], answer.body)
        return answer

    async def pass_time(self, n: int) -> None:
        """A while; to the next moment at which something begins or ends, and just before it; to
        where the clock on the wall is set."""
        now, row = self.office.clock.now(), await self.row()
        ahead = [
            at
            for at in (
                local(row["coverage_start_date"], row["coverage_start_time"]),
                local(row["coverage_end_date"], row["coverage_end_time"]),
                *(moment(row[name]) for name in ("turns_at", "cancelled_at") if row[name]),
            )
            if at > now + timedelta(seconds=1)
        ]
        next_ = min(ahead, default=now + timedelta(days=30))
        changes = [at for at in CHANGES if at > now] or [now + timedelta(hours=1)]
        to = (
            next_, next_ - timedelta(seconds=1), next_, now + timedelta(hours=1),
            now + timedelta(days=25), changes[0], changes[-1], next_ + timedelta(days=1),
            now + timedelta(days=100), next_,
        )[n]  # fmt: skip
        self.office.clock.set(max(to, now))

    # What is read ---------------------------------------------------------------------------------

    async def row(self) -> Any:
        return (await self.policies.get(self.lucia, self.id)).model_dump(mode="json")

    async def receipts(self) -> list[Any]:
        items: list[Any] = (await self.office.do("lucia", "GET", f"{self.path}/receipts"))["items"]
        return items

    async def versions(self) -> list[Any]:
        history = await self.policies.history(self.lucia, self.id, TermsQuery())
        versions: list[Any] = history.model_dump(mode="json")["versions"]
        return versions

    async def terms(self, at: datetime, known: datetime | None = None) -> dict[str, Any]:
        asked = TermsQuery(at=at, known=known)
        return (await self.policies.history(self.lucia, self.id, asked)).terms

    async def cover(self, at: datetime) -> Any:
        seen = await self.policies.coverage(self.lucia, self.id, CoverageQuery(at=at))
        return seen.model_dump(exclude={"at"})

    # What is promised -----------------------------------------------------------------------------

    async def step(self, move: Move) -> None:
        name, n = move
        before = await self.row()
        answer: Answer | None = await getattr(self, name)(n)
        after = await self.row()
        if answer is not None and answer.status >= 300:
            assert answer.status in {409, 422}, (move, answer.status, answer.body)
            assert after == before, f"{move} was refused, and changed it"
        elif answer is not None and name not in {"receipt", "collect", "settle", "replace"}:
            assert before["status"] != "replaced", f"{move} out of the last state"
        if after["status"] != before["status"]:
            assert after["status"] in EDGES[before["status"]], (move, before["status"])
        await self.office.crm.by_clock.turn()
        turned = await self.row()
        assert turned["status"] in reached(after["status"]), (move, after["status"])
        await self.promises(turned)
        self.office.clock.set(self.office.clock.now() + timedelta(seconds=1))

    async def promises(self, row: Any) -> None:
        now = self.office.clock.now()
        await self.office.crm.by_clock.turn()
        assert await self.row() == row, "the clock does a thing once"
        versions = await self.versions()
        self.row_is_of_now(row, versions, now)
        await self.found_by(row, versions)
        await self.past_stays()
        await self.one_answer(row, now)
        await self.sums(now)

    def row_is_of_now(self, row: Any, versions: list[Any], now: datetime) -> None:
        assert [each["number"] for each in versions] == list(range(1, len(versions) + 1))
        agreed, ahead = folded(row, versions, now)
        for name in SHOWN:
            said = row[name]["amount"] if name == "premium_amount" else row[name]
            assert said == agreed[name], (name, said, agreed[name], now)
        assert (moment(row["turns_at"]) if row["turns_at"] else None) == ahead

    async def found_by(self, row: Any, versions: list[Any]) -> None:
        """By the plate that it has, and by each that is on file ahead."""
        plates = {row["vehicle_plate"]}
        if row["turns_at"]:
            plates |= {
                each["changes"]["vehicle_plate"]
                for each in versions
                if each["changes"].get("vehicle_plate")
                and moment(each["effective_at"]) >= moment(row["turns_at"])
                and moment(each["effective_at"]) < over(row)
            }
        for plate in plates:
            found = await self.policies.listed(self.lucia, PolicySearch(q=plate))
            assert self.id in {each.policy_id for each in found.items}, plate

    async def past_stays(self) -> None:
        """What was known at a time, of any time, is never told otherwise later."""
        for at, known, terms in self.once[-9:]:
            assert await self.terms(at, known) == terms, (at, known)
        now = self.office.clock.now()
        known = now - timedelta(milliseconds=1)
        for days in (-50, 0, 60):
            at = now + timedelta(days=days)
            self.once.append((at, known, await self.terms(at, known)))

    async def one_answer(self, row: Any, now: datetime) -> None:
        """However an instant is written, and around what begins and ends."""
        start, end = local(row["coverage_start_date"], row["coverage_start_time"]), over(row)
        for at in (now, start, end - LAST_BEFORE, CHANGES[2], CHANGES[3]):
            said = await self.cover(at)
            assert await self.cover(at.astimezone(MADRID)) == said, at
            if at < start:
                assert said["why"] == "before_effect", (at, said)
        assert (await self.cover(start - LAST_BEFORE))["why"] == "before_effect"
        if row["cancelled_at"]:
            ended = await self.cover(moment(row["cancelled_at"]))
            assert ended["why"] in {"ended", "before_effect"}, ended

    async def sums(self, now: datetime) -> None:
        """A receipt's total is the insurer's and stays; what is owed is what is due and unpaid."""
        held = await self.receipts()
        for each in held:
            total = each["total"]["amount"]
            assert self.totals.setdefault(each["receipt_id"], total) == total
            assert (each["paid_at"] is not None) == (each["state"] in PAID)
            assert each["settled_at"] is None or each["state"] in PAID
        assert set(self.totals) == {each["receipt_id"] for each in held}
        today = now.astimezone(MADRID).date()
        owed = sum(
            Decimal(each["total"]["amount"])
            for each in held
            if each["state"] not in {*PAID, "cancelled"}
            and Decimal(each["total"]["amount"]) > 0
            and date.fromisoformat(each["due_on"]) < today
        )
        stats = await self.office.do("lucia", "GET", f"/customers/{self.customer}/stats")
        assert Decimal(stats["unpaid_amount"]["amount"]) == owed


def over(row: Any) -> datetime:
    """From when on the contract is no more."""
    end = local(row["coverage_end_date"], row["coverage_end_time"])
    return min(end, moment(row["cancelled_at"])) if row["cancelled_at"] else end


def folded(row: Any, versions: list[Any], now: datetime) -> tuple[dict[str, Any], datetime | None]:
    """What holds now of all that is on file, and when that changes next."""
    start, end = local(row["coverage_start_date"], row["coverage_start_time"]), over(row)
    at = max(start, min(now, end - LAST_BEFORE))
    agreed: dict[str, Any] = {}
    for name in SHOWN:
        said = [
            (moment(each["effective_at"]), each["number"], each["changes"][name])
            for each in versions
            if name in each["changes"] and moment(each["effective_at"]) <= at
        ]
        agreed[name] = max(said)[2]
    ahead = [
        moment(each["effective_at"])
        for each in versions
        if set(each["changes"]) - {"coverage_end_date"} and at < moment(each["effective_at"]) < end
    ]
    return agreed, min(ahead, default=None)


def reached(state: str) -> set[str]:
    """Where the clock can lead to: never back from an end."""
    found, more = {state}, {state}
    while more:
        more = {
            to
            for one in more
            for to in EDGES[one]
            if one not in {"expired", "cancelled", "replaced"}
        } - found
        found |= more
    return found


MOVES: Final = (
    "issue", "endorse", "cancel", "suspend", "resume", "replace", "renew", "say_no", "send_no",
    "have_no", "receipt", "collect", "settle", "pass_time",
)  # fmt: skip
# What changes terms and lets time pass comes more often than what ends a policy.
OFTEN: Final = (*MOVES, "endorse", "endorse", "pass_time", "pass_time", "renew", "resume")


async def opened(office: Office, opening: Opening) -> Walk:
    office.clock.set(datetime(2027, 3, 16, 9, tzinfo=UTC))
    begins = "2027-03-20" if opening == "pending" else "2027-01-01"
    fields: dict[str, Any] = {"policy_number": None} if opening == "proposal" else {}
    made = await a_policy(
        office, coverage_start_date=begins, coverage_start_time="12:00",
        coverage_end_date=begins.replace("2027", "2028"), coverage_end_time="12:00",
        vehicle_plate="9999 XYZ", **fields,
    )  # fmt: skip
    assert made["status"] == opening
    return Walk(office, made)


async def walk(office: Office, opening: Opening, moves: Sequence[Move]) -> Walk:
    at = await opened(office, opening)
    for move in moves:
        await at.step(move)
    async with office.deps.work.begin("test.over", "test") as work:  # it goes on no more
        await work.conn.execute("UPDATE policies SET status = 'replaced', turns_at = NULL")
    return at


@settings(
    max_examples=150 if NIGHTLY else 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    opening=st.sampled_from(("active", "active", "pending", "proposal")),
    moves=st.lists(
        st.tuples(st.sampled_from(OFTEN), st.integers(0, 9)),
        min_size=4,
        max_size=30 if NIGHTLY else 8,
    ),
)
async def test_whatever_is_done_a_policy_keeps_its_promises(
    office: Office, opening: Opening, moves: list[Move]
) -> None:
    await walk(office, opening, moves)


LIVES: Final[dict[str, tuple[Opening, list[Move]]]] = {
    "ahead": ("active", [("endorse", 2), ("endorse", 3), ("pass_time", 0), ("endorse", 5)]),
    "summer time": ("active", [("endorse", 7), ("pass_time", 5), ("pass_time", 6), ("endorse", 8)]),
    "proposed": ("proposal", [("endorse", 1), ("issue", 0), ("pass_time", 0), ("pass_time", 2)]),
    "not renewed": (
        "active",
        [("pass_time", 8), ("renew", 1), ("say_no", 0), ("send_no", 0), ("have_no", 0),
         ("pass_time", 0), ("renew", 1), ("renew", 2)],
    ),
    "cancelled": (
        "active",
        [("endorse", 3), ("cancel", 2), ("resume", 0), ("cancel", 4), ("resume", 0),
         ("pass_time", 0)],
    ),
    "replaced": (
        "pending",
        [("pass_time", 0), ("replace", 2), ("pass_time", 0), ("endorse", 9), ("renew", 2),
         ("cancel", 0), ("resume", 0), ("suspend", 0)],
    ),
    "paid": (
        "active",
        [("receipt", 1), ("receipt", 7), ("collect", 1), ("settle", 0), ("collect", 6),
         ("collect", 5), ("settle", 1), ("pass_time", 4)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("life", LIVES)
async def test_the_lives_that_every_policy_may_have(office: Office, life: str) -> None:
    await walk(office, *LIVES[life])


async def nothing(*_: Any) -> list[Any]:
    return []


PLANTED: Final[dict[str, tuple[Any, str, Any, str]]] = {
    "the row shows what comes last": (
        present, "row_moment", lambda now, start, over: over - LAST_BEFORE, "ahead"
    ),
    "the clock turns nothing": (store, "turning", nothing, "ahead"),
    "what is ahead is not searched": (present, "SEARCHED", ("policy_number",), "ahead"),
    "what is known now was known always": (
        service, "terms_at",
        lambda versions, at, known, real=terms_at: real(versions, at, present.FAR), "ahead",
    ),
    "an end is forgotten": (present, "over_at", present.ends_at, "cancelled"),
}  # fmt: skip


@pytest.mark.parametrize("error", PLANTED)
async def test_a_planted_error_is_found(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """The negative control of the walks above."""
    where, name, wrong, life = PLANTED[error]
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(AssertionError):
        await walk(office, *LIVES[life])
