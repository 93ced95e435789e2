"""People, their tokens and absences over HTTP."""
