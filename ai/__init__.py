"""Predictions and assistance."""
