"""What is answered about a scan that was started by hand."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from workflows.contract import ArAgingReport

_REPORT: dict[str, Any] = {
    "run_id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "as_of": "2027-03-01",
    "counts": {"proposed": 3},
}


class ScanEnd(BaseModel):
    """How a scan ended."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"workflow_id": "ar-aging-by-hand-1f2e", "report": _REPORT}]}
    )

    workflow_id: str
    report: ArAgingReport | None
    """Null while it goes on. `counts` is disposition -> customers."""
