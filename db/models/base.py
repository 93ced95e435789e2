"""Column types and names that every table shares."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Dialect, Enum, MetaData, Numeric, TypeDecorator, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamptz that takes aware times only and always gives UTC back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse naive times before they reach the database."""
        if value is not None and value.tzinfo is None:
            msg = f"naive time {value!r}: give it a time zone"
            raise ValueError(msg)
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give UTC whatever the session's time zone is."""
        return value.astimezone(UTC) if value is not None else None


def states(kind: type[StrEnum], name: str) -> Enum:
    """Return a text column type with a CHECK that only `kind`'s values pass."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


Money = Annotated[Decimal, mapped_column(Numeric(18, 2))]
Stamp = Annotated[datetime, mapped_column(UtcDateTime, server_default=func.clock_timestamp())]
Uuid = Annotated[UUID, mapped_column(primary_key=True, default=uuid4)]
Secret = Annotated[str, mapped_column(info={"secret": True})]
"""What whoever only reads may not see: `db/roles.py`."""
JsonObject = dict[str, Any]
JsonList = list[Any]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, JsonObject: JSONB, JsonList: JSONB}  # noqa: RUF012


class AppendOnly:
    """Rows are only ever added: the role that works may neither change nor remove one (`db/roles.py`)."""
