"""Where NetSuite differs, over HTTP."""
