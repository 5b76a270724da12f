"""The CRM's eight tables: the columns, indexes and foreign keys that each must have, with what
stands elsewhere and why (COLUMNS, INDEXES, REFERENCES)."""

from __future__ import annotations

from typing import Final

import db

COLUMNS: Final = {
    "customers": (
        "first_name last_name email phone mobile dni birth_date address_line1 address_line2 city"
        " province postal_code country company_name tax_id status segment lead_source tags notes"
        " metadata created_at updated_at created_by updated_by"
    ),
    "policies": (
        "customer_id policy_number policy_type carrier coverage_start_date coverage_end_date"
        " premium_amount premium_frequency coverage_amount status cancellation_reason cancelled_at"
        " vehicle_make vehicle_model vehicle_year vehicle_plate vehicle_vin property_address"
        " property_type property_value policy_document_url certificate_url metadata notes"
        " created_at updated_at created_by updated_by"
    ),
    "claims": (
        "customer_id policy_id claim_number claim_type incident_date reported_date description"
        " location claimed_amount approved_amount paid_amount status denial_reason adjuster_id"
        " documents metadata notes created_at updated_at resolved_at"
    ),
    "quotes": (
        "customer_id quote_number quote_type coverage_details base_premium discounts surcharges"
        " total_premium carrier_quotes status valid_until converted policy_id converted_at"
        " metadata notes created_at updated_at created_by"
    ),
    "interactions": "customer_id direction channel subject outcome agent_id metadata tags"
    " created_at",
    "tasks": (
        "title description task_type priority assigned_to created_by customer_id policy_id"
        " claim_id quote_id status due_date completed_at metadata tags created_at updated_at"
    ),
    "workflows": (
        "name description trigger_type trigger_config steps active created_at updated_at created_by"
    ),
    "workflow_executions": (
        "workflow_id status trigger_data steps_completed steps_total error_message results"
        " started_at completed_at"
    ),
}
# Not columns of their own: an interaction's type is its channel, its duration, recording and call
# are rows of segments, recordings and calls, what it is about is named by the task, claim or quote
# that came of it, a scheduled one is a task or a callback; a workflow's runs are counted.

INDEXES: Final = {
    "idx_customers_email": "lower(email)",
    "idx_customers_phone": "phone",
    "idx_customers_dni": "dni",
    "idx_customers_status": "status",
    "idx_customers_created": "created_at",
    "idx_policies_customer": "customer_id",
    "idx_policies_number": "policy_number",
    "idx_policies_type": "policy_type",
    "idx_policies_status": "status",
    "idx_policies_dates": "coverage_start_date, coverage_end_date",
    "idx_claims_customer": "customer_id",
    "idx_claims_policy": "policy_id",
    "idx_claims_status": "status",
    "idx_claims_number": "claim_number",
    "idx_quotes_customer": "customer_id",
    "idx_quotes_status": "status",
    "idx_quotes_number": "quote_number",
    "interactions_customer": "customer_id",
    "interactions_agent": "agent_id",
    "interactions_created": "created_at",  # idx_interactions_type: a channel alone chooses too many
    "idx_tasks_assigned": "assigned_to",
    "idx_tasks_status": "status",
    "idx_tasks_due_date": "due_date",
    "idx_tasks_customer": "customer_id",
    "idx_workflow_executions_workflow": "workflow_id",
    "idx_workflow_executions_status": "status",
    # for searching: labels, and parts of names, numbers, plates and policy numbers
    "customers_tags": "tags",
    "customers_grams": "grams",
    "customers_words": "string_to_array(search_text",
    "policies_grams": "grams",
}
REFERENCES: Final = {
    ("policies", "customers"), ("claims", "customers"), ("claims", "policies"),
    ("quotes", "customers"), ("quotes", "policies"), ("tasks", "customers"),
    ("tasks", "policies"), ("tasks", "claims"), ("tasks", "quotes"),
    ("interactions", "contacts"), ("workflow_executions", "workflows"),
}  # fmt: skip
# An interaction's customer is no foreign key: the hall stands without the CRM.
KEYS: Final = """
SELECT conrelid::regclass::text AS from_, confrelid::regclass::text AS to_, confdeltype::text
FROM pg_constraint WHERE contype = 'f'
"""


async def test_the_plans_columns_are_there(conn: db.Connection) -> None:
    rows = await conn.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    there = {(row["table_name"], row["column_name"]) for row in rows}
    wanted = {(table, name) for table, names in COLUMNS.items() for name in names.split()}
    assert wanted - there == set()


async def test_the_plans_indexes_are_there(conn: db.Connection) -> None:
    rows = await conn.fetch("SELECT indexname, indexdef FROM pg_indexes")
    there = {row["indexname"]: row["indexdef"].partition(" USING ")[2] for row in rows}
    for name, columns in INDEXES.items():
        assert there[name].partition("(")[2].startswith(columns), (name, there[name])


async def test_the_plans_references_hold_and_nothing_goes_with_a_customer(
    conn: db.Connection,
) -> None:
    rows = await conn.fetch(KEYS)
    assert {(row["from_"], row["to_"]) for row in rows} >= REFERENCES
    assert {row["from_"] for row in rows if row["to_"] == "customers" and row[2] == "c"} == set()
