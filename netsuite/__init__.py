"""NetSuite: a client for the customer record of the SuiteTalk REST API, and a server that speaks the same API.

Import from the module that owns the name: :mod:`netsuite.client`, :mod:`netsuite.auth`, :mod:`netsuite.oauth`,
:mod:`netsuite.records`, :mod:`netsuite.errors`. The server lives in :mod:`netsuite.sandbox` and is run with
``python -m netsuite.sandbox``.
"""
