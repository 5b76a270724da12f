"""Every constraint of the CRM's tables: either what is asked against it is refused with 422 or 409,
the field and a sentence, or no request can reach it, and here stands why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import db
from contactcenter.core.ids import new_id
from tests.integration.crm.conftest import Office, agent_of, policy_body, receipt_body
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_quotes import quote_body

TABLES: Final = (
    "^(approval_limits|catastrophes|claim_.*|claims|contact_rules|customer_.*|customers"
    "|delegated_authorities|handler_deputies|holidays|households|identity_checks|insurers"
    "|legal_periods|policies|policy_.*|premium_rates|professionals|quote_rules|quotes|receipts|segment_rules|tasks"
    "|workflow_.*|workflows)$"
)
FOUND: Final = """
SELECT conname AS name, conrelid::regclass::text AS of FROM pg_constraint
WHERE contype IN ('c', 'f', 'u') AND conrelid::regclass::text ~ $1
UNION ALL
SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index i
WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text ~ $1
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
NOBODY: Final = str(new_id())
DNI, CIF = "12345678Z", "B12345674"
FEW: Final = {"amount": "-1"}
KIND: Final = re.compile(r"""(?:Invalid\.field\(\s*[^,]+,|PydanticCustomError\()\s*"(\w+)\"""")
FAULTS: Final = Path("web/desktop/src/crm/texts-faults.ts")
REFUSED: Final = Path("web/desktop/src/crm/refused.ts")


@dataclass
class Files:
    """One of each, as a request names them."""

    customer: str
    policy: str
    claim: str
    quote: str
    receipt: str
    workflow: str
    agents: tuple[str, str]

    def person(self, **fields: Any) -> dict[str, Any]:
        return {"first_name": "Eva", "last_name": "Sanz", "confirm": True, **fields}

    def a_policy(self, **fields: Any) -> dict[str, Any]:
        return policy_body(self.customer) | fields

    def a_claim(self, **fields: Any) -> dict[str, Any]:
        return claim_body(self.policy) | fields

    def a_quote(self, **fields: Any) -> dict[str, Any]:
        return quote_body(self.customer) | fields


Asked = tuple[str, str, Callable[[Files], Any], str]
"""Method and path ({name} of Files), the body, and the field that is to blame."""


def patch(path: str, **fields: Any) -> Asked:
    return ("PATCH", path, lambda _: fields, next(iter(fields)))


def person(**fields: Any) -> Asked:
    return ("POST", "/customers", lambda f: f.person(**fields), next(iter(fields)))


def policy(**fields: Any) -> Asked:
    return ("POST", "/policies", lambda f: f.a_policy(**fields), next(iter(fields)))


def claim(**fields: Any) -> Asked:
    return ("POST", "/claims", lambda f: f.a_claim(**fields), next(iter(fields)))


def quote(**fields: Any) -> Asked:
    return ("POST", "/quotes", lambda f: f.a_quote(**fields), next(iter(fields)))


def task(**fields: Any) -> Asked:
    return ("POST", "/tasks", lambda _: {"title": "x", **fields}, next(iter(fields)))


def receipt(field: str, **fields: Any) -> Asked:
    return ("POST", "/policies/{policy}/receipts", lambda _: receipt_body(**fields), field)


def put(path: str, where: str, **fields: Any) -> Asked:
    return ("PUT", path, lambda _: fields, where)


REACHED: Final[dict[str, Asked]] = {
    "customers_country_check": person(country="Spain"),
    "customers_email_check": person(email="ana@@correo"),
    "customers_kind_check": person(kind="ghost"),
    "customers_locale_check": person(locale="fr"),
    "customers_status_check": person(status="merged"),
    "customers_named": patch("/customers/{customer}", last_name=""),
    "customers_household_id_fkey": person(household_id=NOBODY),
    "customers_portfolio_manager_id_fkey": patch(
        "/customers/{customer}", portfolio_manager_id=NOBODY
    ),
    "customers_tax_id": ("POST", "/customers", lambda _: {
        "kind": "company", "company_name": "Otra SL", "tax_id": CIF, "confirm": True}, "tax_id"),
    "idx_customers_dni": person(dni=DNI),
    "idx_customers_email": person(email="ANA@correo.example"),
    "customer_ways_kind_check": person(ways=[{"kind": "pigeon", "address": "x"}]),
    "policies_cancelled_by_check": ("POST", "/policies/{policy}/cancel", lambda _: {
        "reason": "policyholder_wish", "effective_date": "2027-04-01", "requested_by": "nobody"},
        "requested_by"),
    "policies_check": policy(coverage_end_date="2027-01-01", coverage_start_date="2027-01-01"),
    "policies_coverage_amount_check": policy(coverage_amount=FEW),
    "policies_notice_months_check": policy(notice_months=13),
    "policies_policy_type_check": policy(policy_type="boat"),
    "policies_premium_amount_check": policy(premium_amount={"amount": "0"}),
    "policies_premium_frequency_check": policy(premium_frequency="weekly"),
    "policies_premium_net_check": policy(premium_net=FEW),
    "policies_property_value_check": policy(property_value=FEW),
    "policies_vehicle_year_check": policy(vehicle_year=1800),
    "policies_carrier_fkey": policy(carrier="nowhere"),
    "policies_customer_id_fkey": policy(customer_id=NOBODY),
    "policies_issued_by_fkey": policy(issued_by=NOBODY),
    "policies_replaced_by_fkey": ("POST", "/policies/{policy}/status", lambda _: {
        "status": "replaced", "replaced_by": NOBODY}, "replaced_by"),
    "policies_carrier_policy_number_key": policy(policy_number="7"),
    "policies_status_check": ("POST", "/policies/{policy}/status", lambda _: {
        "status": "lost"}, "status"),
    "policy_roles_check": policy(parties=[{"role": "driver"}]),
    "policy_roles_role_check": policy(parties=[{"role": "friend", "name": "X"}]),
    "policy_roles_share_check": policy(
        parties=[{"role": "beneficiary", "name": "X", "share": "101"}]),
    "policy_roles_customer_id_fkey": policy(parties=[{"role": "driver", "customer_id": NOBODY}]),
    "policy_roles_one_holder": policy(parties=[{"role": "policyholder", "name": "X"}]),
    "policy_non_renewals_by_check": ("POST", "/policies/{policy}/non-renewal", lambda _: {
        "by": "nobody", "received_on": "2027-03-01"}, "by"),
    "claims_approved_amount_check": ("POST", "/claims/{claim}/approve", lambda _: {
        "amount": FEW}, "amount"),
    "claims_check": claim(incident_date="2027-06-01T08:00:00+02:00"),
    "claims_check1": ("POST", "/claims/{claim}/deny", lambda _: {"reason": ""}, "reason"),
    "claims_claim_type_check": claim(claim_type="Mi Coche"),
    "claims_claimed_amount_check": claim(claimed_amount=FEW),
    "claims_decided_by_check": ("POST", "/claims/{claim}/deny", lambda _: {
        "reason": "x", "decided_by": "us"}, "decided_by"),
    "claims_paid_amount_check": ("POST", "/claims/{claim}/pay", lambda _: {
        "amount": FEW}, "amount"),
    "claims_payer_check": claim(payer="nobody"),
    "claims_reserve_check": claim(reserve=FEW),
    "claims_status_check": ("POST", "/claims/{claim}/status", lambda _: {
        "status": "lost", "note": "x"}, "status"),
    "claims_adjuster_id_fkey": claim(adjuster_id=NOBODY),
    "claims_interaction_id_fkey": claim(interaction_id=NOBODY),
    "claims_policy_id_fkey": claim(policy_id=NOBODY),
    "delegated_authorities_max_amount_check": put(
        "/delegated-authorities", "max_amount", carrier="aldaba", policy_type="auto",
        valid_from="2027-01-01", max_amount=FEW, four_eyes_above={"amount": "1"}),
    "delegated_authorities_carrier_fkey": put(
        "/delegated-authorities", "carrier", carrier="nowhere", policy_type="auto",
        valid_from="2027-01-01", max_amount={"amount": "1"}, four_eyes_above={"amount": "1"}),
    "approval_limits_limit_amount_check": put(
        "/approval-limits", "limit", role="adjuster", valid_from="2027-01-01", limit=FEW),
    "approval_limits_role_fkey": put(
        "/approval-limits", "role", role="nobody", valid_from="2027-01-01",
        limit={"amount": "1"}),
    "handler_deputies_check": ("PUT", "/handler-deputies", lambda _: {
        "agent_id": NOBODY, "deputy_id": NOBODY}, "deputy_id"),
    "handler_deputies_days": ("PUT", "/handler-deputies", lambda f: {
        "agent_id": f.agents[0], "deputy_id": f.agents[1], "valid_from": "2027-02-02",
        "valid_to": "2027-02-01"}, "valid_to"),
    "handler_deputies_agent_id_fkey": ("PUT", "/handler-deputies", lambda f: {
        "agent_id": NOBODY, "deputy_id": f.agents[0]}, "agent_id"),
    "handler_deputies_deputy_id_fkey": ("PUT", "/handler-deputies", lambda f: {
        "agent_id": f.agents[0], "deputy_id": NOBODY}, "deputy_id"),
    "holidays_scope_check": put(
        "/holidays", "scope", day="2027-04-23", name="x", scope="galactic"),
    "legal_periods_amount_check": put(
        "/legal-periods", "amount", kind="grace_months", valid_from="2027-01-01", amount=0,
        source="x"),
    "quotes_base_premium_check": quote(base_premium={"amount": "0"}),
    "quotes_total_premium_check": quote(base_premium={"amount": "-3"}),
    "quotes_quote_type_check": quote(quote_type="boat"),
    "quotes_carrier_fkey": quote(carrier="nowhere"),
    "quotes_customer_id_fkey": quote(customer_id=NOBODY),
    "quotes_interaction_id_fkey": quote(interaction_id=NOBODY),
    "quote_rules_min_offers_check": put("/quote-rules", "min_offers", items=[
        {"line": "auto", "min_offers": 0}]),
    "receipts_check": receipt("period_end", period_end="2027-01-01"),
    "receipts_check1": receipt("total", kind="extorno"),
    "receipts_collected_by_check": receipt("collected_by", collected_by="nobody"),
    "receipts_kind_check": receipt("kind", kind="odd"),
    "receipts_number": receipt("number", number="R-1"),
    "receipts_return_code_check": ("POST", "/receipts/{receipt}/move", lambda _: {
        "state": "returned", "return_code": "am4"}, "return_code"),
    "receipts_state_check": ("POST", "/receipts/{receipt}/move", lambda _: {
        "state": "lost"}, "state"),
    "tasks_priority_check": task(priority="huge"),
    "tasks_status_check": task(status="lost"),
    "tasks_task_type_check": task(task_type="Mi tarea"),
    "tasks_title_check": task(title=""),
    "tasks_assigned_agent_fkey": task(assigned_agent=NOBODY),
    "tasks_assigned_to_fkey": task(assigned_to=NOBODY),
    "tasks_claim_id_fkey": task(claim_id=NOBODY),
    "tasks_customer_id_fkey": task(customer_id=NOBODY),
    "tasks_interaction_id_fkey": task(interaction_id=NOBODY),
    "tasks_policy_id_fkey": task(policy_id=NOBODY),
    "tasks_quote_id_fkey": task(quote_id=NOBODY),
    "workflows_name_check": patch("/workflows/{workflow}", name=""),
    "workflows_trigger_type_check": patch("/workflows/{workflow}", trigger_type="magic"),
    "premium_rates_check": put("/premium-rates", "rate", kind="ips", valid_from="2027-01-01",
                               source="x"),
    "insurers_dgs_code_check": put("/insurers", "dgs_code", key="x", dgs_code="1", name="X"),
    "insurers_key_check": put("/insurers", "key", key="É", dgs_code="C0999", name="X"),
    "insurers_dgs_code_key": put("/insurers", "dgs_code", key="x", dgs_code="C0901", name="X"),
    "contact_rules_name_check": put("/contact-rules", "name", items=[
        {"name": "Mi regla", "conditions": {}, "effects": {}}]),
    "segment_rules_segment_check": put("/segment-rules", "segment", items=[
        {"segment": "Mi regla", "conditions": {}}]),
    "catastrophes_peril_check": ("POST", "/catastrophes", lambda _: {"peril": "frogs"}, "peril"),
    "professionals_kind_check": ("POST", "/professionals", lambda _: {
        "phone": "+34976111222", "name": "X", "kind": "cook"}, "kind"),
    "professionals_phone_key": ("POST", "/professionals", lambda _: {
        "phone": "+34976111333", "name": "X", "kind": "workshop"}, "phone"),
}  # fmt: skip

TOGETHER: Final = {
    "premium_rates_check": "item_unclear",
    "policies_check": "bad_period", "receipts_check": "bad_period", "receipts_check1": "bad_sign",
}  # fmt: skip
"""Constraint of several fields → the fault that is told of the whole body, not of one field."""

OURS: Final = {
    "its place in the list that is put as a whole": (
        "contact_rules_ordinal_key segment_rules_ordinal_key"
    ),
    "set by the operation that makes the change, never given": (
        "catastrophes_check claims_check2 claims_check3 claims_fraud_score_check"
        " customer_letters_state_check customer_merges_loser customers_check identity_checks_check"
        " identity_checks_level_check policies_check1 policies_check2 policies_check3"
        " policy_moments_moment_check policy_versions_kind_check quotes_check quotes_check1"
        " quotes_status_check receipts_check2 receipts_check3 tasks_check"
        " workflow_executions_check workflow_executions_status_check workflow_steps_status_check"
    ),
    "a later day than the one before is 409 before it is written": (
        "policy_non_renewals_check policy_non_renewals_check1"
    ),
    "numbered or marked by us, once": (
        "claims_claim_number_key customer_letters_cause_key policies_reference_key"
        " policy_versions_policy_id_number_key quotes_policy_id_key quotes_quote_number_key"
        " tasks_cause_key workflow_executions_cause_key"
    ),
    "of a row that the operation has found": (
        "claim_approvals_claim_id_fkey claim_approvals_user_id_fkey claim_events_claim_id_fkey"
        " claims_customer_id_fkey customer_addresses_customer_id_fkey"
        " customer_letters_customer_id_fkey customer_letters_quote_id_fkey"
        " customer_merges_loser_id_fkey customer_merges_winner_id_fkey"
        " customer_ways_customer_id_fkey customers_merged_into_fkey identity_checks_agent_id_fkey"
        " identity_checks_customer_id_fkey identity_checks_interaction_id_fkey"
        " policy_moments_policy_id_fkey policy_non_renewals_policy_id_fkey"
        " policy_turn_failures_policy_id_fkey"
        " policy_roles_policy_id_fkey policy_versions_policy_id_fkey quotes_policy_id_fkey"
        " receipts_policy_id_fkey workflow_executions_workflow_id_fkey"
        " workflow_steps_execution_id_fkey workflow_versions_workflow_id_fkey"
    ),
    "who signs in as a customer comes with the seeds": (
        "customers_user_id_fkey customers_user_id_key"
    ),
}


async def test_each_is_refused_by_its_name_or_out_of_reach(conn: db.Connection) -> None:
    found = {row["name"] for row in await conn.fetch(FOUND, TABLES)}
    ours = [name for names in OURS.values() for name in names.split()]
    assert len(ours) == len(set(ours))
    assert not set(ours) & REACHED.keys()
    assert found == set(ours) | REACHED.keys()


async def test_each_that_a_request_can_break_says_what_and_where(office: Office) -> None:
    files = await some_of_each(office)
    sentences, kinds = translated()
    wrong: list[Any] = []
    for name, (method, path, body, field) in REACHED.items():
        where = path.format(**vars(files))
        who = "alba" if method == "PUT" else "elena"
        matched = method in {"PATCH", "PUT"} or "/policies/{" in path
        anew = where == "/insurers"
        headers = {"If-Match": "*"} if matched and not anew else {}
        answer = await office.ask(who, method, where, body(files), **headers)
        said = answer.body or {}
        errors, ctx = said.get("errors", []), said.get("ctx", {})
        types = [each["type"] for each in errors if field in map(str, each["loc"])]
        if answer.status == 409:
            types = [ctx["type"]] if ctx.get("field") == field and "type" in ctx else []
        elif name in TOGETHER and [each["loc"] for each in errors] == [[]]:
            types = [each["type"] for each in errors if each["type"] == TOGETHER[name]]
        if answer.status not in {409, 422} or not types or not said.get("detail"):
            wrong.append((name, answer.status, said))
        for kind in types:
            if kind not in kinds and f"f_{kind}" not in sentences:
                wrong.append((name, "no sentence", kind))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_kind_of_refusal_has_a_sentence_in_both_languages() -> None:
    sentences, kinds = translated()
    said = {
        kind
        for path in Path("crm").rglob("*.py")
        for kind in KIND.findall(path.read_text(encoding="utf-8"))
    }
    assert len(said) > 40
    assert {k for k in said if k not in kinds and f"f_{k}" not in sentences} == set()


def translated() -> tuple[set[str], set[str]]:
    """The words that the screens have in both languages, and the kinds they tell by one of them."""
    text = FAULTS.read_text(encoding="utf-8")
    sentences = set(re.findall(r'^  (\w+): \[\s*"[^"]+",\s*"[^"]+",?\s*\]', text, re.MULTILINE))
    kinds = set(re.findall(r'^  (\w+): "f_\w+"', REFUSED.read_text(encoding="utf-8"), re.MULTILINE))
    return sentences, kinds


async def some_of_each(office: Office) -> Files:
    customer = (await office.person(email="ana@correo.example", dni=DNI))["customer_id"]
    await office.do("lucia", "POST", "/customers",
                    {"kind": "company", "company_name": "Una SL", "tax_id": CIF})  # fmt: skip
    made = await office.do("lucia", "POST", "/policies", policy_body(customer, policy_number="7"))
    policy_id = made["policy_id"]
    receipt_ = await office.do(
        "lucia", "POST", f"/policies/{policy_id}/receipts", receipt_body(number="R-1")
    )
    claim_ = await office.do("lucia", "POST", "/claims", claim_body(policy_id))
    quote_ = await office.do("lucia", "POST", "/quotes", quote_body(customer))
    step = {"type": "create_task", "config": {"title": "x"}}
    workflow = await office.do(
        "elena", "POST", "/workflows", {"name": "w", "trigger_type": "manual", "steps": [step]}
    )
    trade = {"phone": "+34976111333", "name": "X", "kind": "workshop"}
    await office.do("elena", "POST", "/professionals", trade)
    return Files(
        customer,
        policy_id,
        claim_["claim_id"],
        quote_["quote_id"],
        receipt_["receipt_id"],
        workflow["workflow_id"],
        (str(agent_of(office, "lucia")), str(agent_of(office, "marcos"))),
    )
