"""What works without a desk, on the machine of the stack or of its database. Loaded only for these commands."""
