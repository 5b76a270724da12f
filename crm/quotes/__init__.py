"""Quotes: offers to a customer, priced line by line, until one becomes a policy."""
