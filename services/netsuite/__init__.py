"""NetSuite as people look at it: where it differs from the record, and its certificate."""
