"""The freight credit hold over HTTP."""
