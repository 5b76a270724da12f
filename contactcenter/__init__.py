"""The contact centre: composition root, core, hall, analytics and realtime."""

from config.spared import spared

with spared("rich"):
    import structlog  # noqa: F401
