"""People at the desk: how they sign in, what their browser carries, and what strangers may cost."""
