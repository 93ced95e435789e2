"""Holds: proposing, deciding, changing what is in force, and the report about them."""
