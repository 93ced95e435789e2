"""The embedded stack: PostgreSQL, Temporal, the NetSuite sandbox, a mail sink and the worker, run as one."""
