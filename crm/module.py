"""The room crm: what it hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contactcenter.core.jobs import Job, Schedule
from contactcenter.core.mail import Mail
from contactcenter.core.module import Deps, Module
from contactcenter.core.reseal import Sealed
from contactcenter.events import CATALOGUE
from crm.access import Veil
from crm.claims.listeners import listeners as claim_listeners
from crm.claims.ports import FraudScorer
from crm.claims.routes import ClaimRoutes
from crm.claims.service import ClaimService
from crm.contacts.routes import ContactRoutes
from crm.contacts.service import ContactService
from crm.contacts.sockets import ContactCommands
from crm.customers import service as customers_service
from crm.customers.listeners import listeners as customer_listeners
from crm.customers.merging import MergeService
from crm.customers.routes import CustomerRoutes
from crm.customers.service import CustomerService
from crm.desk.glance import DeskRoutes, DeskService
from crm.desk.rules import RuleRoutes, RuleService
from crm.desk.service import ContactAdviser
from crm.imports.routes import ImportRoutes
from crm.imports.service import ImportService
from crm.letters import service as letters_service
from crm.letters.listeners import listeners as letter_listeners
from crm.letters.routes import LetterRoutes
from crm.letters.service import LetterService
from crm.office.deputies import DeputyRoutes, DeputyService
from crm.office.routes import OfficeRoutes
from crm.office.service import OfficeService
from crm.policies.clock import PolicyClock
from crm.policies.receipts import ReceiptService
from crm.policies.routes import PolicyRoutes
from crm.policies.service import PolicyService
from crm.policies.terms import TermService
from crm.privacy_rules import RULES
from crm.quotes.routes import QuoteRoutes
from crm.quotes.service import QuoteService
from crm.tasks.listeners import listeners as task_listeners
from crm.tasks.routes import TaskRoutes
from crm.tasks.service import TaskService
from crm.workflows import runner as runs
from crm.workflows.listeners import listeners as workflow_listeners
from crm.workflows.listeners import triggers
from crm.workflows.routes import WorkflowRoutes
from crm.workflows.runner import WorkflowRunner
from crm.workflows.service import WorkflowService
from crm.workflows.webhooks import Webhooks

SEALED: Final = (Sealed("workflows", "id", "webhook_secret", "webhook_secret"),)


@dataclass(frozen=True, slots=True)
class Crm:
    """The room, and the doors that others use."""

    module: Module
    customers: CustomerService
    policies: PolicyService
    by_clock: PolicyClock
    claims: ClaimService
    quotes: QuoteService
    tasks: TaskService
    letters: LetterService
    workflows: WorkflowService
    runner: WorkflowRunner
    adviser: ContactAdviser
    veil: Veil


def build(deps: Deps, mail: Mail, fraud: FraudScorer | None = None) -> Crm:
    zone = deps.settings.app.zone
    customers = CustomerService(deps.work, deps.clock, zone, deps.jobs)
    policies = PolicyService(deps.work, deps.clock, zone)
    by_clock = PolicyClock(deps.work, deps.clock, zone)
    receipts = ReceiptService(deps.work, zone)
    claims = ClaimService(deps.work, deps.clock, zone, fraud)
    quotes = QuoteService(deps.work, zone)
    tasks = TaskService(deps.work, deps.clock, zone)
    letters = LetterService(deps.work, deps.jobs, mail, zone)
    runner = WorkflowRunner(deps.work, deps.clock, deps.jobs, deps.vault, zone, letters, Webhooks())
    workflows = WorkflowService(
        deps.work,
        deps.clock,
        deps.vault,
        zone,
        runner,
        frozenset(cls.name for cls in triggers(CATALOGUE)),
    )
    contacts = ContactService(deps.work)
    desk = DeskService(deps.work, deps.clock, zone, customers, policies, claims, quotes, tasks)
    module = Module(
        name="crm",
        privacy=RULES,
        sealed=SEALED,
        routes=(
            *CustomerRoutes(customers, MergeService(deps.work, zone)).table(),
            *LetterRoutes(letters).table(),
            *RuleRoutes(RuleService(deps.work)).table(),
            *ContactRoutes(contacts).table(),
            *PolicyRoutes(policies, TermService(deps.work, zone), receipts).table(),
            *ClaimRoutes(claims).table(),
            *DeputyRoutes(DeputyService(deps.work, deps.clock, zone)).table(),
            *OfficeRoutes(OfficeService(deps.work)).table(),
            *QuoteRoutes(quotes).table(),
            *TaskRoutes(tasks).table(),
            *WorkflowRoutes(workflows).table(),
            *DeskRoutes(desk).table(),
            *ImportRoutes(ImportService(deps.work, zone)).table(),
        ),
        commands=ContactCommands(contacts).table(),
        listeners=(
            *customer_listeners(zone),
            *claim_listeners(zone),
            *task_listeners(zone),
            *letter_listeners(letters),
            *workflow_listeners(runner, CATALOGUE),
        ),
        jobs=(
            Job(letters_service.SEND, letters.send),
            Job(customers_service.RESEGMENT, customers.resegment_some),
            Job(runs.DRIVE, runner.drive),
            Job(runs.CALL, runner.call_webhook, attempts=8),
        ),
        schedules=(
            Schedule("customers.erase_due", "41 2 * * *", customers.erase_due),
            Schedule("customers.resegment", "17 3 * * *", customers.resegment_all),
            Schedule("workflows.tick", "* * * * *", runner.tick),
            Schedule("quotes.expire_due", "*/5 * * * *", quotes.expire_due),
            Schedule("policies.turn", "* * * * *", by_clock.turn),
            Schedule("policies.tell_expiring", "11 * * * *", by_clock.tell_expiring),
        ),
    )
    return Crm(
        module, customers, policies, by_clock, claims, quotes, tasks, letters, workflows, runner,
        ContactAdviser(zone), Veil(),
    )  # fmt: skip
