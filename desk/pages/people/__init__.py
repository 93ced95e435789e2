"""People, their sign-in, sessions, tokens and absences."""
