"""A mail server of the test's own, and a desk to link to."""

from tests.notifications.conftest import mailbox

__all__ = ["mailbox"]
