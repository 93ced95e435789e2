"""What every process needs, whatever it does."""
