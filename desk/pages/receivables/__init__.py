"""Customers, what they owe, and the AR aging scan."""
