"""Deterministic code only: the one place where the order of events is written."""
