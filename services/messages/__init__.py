"""Drafted messages: reviewing, sending, and the templates they come from."""
