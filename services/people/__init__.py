"""People, their passwords, tokens and absences."""
