"""The freight credit hold: accounting profiles, orders and loads, and the gates before them."""
