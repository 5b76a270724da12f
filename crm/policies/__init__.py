"""Policies as a broker keeps them: terms, endorsements, receipts, notices, refunds."""
