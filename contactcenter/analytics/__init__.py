"""Figures of the centre: what they mean, what they are now, and what they were."""
