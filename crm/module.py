"""The room crm: what it hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass

from contactcenter.core.jobs import Schedule
from contactcenter.core.module import Deps, Module
from crm.customers.routes import CustomerRoutes
from crm.customers.service import CustomerService
from crm.privacy_rules import RULES


@dataclass(frozen=True, slots=True)
class Crm:
    """The room, and the doors that others use."""

    module: Module
    customers: CustomerService


def build(deps: Deps) -> Crm:
    zone = deps.settings.app.zone
    customers = CustomerService(deps.work, deps.clock, zone)
    module = Module(
        name="crm",
        privacy=RULES,
        routes=CustomerRoutes(customers).table(),
        schedules=(Schedule("customers.erase_due", "41 2 * * *", customers.erase_due),),
    )
    return Crm(module, customers)
