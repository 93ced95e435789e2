"""What NetSuite said, and what was done about it."""

from credit.audit_entries.entry import ByPerson, Entry, Explained


class NetSuiteReadBack(Entry):
    action = "netsuite_read_back"
    what = "read NetSuite back"
    netsuite_id: str
    before: str | None
    after: str
    how: str

    def sentence(self) -> str:
        return f"read NetSuite back: it says {self.after}"


class NetSuiteSuperseded(Explained):
    action = "netsuite_superseded"
    what = "left NetSuite alone: a later hold decides there"


class Drift(Explained):
    """NetSuite says something else than is wanted, or did."""

    netsuite_id: str
    before: str | None
    """What is wanted."""
    after: str
    """What NetSuite says."""


class NetSuiteDriftFound(Drift):
    action = "netsuite_drift_found"
    what = "found that NetSuite says something else"


class NetSuiteDriftEnded(Drift):
    action = "netsuite_drift_ended"
    what = "found that NetSuite says again what is wanted"


class RepairProposed(Explained):
    action = "repair_proposed"
    what = "proposed to repair what NetSuite says"
    netsuite_id: str


class DriftSettled(ByPerson):
    """What a person decided about a released hold's difference."""

    netsuite_id: str
    before: str
    """What NetSuite says."""
    after: str | None
    """What is wanted."""


class NetSuiteDriftAccepted(DriftSettled):
    action = "netsuite_drift_accepted"
    what = "accepted what NetSuite says"

    def sentence(self) -> str:
        return f"accepted what NetSuite says: {self.before}"


class NetSuiteRepairOrdered(DriftSettled):
    action = "netsuite_repair_ordered"
    what = "ordered NetSuite to be written again"

    def sentence(self) -> str:
        return f"ordered NetSuite to be written again: {self.after}" if self.after else self.what


class NetSuiteHoldAdopted(Explained):
    action = "netsuite_hold_adopted"
    what = "adopted NetSuite’s hold"
    netsuite_id: str
    prior: str

    def sentence(self) -> str:
        return f"adopted NetSuite’s hold; its release will write {self.prior}"
