"""The room crm: what it hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass

from contactcenter.core.jobs import Schedule
from contactcenter.core.module import Deps, Module
from crm.claims.ports import FraudScorer
from crm.claims.routes import ClaimRoutes
from crm.claims.service import ClaimService
from crm.customers.routes import CustomerRoutes
from crm.customers.service import CustomerService
from crm.policies.receipts import ReceiptService
from crm.policies.routes import PolicyRoutes
from crm.policies.service import PolicyService
from crm.privacy_rules import RULES
from crm.quotes.routes import QuoteRoutes
from crm.quotes.service import QuoteService
from crm.tasks.routes import TaskRoutes
from crm.tasks.service import TaskService


@dataclass(frozen=True, slots=True)
class Crm:
    """The room, and the doors that others use."""

    module: Module
    customers: CustomerService
    policies: PolicyService
    claims: ClaimService
    quotes: QuoteService
    tasks: TaskService


def build(deps: Deps, fraud: FraudScorer | None = None) -> Crm:
    zone = deps.settings.app.zone
    customers = CustomerService(deps.work, deps.clock, zone)
    policies = PolicyService(deps.work, deps.clock, zone)
    receipts = ReceiptService(deps.work)
    claims = ClaimService(deps.work, deps.clock, zone, fraud)
    quotes = QuoteService(deps.work, zone, policies)
    tasks = TaskService(deps.work, deps.clock, zone)
    module = Module(
        name="crm",
        privacy=RULES,
        routes=(
            *CustomerRoutes(customers).table(),
            *PolicyRoutes(policies, receipts).table(),
            *ClaimRoutes(claims).table(),
            *QuoteRoutes(quotes).table(),
            *TaskRoutes(tasks).table(),
        ),
        schedules=(
            Schedule("customers.erase_due", "41 2 * * *", customers.erase_due),
            Schedule("quotes.expire_due", "*/5 * * * *", quotes.expire_due),
            Schedule("policies.turn", "*/5 * * * *", policies.turn),
            Schedule("policies.tell_expiring", "11 * * * *", policies.tell_expiring),
        ),
    )
    return Crm(module, customers, policies, claims, quotes, tasks)
