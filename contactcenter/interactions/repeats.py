"""A repeat (domain 1.18): the same customer about the same matter within seven days.

The offer and the customer's file count with the same words, so that they say the same number.
"""

from __future__ import annotations

from typing import Final

_COUNT: Final = """
SELECT count(*) FROM interactions p
WHERE p.{whose} AND p.id IS DISTINCT FROM {this} AND p.direction = 'inbound'
  AND p.created_at > {at} - interval '7 days' AND p.created_at <= {at}
  AND (p.queue = {matter} OR EXISTS (
       SELECT FROM claims l JOIN policies y ON y.id = l.policy_id
       WHERE l.interaction_id = p.id AND l.status NOT IN ('denied', 'paid')
         AND {matter} = CASE y.policy_type WHEN 'auto' THEN 'SA' WHEN 'home' THEN 'SH'
                        WHEN 'business' THEN 'SH' ELSE 'SV' END))
"""


def contacts_before(*, customer: str, contact: str, matter: str, this: str, at: str) -> str:
    """An SQL figure: the customer's other inbound interactions of the seven days before `at`; of
    whom no customer is known, the contact's. `matter` is a queue: what was in it, or reported an
    open claim of its line. All are SQL: columns, or parameters with their types."""
    of = {"matter": matter, "this": this, "at": at}
    by_contact = _COUNT.format(whose=f"contact_id = {contact}", **of)
    by_customer = _COUNT.format(whose=f"customer_id = {customer}", **of)
    return f"(CASE WHEN {customer} IS NULL THEN ({by_contact}) ELSE ({by_customer}) END)"
