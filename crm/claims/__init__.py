"""Claims: what a broker does for a customer until the insurer has decided and paid."""
