"""Accounting profiles, credit limits, exposures, orders and loads in the record."""
