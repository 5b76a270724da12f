"""Settings and logging: the lowest layer. Only config.settings reads the environment."""
