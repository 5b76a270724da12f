"""The hall is tested with the routing scene: cards show what routing did."""

from tests.integration.routing.conftest import scene

__all__ = ["scene"]
