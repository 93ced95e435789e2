"""What customers owe, in the record: invoices, payments, promises, and what events changed."""
