"""Forms as browsers send them: no typed word is lost, whatever becomes of a request."""
