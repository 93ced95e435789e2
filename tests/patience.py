"""How long a test waits for what must come. Where all is well it costs nothing, and a busy machine is no failure."""

PATIENCE = 120.0
"""Seconds for one thing to happen: a status, an answer, a part of a stack that starts."""
