"""The situations of a broker's office from real files: where the queue's door puts whoever comes
in, and what the agent then reads on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import db
from contactcenter.interactions.model import Address
from routing.book import QueueBook
from routing.core.model import Constants
from routing.service import QueueService
from tests.integration.crm.conftest import Office, a_policy, agent_of, receipt_body
from tests.integration.crm.test_advice import QUEUES
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_identify import came_in

ZONE = ZoneInfo("Europe/Madrid")
MORE = """
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
SELECT k, k, k, 'SH', 'always', now() FROM unnest(ARRAY['assistance', 'assistance_menu']) k;
UPDATE queues SET calendar = 'always';
UPDATE agents SET status = 'available';
"""
Seen = tuple[str, int, int, tuple[str, int], str]  # queue, band, base, (who, seconds), banner
NOBODY = ("", 0)


class Door:
    """Where people come in: `PR` is where they land who have chosen nothing."""

    def __init__(self, office: Office, conn: db.Connection) -> None:
        self.office, self.conn = office, conn
        self.door = QueueService(
            QueueBook(ZONE), Constants(), adviser=office.crm.adviser, unchosen=("PR",)
        )
        self.names = {str(agent_of(office, each)): each for each in ("lucia", "marcos", "pablo")}

    async def seen(
        self, mobile: str, said: Mapping[str, Any] | None = None, queue: str = "PR"
    ) -> Seen:
        _, interaction = await came_in(
            self.office, Address("phone", f"+34{mobile}"), channel="chat"
        )
        await self.office.listen("crm.identify")
        async with self.office.deps.work.begin("test.enqueue", "test") as work:
            visit = await self.door.enqueue(
                work, interaction_id=interaction, queue=queue, said=said
            )
        item = await self.conn.fetchrow(
            "SELECT * FROM work_items WHERE id = $1", visit.work_item_id
        )
        assert item is not None
        (who,) = item["routing"].get("preferred") or [""]
        seconds = item["routing"].get("preferred_ms", 0) // 1000 if who else 0
        file = await self.office.do("elena", "GET", f"/interactions/{interaction}/file")
        return (
            item["queue"], item["band"], item["base"], (self.names.get(who, ""), seconds),
            file["banner"],
        )  # fmt: skip

    async def task(self, customer: dict[str, Any], kind: str, **more: Any) -> None:
        body = {"title": "x", "task_type": kind, "customer_id": customer["customer_id"], **more}
        await self.office.do("lucia", "POST", "/tasks", body)

    async def customer(self, mobile: str, **policy: Any) -> tuple[dict[str, Any], str]:
        who = await self.office.person(mobile=mobile)
        made = await a_policy(self.office, customer_id=who["customer_id"], **policy)
        return who, made["policy_id"]


async def test_claims_and_emergencies(office: Office, conn: db.Connection) -> None:
    await conn.execute(QUEUES)
    await skilled(office, conn)
    await conn.execute(MORE)
    door = Door(office, conn)
    _, policy = await door.customer("600570001")
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy))
    pablo, marcos = (agent_of(office, each) for each in ("pablo", "marcos"))
    await conn.execute("UPDATE claims SET adjuster_id = $1", pablo)
    assert await door.seen("600570001") == ("SA", 2, 60, ("pablo", 30), "claim")
    await conn.execute("INSERT INTO handler_deputies (agent_id, deputy_id) VALUES ($1, $2)",
                       pablo, marcos)  # fmt: skip
    await conn.execute("UPDATE agents SET status = 'away' WHERE id = $1", pablo)
    assert await door.seen("600570001") == ("SA", 2, 60, ("marcos", 30), "claim")
    await conn.execute("UPDATE agents SET status = 'available'")
    assert await door.seen("600570001") == ("SA", 2, 75, ("pablo", 20), "repeat")
    assert await door.seen("600570001", {"key": "injured"}) == ("SA", 1, 100, NOBODY, "injured")
    leak = {"key": "leak", "open": False}
    known = await door.seen("600570001", {**leak, "verified": True}, "SH")
    assert known == ("assistance", 1, 90, NOBODY, "passed_on")
    assert await door.seen("600579999", leak, "SH") == (
        "assistance_menu", 1, 90, NOBODY, "passed_on"
    )  # fmt: skip
    for peril, banner in (("hail", "hail"), ("flood", "consorcio")):
        on = await office.do("elena", "POST", "/catastrophes", {"peril": peril})
        for number in ("600570001", "600579999"):
            assert await door.seen(number, queue="SH") == ("SH", 2, 60, NOBODY, banner)
        await office.do("elena", "POST", f"/catastrophes/{on['catastrophe_id']}/end")
    await office.person(first_name="Luis", mobile="600570002")
    other, policy = await door.customer("600570002")
    await office.do("lucia", "POST", "/claims", claim_body(policy))
    assert await door.seen("600570002") == ("PR", 2, 60, NOBODY, "ambiguous")
    await conn.execute("UPDATE claims SET perito_phone = '600 57 00 03' WHERE claim_number = $1",
                       claim["claim_number"])  # fmt: skip
    assert await door.seen("600570003") == (
        "SA", 2, 45, ("pablo", 30), "professional_no_client_data"
    )  # fmt: skip
    await door.task(other, "complaint", received_on="2027-03-01", assigned_agent=str(marcos))
    await office.edit("lucia", f"/customers/{other['customer_id']}", {"mobile": "600570004"})
    assert await door.seen("600570004") == ("RE", 2, 80, ("marcos", 60), "complaint")


async def test_policies_and_receipts(office: Office, conn: db.Connection) -> None:
    await conn.execute(QUEUES)
    await skilled(office, conn)
    await conn.execute(MORE)
    door = Door(office, conn)
    assert await door.seen("600579999", {"language": "ca"}, "CO") == (
        "CO", 2, 40, NOBODY, "catalan"
    )  # fmt: skip
    await door.customer("600570005", coverage_end_date="2027-05-03")
    assert await door.seen("600570005") == ("PR", 2, 65, ("lucia", 20), "last_safe_day")
    await conn.execute("UPDATE policies SET coverage_end_date = '2027-04-05'")
    assert await door.seen("600570005") == (
        "PR", 2, 55, ("lucia", 20), "period_passed_ask_insurer"
    )  # fmt: skip
    for mobile, due_on, first in (
        ("600570006", "2027-03-10", True),
        ("600570007", "2027-03-04", False),
        ("600570008", "2027-01-30", False),
    ):
        _, policy = await door.customer(mobile)
        body = receipt_body(due_on=due_on, first=first, kind="new" if first else "renewal")
        await office.do("lucia", "POST", f"/policies/{policy}/receipts", body)
    assert await door.seen("600570006") == ("PR", 2, 70, ("lucia", 15), "insurer_may_be_free")
    assert await door.seen("600570007") == ("PR", 2, 60, NOBODY, "covered_until")
    assert await door.seen("600570008") == ("PR", 2, 60, NOBODY, "suspended")
    _, policy = await door.customer("600570019")
    body = receipt_body(due_on="2026-08-10")
    receipt = await office.do("lucia", "POST", f"/policies/{policy}/receipts", body)
    assert await door.seen("600570019") == ("PR", 2, 60, NOBODY, "extinct_ask_insurer")
    move = f"/receipts/{receipt['receipt_id']}/move"  # what was collected had been claimed
    paid = {"state": "collected", "at": "2026-08-20T10:00:00Z"}
    await office.do("lucia", "POST", move, paid)
    back = {"state": "returned", "return_code": "MD06", "at": "2026-10-01T10:00:00Z"}
    await office.do("lucia", "POST", move, back)
    assert await door.seen("600570019") == ("PR", 2, 60, NOBODY, "suspended")
    crash = ("SA", 2, 60, NOBODY, "suspended_promise_nothing")
    assert await door.seen("600570008", {"key": "claim"}) == crash
    assert await door.seen("600570008", queue="SA") == crash
    fleet, _ = await door.customer("600570009")
    await conn.execute("UPDATE customers SET segment = 'fleet' WHERE id = $1::uuid",
                       fleet["customer_id"])  # fmt: skip
    assert await door.seen("600570009") == ("CO", 2, 65, ("lucia", 30), "ambiguous_number")
    await conn.execute("INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, 'health', 1)",
                       agent_of(office, "lucia"))  # fmt: skip
    await door.task(fleet, "health_authorisation")
    assert await door.seen("600570009") == ("SV", 2, 75, ("lucia", 20), "authorisation")


async def test_other_lines_a_vip_and_a_language(office: Office, conn: db.Connection) -> None:
    await conn.execute(QUEUES)
    for line in ("SA", "SH", "SV"):
        await skilled(office, conn, line)
    await conn.execute(MORE)
    await conn.execute("INSERT INTO skills (key, name_es, name_en) VALUES ('ca', 'ca', 'ca')")
    door = Door(office, conn)
    home = {
        "policy_type": "home", "vehicle_plate": None,
        "property_address": "Calle del Olmo, 1", "property_postal_code": "50003",
    }  # fmt: skip
    ill = {"policy_type": "health", "vehicle_plate": None}
    for mobile, policy, line, body in (
        ("600570021", home, "SH", {"claim_type": "other"}),
        ("600570022", ill, "SV", {"claim_type": "other"}),
    ):
        _, made = await door.customer(mobile, **policy)
        await office.do("lucia", "POST", "/claims", claim_body(made, **body))
        await conn.execute("UPDATE claims SET adjuster_id = $1", agent_of(office, "pablo"))
        assert await door.seen(mobile) == (line, 2, 60, ("pablo", 30), "claim")
    assert (await door.seen("600570021"))[2] == 60
    assert await door.seen("600570021") == ("SH", 2, 75, ("pablo", 20), "repeat")
    vip, _ = await door.customer("600570023")
    await conn.execute("UPDATE customers SET segment = 'vip' WHERE id = $1::uuid",
                       vip["customer_id"])  # fmt: skip
    assert await door.seen("600570023") == ("PR", 2, 65, ("lucia", 20), "vip")
    assert await door.seen("600570023", queue="CO") == ("CO", 2, 65, ("lucia", 20), "vip")
    await door.customer("600570024")
    seen = await door.seen("600570024", {"language": "ca"})
    assert seen == ("PR", 2, 50, NOBODY, "catalan_known")
    steps = await conn.fetchval("SELECT routing -> 'steps' FROM work_items"
                                " ORDER BY entered_at DESC, id DESC LIMIT 1")  # fmt: skip
    assert (steps[0]["require"][0][:2], steps[0]["for_ms"]) == (["ca", 3], 60_000)
