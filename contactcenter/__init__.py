"""The contact centre: composition root, core, hall, analytics and realtime."""
