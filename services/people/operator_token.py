"""The local operator's token file of an embedded stack."""

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.errors import UnknownTokenError
from db.people import tokens

OPERATOR = "operator"
"""The name the local operator acts under: an admin who may decide his own manual hold (docs/decisions/0022)."""


def ensure_operator_token(database_url: str, token_file: Path) -> None:
    """Make the token and its file (mode 0600), or make them anew where the database does not know it any more."""
    engine = create_engine(database_url, poolclass=NullPool)
    with transaction(engine) as session:
        if token_file.exists():
            try:
                tokens.caller(session, token_file.read_text().strip())
            except UnknownTokenError:
                pass
            else:
                return
        token = tokens.create(Act(session, "hold up", datetime.now(UTC)), name=OPERATOR, role=Role.ADMIN)
        fresh = token_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(token + "\n")
        fresh.chmod(0o600)
        os.replace(fresh, token_file)  # noqa: PTH105 (atomic)
