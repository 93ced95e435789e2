"""A server that speaks NetSuite's REST record API for customers, strictly, and keeps a ledger of what was written.

Run it with ``python -m netsuite.sandbox --host H --port P --state DIR --client-id ID --certificate-id KID --public-key
PEMFILE``. It refuses what NetSuite refuses: it is there to find a client's mistakes. Its ``/_sandbox`` side, which a
real account has not, fills it with customers, switches faults on, and shows the ledger.
"""
