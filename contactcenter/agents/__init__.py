"""Agents: who they are, what they can do, and what they want (their status)."""
