"""Approvals under the authority that an insurer delegates: limits, and four eyes above a sum."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NoReturn

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, Forbidden
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.claims import ClaimApprovalAsked
from crm.claims import store
from crm.claims.model import Verdict, approval
from db import Record

REFUSED: Final[Mapping[Verdict, str]] = {
    "no_authority": "This insurer has not delegated the decision: record the insurer's own.",
    "over_authority": "The sum is more than the insurer lets us decide.",
    "over_limit": "The sum is more than you may approve.",
    "same_person": "The second approval must be somebody else's.",
    "amount_differs": "The other approval was of another sum.",
    "review_needed": "Its fraud score asks for a look first: confirm that you had it.",
}


async def authorised(
    work: Work,
    principal: Principal,
    row: Record,
    amount: Decimal,
    day: date,
    *,
    reviewed: bool,
) -> bool:
    """Approve a held claim under what its insurer delegates on a day. False: one of two has
    approved. Raises Forbidden or Conflict (ctx.verdict)."""
    if principal.user_id is None or not principal.may(Permission.CLAIMS_DECIDE):
        raise Forbidden("You decide no claims.", verdict="over_limit")
    conn, number = work.conn, await store.round_of(work.conn, row["id"])
    earlier = {a["user_id"]: a["amount"] for a in await store.approvals(conn, row["id"], number)}
    verdict = approval(
        amount,
        user=principal.user_id,
        limit=await store.limit(conn, principal.role, day),
        authority=await store.authority(conn, row["carrier"], row["policy_type"], day),
        earlier=earlier,
        fraud_score=row["fraud_score"],
        reviewed=reviewed,
    )
    if verdict not in {"approved", "second_needed"}:
        refuse(verdict)
    await store.add_approval(conn, row["id"], number, principal.user_id, amount, work.now)
    if verdict == "approved":
        return True
    await store.add_event(
        conn, new_id(), row["id"], "approval", None, None, amount, "", work.actor, work.now
    )
    work.emit(
        ClaimApprovalAsked(
            claim_id=row["id"],
            customer_id=row["customer_id"],
            policy_id=row["policy_id"],
            amount=amount,
        )
    )
    before = earlier.get(principal.user_id)
    work.audit(
        "claim.approval_asked",
        "claim",
        row["id"],
        before=None if before is None else {"amount": str(before)},
        after={"amount": str(amount)},
        person=row["customer_id"],
    )
    return False


def refuse(verdict: Verdict) -> NoReturn:
    kind = Forbidden if verdict == "over_limit" else Conflict
    raise kind(REFUSED[verdict], verdict=verdict)
