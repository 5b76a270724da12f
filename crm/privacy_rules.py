"""What the CRM's tables hold of a person (core.privacy).

Contracts of insurance are kept by law; customers are erased by the CRM's own job, table by table,
when no duty keeps them any more (`customers.erase_due`). Here they are exported, and listed as
held.
"""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

HELD: Final = "Kept while a contract, a claim or a period of the law needs it; then "
HELD_ES: Final = "Se conserva mientras lo exija un contrato, un siniestro o un plazo; después "

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

EXPORT_RUNS = """
SELECT to_jsonb(t) AS row FROM workflow_executions t
WHERE trigger_data ->> 'customer_id' = $1::uuid::text
"""
EXPORT_STEPS = """
SELECT to_jsonb(t) AS row FROM workflow_steps t JOIN workflow_executions e ON e.id = t.execution_id
WHERE e.trigger_data ->> 'customer_id' = $1::uuid::text
"""

EXPORTS: Final = {
    "customers": EXPORT_CUSTOMER,
    "customer_ways": EXPORT_WAYS,
    "customer_addresses": EXPORT_ADDRESSES,
    "customer_merges": EXPORT_MERGES,
    "policies": EXPORT_POLICIES,
    "policy_versions": EXPORT_VERSIONS,
    "policy_roles": EXPORT_ROLES,
    "receipts": EXPORT_RECEIPTS,
    "claims": EXPORT_CLAIMS,
    "claim_events": EXPORT_CLAIM_EVENTS,
    "quotes": EXPORT_QUOTES,
    "tasks": EXPORT_TASKS,
    "customer_letters": EXPORT_LETTERS,
    "workflow_executions": EXPORT_RUNS,
    "workflow_steps": EXPORT_STEPS,
}
THEN: Final = {
    "customers": "an empty row stays, for what refers to it.",
    "customer_ways": "it goes.",
    "customer_addresses": "it goes.",
    "customer_merges": "ids and times stay.",
    "policies": "numbers, states, days and amounts stay. In the texts of others' policies with a "
    "part of theirs, their full name and numbers are struck.",
    "policy_versions": "days, amounts and covers stay.",
    "policy_roles": "the part stays, of an empty file.",
    "receipts": "it stays: numbers, days and amounts.",
    "claims": "number, cause, states, days, amounts and whether it was covered stay.",
    "claim_events": "kinds, states, times and amounts stay.",
    "quotes": "number, state, premiums and what each insurer asked stay.",
    "tasks": "kind, state and days stay.",
    "customer_letters": "kind, state and times stay.",
    "workflow_executions": "ids, states and times stay. What is under way ends with the file.",
    "workflow_steps": "kinds, states and times stay.",
}
THEN_ES: Final = {
    "customers": "queda una fila vacía, a la que otras se refieren.",
    "customer_ways": "se va.",
    "customer_addresses": "se va.",
    "customer_merges": "quedan identificadores y horas.",
    "policies": "quedan números, estados, fechas e importes. En los textos de pólizas ajenas en "
    "las que intervino se tachan su nombre completo y sus números.",
    "policy_versions": "quedan fechas, importes y coberturas.",
    "policy_roles": "queda la intervención, de una ficha vacía.",
    "receipts": "queda: números, fechas e importes.",
    "claims": "quedan número, causa, estados, fechas, importes y si estaba cubierto.",
    "claim_events": "quedan tipos, estados, horas e importes.",
    "quotes": "quedan número, estado, primas y lo que pidió cada aseguradora.",
    "tasks": "quedan tipo, estado y fechas.",
    "customer_letters": "quedan tipo, estado y horas.",
    "workflow_executions": "quedan identificadores, estados y horas. Lo que esté en curso acaba "
    "con la ficha.",
    "workflow_steps": "quedan tipos, estados y horas.",
}

RULES: Final = (
    *(
        TableRule(
            table,
            "keep",
            HELD + THEN[table],
            {"customer": statement},
            reason_es=HELD_ES + THEN_ES[table],
        )
        for table, statement in EXPORTS.items()
    ),
    *nothing_personal("A name that is made from an id.", "households"),
    *nothing_personal("Ids and times.", "policy_non_renewals", "policy_moments"),
    *nothing_personal("Ids, times and kinds of error.", "policy_turn_failures"),
    *nothing_personal("Ids and decisions of staff.", "claim_approvals", "handler_deputies"),
    *nothing_personal("Settings.", "contact_rules", "catastrophes"),
    *nothing_personal("Numbers of trade: workshops and appointed experts.", "professionals"),
    *nothing_personal("Ids, names of checks and times.", "identity_checks"),
    *nothing_personal("Settings.", "segment_rules", "insurers", "holidays", "premium_rates"),
    *nothing_personal("Settings: times of the law.", "legal_periods"),
    *nothing_personal("Settings.", "workflows", "workflow_versions"),
    *nothing_personal("Settings.", "delegated_authorities", "approval_limits", "quote_rules"),
    *nothing_personal("Settings: versions of the tables of rules.", "office_sections"),
)
