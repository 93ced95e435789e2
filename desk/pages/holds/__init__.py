"""Holds: the queue, one hold with its decision, what is in force, and the report."""
