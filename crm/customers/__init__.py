"""Customers: persons and companies, found, told apart, merged, segmented."""
