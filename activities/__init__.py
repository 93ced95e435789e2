"""What workflows do to the world, one module per thing touched. Each effect is idempotent by hold and beat."""
