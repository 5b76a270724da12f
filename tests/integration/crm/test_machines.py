"""The quote's machine: whatever is tried in whatever order, the edges hold.

The claim's is with the claims; the policy's stands in test_policy_machine.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.quotes.model import EDGES as QUOTE_EDGES
from tests.integration.crm.conftest import Office
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, a_quote

LIGHT = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
QUOTE_MOVES = ("send", "accept", "reject", "convert", "edit", "expire")
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
