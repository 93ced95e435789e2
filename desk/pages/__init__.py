"""The web pages. Every action is a plain form; HTMX only makes it smoother."""
