"""The desk: web pages and HTTP API where people propose, decide, edit and look."""
