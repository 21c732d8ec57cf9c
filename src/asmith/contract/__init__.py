"""Reads interfaces: C headers with contract clauses."""
