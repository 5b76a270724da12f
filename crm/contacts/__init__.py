"""Whose an interaction is, how that was proved, and those that are noted by hand."""
