"""Drafted messages and their templates over HTTP."""
