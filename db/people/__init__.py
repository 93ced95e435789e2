"""People, their sessions, tokens and absences in the record."""
