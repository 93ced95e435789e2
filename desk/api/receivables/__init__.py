"""Customers, what they owe, and what is told of it, over HTTP."""
