"""Customers and policies from a table in a file, and back into one."""
