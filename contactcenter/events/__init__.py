"""The shelf: every fact that the rooms publish to one another.

One small frozen class each, no logic, one file per area. A class carries its
name, version and audience; the catalogue and the browsers' TypeScript types are
generated from here.
"""

from __future__ import annotations

import inspect

from contactcenter.core.event import Catalogue, Event
from contactcenter.events import (
    agents,
    calls,
    claims,
    customers,
    identity,
    interactions,
    policies,
    quotes,
    routing,
    tasks,
    workflows,
)

CATALOGUE = Catalogue(
    cls
    for module in (
        agents,
        calls,
        claims,
        customers,
        identity,
        interactions,
        policies,
        quotes,
        routing,
        tasks,
        workflows,
    )
    for _, cls in inspect.getmembers(module, inspect.isclass)
    if issubclass(cls, Event) and cls is not Event and not cls.__name__.startswith("_")
)
