"""All SQL, one module per thing. Functions take a session and never commit."""
