"""Drafted messages in the record, their review, their sending, their templates."""
