"""Workflows: what the office does by rules, step by step, each step once."""
