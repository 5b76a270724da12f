"""Users, their sessions and tokens."""
