"""The CRM's seventeen events (MUST): each is told once for a commit and never without one, as what
it is, and in the order in which it happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from contactcenter.core.errors import Unavailable
from contactcenter.core.work import Work
from contactcenter.events import CATALOGUE
from tests.integration.crm.conftest import Office, policy_body
from tests.integration.crm.test_claims import PROOF, SAYS, claim_body
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, quote_body

MUST: Final = {
    "customer.created", "customer.updated", "customer.deleted", "policy.created", "policy.renewed",
    "policy.cancelled", "policy.expiring_soon", "claim.created", "claim.updated", "claim.approved",
    "claim.denied", "claim.paid", "quote.created", "quote.converted", "interaction.created",
    "task.created", "task.completed",
}  # fmt: skip
DAYS: Final = {"coverage_start_date": "2026-05-30", "coverage_end_date": "2027-05-30"}
SUM: Final = {"amount": {"amount": "100.00"}}
ASIDE: Final = {"customer.segmented", "contact.linked", "contact.unlinked"}
Told = dict[str, Any]
STEPS: Final[tuple[tuple[str, str, str, Callable[[Told], Any]], ...]] = (
    ("customer.created", "POST", "/customers", lambda _: {
        "first_name": "Ana", "last_name": "Beltrán", "confirm": True}),
    ("customer.updated", "PATCH", "/customers/{customer_id}", lambda _: {"city": "Huesca"}),
    ("policy.created", "POST", "/policies", lambda t: policy_body(t["customer_id"], **DAYS)),
    ("policy.expiring_soon", "", "", lambda _: None),
    ("claim.created", "POST", "/claims", lambda t: claim_body(t["policy_id"])),
    ("claim.updated", "PATCH", "/claims/{claim_id}", lambda _: {"location": "Calle Mayor"}),
    ("claim.sent", "POST", "/claims/{claim_id}/send", lambda _: {"insurer_reference": "X-1"}),
    ("claim.approved", "POST", "/claims/{claim_id}/approve", lambda _: SUM | SAYS),
    ("claim.paid", "POST", "/claims/{claim_id}/pay", lambda _: SUM | PROOF),
    ("claim.reopened", "POST", "/claims/{claim_id}/status", lambda _: {
        "status": "reopened", "note": "x"}),
    ("claim.resumed", "POST", "/claims/{claim_id}/status", lambda _: {
        "status": "investigating", "note": "x"}),
    ("claim.denied", "POST", "/claims/{claim_id}/deny", lambda _: {"reason": "x", **SAYS}),
    ("policy.renewed", "POST", "/policies/{policy_id}/renew", lambda _: {}),
    ("policy.cancelled", "POST", "/policies/{policy_id}/cancel", lambda t: {
        "reason": "total_loss", "effective_date": "2027-05-30",
        "requested_by_customer_id": t["customer_id"]}),
    ("quote.created", "POST", "/quotes", lambda t: quote_body(
        t["customer_id"], carrier="aldaba", mediation=MEDIATION, carrier_quotes=OFFERS)),
    ("quote.sent", "POST", "/quotes/{quote_id}/send", lambda _: None),
    ("quote.accepted", "POST", "/quotes/{quote_id}/accept", lambda _: None),
    ("quote.converted policy.created", "POST", "/quotes/{quote_id}/convert", lambda _: {
        "coverage_start_date": "2027-04-01"}),
    ("interaction.created interaction.closed", "POST", "/interactions", lambda t: {
        "customer_id": t["customer_id"]}),
    ("task.created", "POST", "/tasks", lambda _: {"title": "Llamar"}),
    ("task.completed", "POST", "/tasks/{task_id}/complete", lambda _: None),
    ("customer.created", "POST", "/customers", lambda _: {
        "first_name": "Eva", "last_name": "Sanz", "confirm": True}),
    ("customer.deleted customer.erased", "DELETE", "/customers/{customer_id}", lambda _: None),
)  # fmt: skip


async def test_each_once_for_a_commit_and_never_without_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Told = {}
    heard: list[str] = []
    flush: Callable[[Work], Awaitable[int | None]] = Work.flush

    async def lost(self: Work) -> int | None:
        """The facts are written, and the commit never comes."""
        if await flush(self) is None:
            return None
        raise Unavailable

    async def done(method: str, path: str, body: Any) -> Any:
        if not method:
            return await office.crm.by_clock.tell_expiring()
        answer = await office.ask("elena", method, path, body, **{"If-Match": "*"})
        if answer.status == 503:
            raise Unavailable
        assert answer.status < 300, (path, answer.body)
        return answer.body

    for names, method, path, body in STEPS:
        where = path.format(**told)
        with monkeypatch.context() as patched:
            patched.setattr(Work, "flush", lost)
            with pytest.raises(Unavailable):
                await done(method, where, body(told))
        assert [each.event.name for each in await office.events()] == heard, "nothing was told"
        answer = await done(method, where, body(told))
        log = await office.events()
        new = [each.event.name for each in log[len(heard) :]]
        assert set(new) - ASIDE == set(names.split()), path
        assert len(new) == len(set(new))
        heard += new
        told |= {k: v for k, v in (answer or {}).items() if k.endswith("_id") and v is not None}
    await office.crm.by_clock.tell_expiring()  # the same moment is told once
    log = await office.events()
    assert [each.event.name for each in log] == heard
    assert set(heard) >= MUST
    places = [each.position for each in log]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    for each in log:
        assert type(each.event) is CATALOGUE[each.event.name]
        assert each.event.subject
        assert each.actor == office.people["elena"].actor or each.event.name.endswith("_soon")
