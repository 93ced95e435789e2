"""The HTTP API: JSON under `/api`, its contract in OpenAPI at `/api/docs`."""
