"""The freight credit hold: accounting profiles, blocks, loads, rates, organisations."""
