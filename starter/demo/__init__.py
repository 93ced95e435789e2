"""The demo: a stack with a sample ledger, and what must be true when one hold went through."""
