"""Holds in the record: proposals, decisions, beats, outcomes, and who is told."""
