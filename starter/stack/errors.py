"""What can go wrong with the embedded stack, in words that say what to do."""


class StackError(Exception):
    """The stack can't be started, or not as asked; the message is for the person who asked."""


class PortTakenError(StackError):
    """A port that was asked for by name is in use by another process."""


class PortStolenError(StackError):
    """Another program took a part's port after it was chosen; a start with other ports may go well."""


class CommandMissingError(StackError):
    """A program that the stack needs is not to be had on this machine."""
