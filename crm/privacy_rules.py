"""What the CRM's tables hold of a person (core.privacy).

Contracts of insurance are kept by law; customers are erased by the CRM's own job, table by table,
when no duty keeps them any more (`customers.erase_due`). Here they are exported, and listed as
held.
"""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

HELD: Final = (
    "Kept as long as a contract, a claim or a statutory period needs it; then erased by "
    "customers.erase_due."
)

EXPORT_CUSTOMER = """
SELECT to_jsonb(t) - 'grams' - 'search_text' - 'sort_key' AS row FROM customers t WHERE id = $1
"""
EXPORT_WAYS = "SELECT to_jsonb(t) AS row FROM customer_ways t WHERE customer_id = $1"
EXPORT_ADDRESSES = "SELECT to_jsonb(t) AS row FROM customer_addresses t WHERE customer_id = $1"
EXPORT_MERGES = """
SELECT to_jsonb(t) AS row FROM customer_merges t WHERE winner_id = $1 OR loser_id = $1
"""
EXPORT_POLICIES = "SELECT to_jsonb(t) AS row FROM policies t WHERE customer_id = $1"
EXPORT_VERSIONS = """
SELECT to_jsonb(t) AS row FROM policy_versions t JOIN policies p ON p.id = t.policy_id
WHERE p.customer_id = $1
"""
EXPORT_ROLES = "SELECT to_jsonb(t) AS row FROM policy_roles t WHERE customer_id = $1"
EXPORT_RECEIPTS = """
SELECT to_jsonb(t) AS row FROM receipts t JOIN policies p ON p.id = t.policy_id
WHERE p.customer_id = $1
"""
EXPORT_CLAIMS = "SELECT to_jsonb(t) AS row FROM claims t WHERE customer_id = $1"
EXPORT_CLAIM_EVENTS = """
SELECT to_jsonb(t) AS row FROM claim_events t JOIN claims c ON c.id = t.claim_id
WHERE c.customer_id = $1
"""
EXPORT_QUOTES = "SELECT to_jsonb(t) AS row FROM quotes t WHERE customer_id = $1"
EXPORT_TASKS = "SELECT to_jsonb(t) AS row FROM tasks t WHERE customer_id = $1"

EXPORT_LETTERS = "SELECT to_jsonb(t) AS row FROM customer_letters t WHERE customer_id = $1"

RULES: Final = (
    *(
        TableRule(table, "keep", HELD, {"customer": statement})
        for table, statement in (
            ("customers", EXPORT_CUSTOMER),
            ("customer_ways", EXPORT_WAYS),
            ("customer_addresses", EXPORT_ADDRESSES),
            ("customer_merges", EXPORT_MERGES),
            ("policies", EXPORT_POLICIES),
            ("policy_versions", EXPORT_VERSIONS),
            ("policy_roles", EXPORT_ROLES),
            ("receipts", EXPORT_RECEIPTS),
            ("claims", EXPORT_CLAIMS),
            ("claim_events", EXPORT_CLAIM_EVENTS),
            ("quotes", EXPORT_QUOTES),
            ("tasks", EXPORT_TASKS),
            ("customer_letters", EXPORT_LETTERS),
        )
    ),
    *nothing_personal("A name that is made from an id.", "households"),
    *nothing_personal("Ids and times.", "policy_non_renewals", "policy_moments"),
    *nothing_personal("Ids and decisions of staff.", "claim_approvals", "handler_deputies"),
    *nothing_personal("Settings.", "contact_rules", "catastrophes"),
    *nothing_personal("Numbers of trade: workshops and appointed experts.", "professionals"),
    *nothing_personal("Ids, names of checks and times.", "identity_checks"),
    *nothing_personal("Settings.", "segment_rules", "insurers", "holidays", "premium_rates"),
    *nothing_personal("Settings: times of the law.", "legal_periods"),
    *nothing_personal("Settings.", "workflows", "workflow_versions"),
    *nothing_personal("Ids, states and numbers.", "workflow_executions", "workflow_steps"),
    *nothing_personal("Settings.", "delegated_authorities", "approval_limits", "quote_rules"),
)
