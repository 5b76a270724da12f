"""Machines of quotes and policies: whatever is tried in whatever order, the edges hold.

The claim's machine is with the claims.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.policies.model import EDGES as POLICY_EDGES
from crm.policies.model import IN_FORCE
from crm.quotes.model import EDGES as QUOTE_EDGES
from tests.integration.crm.conftest import Answer, Office, a_policy
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, a_quote

LIGHT = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
QUOTE_MOVES = ("send", "accept", "reject", "convert", "edit", "expire")
POLICY_MOVES = ("suspend", "activate", "cancel", "renew", "end", "endorse")
AFTER = {"send": "sent", "accept": "accepted", "reject": "rejected"}


@LIGHT
@given(moves=st.lists(st.sampled_from(QUOTE_MOVES), min_size=3, max_size=9))
async def test_a_quote_goes_only_along_its_edges(office: Office, moves: list[str]) -> None:
    made = await a_quote(office, carrier="aldaba", mediation=MEDIATION, carrier_quotes=OFFERS)
    path, state, policy = f"/quotes/{made['quote_id']}", "draft", None
    bodies: dict[str, Any] = {
        "reject": {"reason": "x"}, "convert": {"coverage_start_date": "2027-04-01"}
    }  # fmt: skip
    for move in moves:
        if move == "expire":
            office.clock.set(datetime.fromisoformat(made["valid_until"]) + timedelta(seconds=1))
            await office.crm.quotes.expire_due()
            state = "expired" if "expired" in QUOTE_EDGES[state] else state  # type: ignore[index]
        elif move == "edit":
            answer = await office.ask("lucia", "PATCH", path, {"notes": "n"}, **{"If-Match": "*"})
            assert answer.status == (200 if state == "draft" else 409)
        else:
            answer = await office.ask("lucia", "POST", f"{path}/{move}", bodies.get(move))
            if move == "convert":
                wanted = 409 if state != "accepted" else 201 if policy is None else 200
                assert answer.status == wanted, answer.body
                if wanted != 409:
                    policy = policy or answer.body["policy"]["policy_id"]
                    assert answer.body["policy"]["policy_id"] == policy
            elif AFTER[move] in QUOTE_EDGES[state]:  # type: ignore[index]
                assert (answer.status, answer.body["status"]) == (200, AFTER[move])
                state = AFTER[move]
            else:
                assert answer.status == 409, answer.body
        now = await office.do("lucia", "GET", path)
        assert (now["status"], now["policy_id"]) == (state, policy)


FIRST: Final = date(2027, 1, 1)


@dataclasses.dataclass
class Term:
    """What a policy's machine knows of it."""

    state: str
    start: date
    end: date
    today: date
    holder: str
    paused: bool = False

    def allows(self, move: str) -> int:
        """The status of the answer."""
        to = {"suspend": "suspended", "activate": "active", "cancel": "cancelled"}.get(move)
        edges = POLICY_EDGES[self.state]  # type: ignore[index]
        if move == "renew":
            return 200 if self.state in {*IN_FORCE, "expired"} else 409
        if move == "endorse":
            return 200 if self.today < self.end and self.state != "cancelled" else 422
        if to not in edges or (move == "activate" and self.state == "expired"):
            return 409
        # A renewal ahead of the end leaves the present term: whatever day lies in one may end it.
        return 200 if move != "cancel" or FIRST <= self.today <= self.end else 422


async def ask(office: Office, path: str, move: str, term: Term, number: int) -> Answer:
    if move == "endorse":
        body: dict[str, Any] = {"premium_amount": {"amount": f"{500 + number}.00"}}
        return await office.ask("lucia", "PATCH", path, body, **{"If-Match": "*"})
    posts: dict[str, tuple[str, dict[str, Any]]] = {
        "suspend": ("status", {"status": "suspended"}),
        "activate": ("status", {"status": "active"}),
        "cancel": (
            "cancel", {"reason": "policyholder_wish", "effective_date": term.today.isoformat(),
                       "requested_by_customer_id": term.holder}
        ),
        "renew": ("renew", {"insurer_consents": True}),
    }  # fmt: skip
    verb, body = posts[move]
    return await office.ask("lucia", "POST", f"{path}/{verb}", body)


@LIGHT
@given(moves=st.lists(st.sampled_from(POLICY_MOVES), min_size=3, max_size=9), silence=st.booleans())
async def test_a_policy_goes_only_along_its_edges(
    office: Office, moves: list[str], silence: bool
) -> None:
    office.clock.set(datetime(2027, 3, 16, 9, tzinfo=UTC))
    made = await a_policy(office, auto_renew=silence)
    path = f"/policies/{made['policy_id']}"
    term = Term("active", FIRST, date(2028, 1, 1), date(2027, 3, 16), made["customer_id"])
    versions = 1
    for number, move in enumerate(moves):
        if move == "end":
            term.today = max(term.today, term.end + timedelta(days=1))
            office.clock.set(datetime(*term.today.timetuple()[:3], 9, tzinfo=UTC))
            await office.crm.by_clock.turn()
            if term.state in IN_FORCE and silence:
                term.start, term.end = term.end, term.end.replace(year=term.end.year + 1)
                versions += 1
            elif term.state in IN_FORCE:
                term.state = "expired"
        else:
            wanted = term.allows(move)
            answer = await ask(office, path, move, term, number)
            assert answer.status == wanted, (move, term, answer.body)
            if wanted == 200:
                versions += move in {"cancel", "renew", "endorse", "suspend", "activate"}
                if move in {"suspend", "activate"}:
                    term.paused = move == "suspend"
                if move == "renew" and term.state == "expired" and term.paused:
                    versions += 1  # the suspension ended with the old term
                    term.paused = False
                if move == "renew":
                    term.start, term.end = term.end, term.end.replace(year=term.end.year + 1)
                    term.state = "active" if term.state == "expired" else term.state
                elif move != "endorse":
                    term.state = {
                        "suspend": "suspended", "activate": "active", "cancel": "cancelled"
                    }[move]  # fmt: skip
        now = await office.do("lucia", "GET", path)
        assert now["status"] == term.state, (move, term)
        assert now["coverage_end_date"] == term.end.isoformat()
        history = await office.do("lucia", "GET", f"{path}/versions")
        assert [each["number"] for each in history["versions"]] == list(range(1, versions + 1))
