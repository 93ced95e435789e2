"""The ledger as others tell it: events from outside, and NetSuite's open invoices."""
