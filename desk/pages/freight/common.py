"""What the pages of the front and the back office share."""

from sqlalchemy.orm import Session

from db.errors import CustomerOnHoldError, RefusedError
from db.freight import tariffs
from db.models import Tariff
from desk.surroundings import Surroundings, in_transaction


async def known_tariffs(desk: Surroundings) -> list[Tariff]:
    def read(session: Session) -> list[Tariff]:
        return list(tariffs.tariffs(session))

    return await in_transaction(desk, read)


def explained(error: RefusedError | None) -> dict[str, str]:
    """Return a refusal's words for the templates: a hold's are the content template's, shown as they are."""
    if isinstance(error, CustomerOnHoldError):
        return {"problem": "", "message": str(error), "about": error.template}
    return {"problem": error.said if error else "", "message": "", "about": ""}
