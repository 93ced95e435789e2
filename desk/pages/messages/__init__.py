"""Drafted messages under review."""
