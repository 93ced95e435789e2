"""What NetSuite said, and what was done about it."""

from credit.audit_entries.entry import ByPerson, Entry, Explained


class NetSuiteReadBack(Entry):
    action = "netsuite_read_back"
    what = "read NetSuite back"
    said = "read NetSuite back: it says {after}"
    netsuite_id: str
    before: str | None
    after: str
    how: str


NetSuiteSuperseded = Explained.of_action("netsuite_superseded", "left NetSuite alone: a later hold decides there")


class Drift(Explained):
    """NetSuite says something else than is wanted, or did."""

    netsuite_id: str
    before: str | None
    """What is wanted."""
    after: str
    """What NetSuite says."""


NetSuiteDriftFound = Drift.of_action("netsuite_drift_found", "found that NetSuite says something else")
NetSuiteDriftEnded = Drift.of_action("netsuite_drift_ended", "found that NetSuite says again what is wanted")


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


NetSuiteDriftAccepted = DriftSettled.of_action(
    "netsuite_drift_accepted", "accepted what NetSuite says", "accepted what NetSuite says: {before}"
)


class NetSuiteRepairOrdered(DriftSettled):
    action = "netsuite_repair_ordered"
    what = "ordered NetSuite to be written again"

    def sentence(self) -> str:
        return f"ordered NetSuite to be written again: {self.after}" if self.after else self.what


class NetSuiteHoldAdopted(Explained):
    action = "netsuite_hold_adopted"
    what = "adopted NetSuite’s hold"
    said = "adopted NetSuite’s hold; its release will write {prior}"
    netsuite_id: str
    prior: str
