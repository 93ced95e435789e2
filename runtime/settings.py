"""Every setting of the system, read from `HOLD_…` variables, a `.env` file and the running stack's own record.

Order of precedence: environment, `.env`, then `<data_dir>/stack.json` (written by `hold up`), then the defaults here.
Temporal's own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_TLS_…`) are read by its own library:
see `runtime/temporal.py`.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from credit.drift import LimitHandling

ANCHOR_FILE = "audit-anchors.jsonl"
"""Its name, where `audit_anchor_file` names no other."""


def default_data_dir() -> Path:
    """Return the data folder used when none is named: `/var/lib/service-holds` for root, XDG's data home otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/service-holds/data")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "service-holds"


class Settings(BaseSettings):
    """The settings of one process. Field `x` is the variable `HOLD_X`."""

    model_config = SettingsConfigDict(env_prefix="HOLD_", env_file=".env", extra="ignore")

    data_dir: Path = default_data_dir()
    embedded: bool = False
    """Whether all of this is the stack that `hold up` runs: Temporal's own variables and profile then don't count."""

    database_url: SecretStr = SecretStr("postgresql+psycopg://holds@127.0.0.1:5432/holds")
    database_owner_url: SecretStr | None = None
    """Whom `python -m db.migrate` signs in as, which alone reads it; None for `database_url`."""
    database_pool_size: int = 30

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_ui_url: str = "http://127.0.0.1:8233"
    task_queue: str = "service-holds"
    netsuite_concurrency: int = Field(4, ge=1)
    """NetSuite calls at once, over all workers and desks: the account's limit is shared by all its integrations."""
    log_format: Literal["text", "json"] = "text"
    log_level: str = "INFO"
    worker_deployment: str = "service-holds"
    """The name of the Worker Deployment that this worker belongs to, where `worker_build_id` is set."""
    worker_build_id: str = ""
    """Of this code: with it Temporal's Worker Versioning routes work to it; empty for no versioning."""
    worker_health_host: str = "127.0.0.1"
    worker_health_port: int = 9464
    ar_aging_cron: str = "0 6 * * *"
    """When the AR aging scan is due, for a schedule that does not exist yet: `hold ar schedule` changes it later."""
    ar_aging_time_zone: str = "UTC"
    reconcile_minutes: int = 10
    relay_resend_seconds: float = 2.0

    netsuite_url: str = "http://127.0.0.1:8455"
    netsuite_client_id: str = "service-holds"
    netsuite_certificate_id: str = "service-holds"
    netsuite_private_key_file: Path | None = None
    netsuite_algorithm: Literal["PS256", "ES256"] = "ES256"
    netsuite_certificate_expires: date | None = None
    """The last day of the integration's certificate is the one before; no API tells it."""
    netsuite_drift_minutes: int = 60
    """Between two comparisons of NetSuite with the record."""
    netsuite_credit_limit_handling: LimitHandling = LimitHandling.UNKNOWN
    """The account's accounting preference *Customer Credit Limit Handling*; no API tells it."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str = ""
    smtp_password: SecretStr | None = None
    smtp_connections: int = Field(3, ge=1)
    """How many connections to the mail server there may be at once, over all workers."""
    mail_from: str = "Credit team <credit@example.com>"
    """The sender of notices and of notifications."""
    mail_dir: Path | None = None
    webhook_url: str = ""
    """Where proposals and decisions are told to a chat tool (Standard Webhooks); empty for nowhere."""
    webhook_secret: SecretStr | None = None
    """`whsec_…`, base64 of 24 to 64 bytes."""
    audit_anchor_file: Path | None = None
    """Where the heads of the audit chains are written down outside the database; None for the data folder.

    A desk for which it is None cannot tell a file that is gone from one on another machine.
    """
    audit_anchor_minutes: int = 15

    desk_url: str = ""
    """Where people open the desk, and the command line asks it."""
    desk_host: str = "127.0.0.1"
    desk_port: int = 8450
    desk_proxies: str = ""
    """Addresses and networks, with commas, of the reverse proxies that are believed where a request comes from."""
    desk_local_accounts: bool = True
    """Whether people may sign in with a password kept here."""
    session_idle_minutes: int = 30
    session_hours: int = 12
    oidc_issuer: str = ""
    """The OpenID Connect provider; empty for none."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_role_claim: str = "groups"
    oidc_roles: dict[str, Literal["viewer", "requester", "approver", "admin"]] = {}
    """Value of that claim -> role; who has none of them may not sign in."""

    eligibility_when_down: Literal["refuse", "allow"] = "refuse"
    """Whether customers may order, be rated and have loads advance while the database cannot say who is on hold."""

    events_secret: SecretStr | None = None
    """What senders of events sign with (Standard Webhooks): `whsec_…`, several with commas while one is replaced."""

    token: SecretStr | None = None

    @property
    def token_file(self) -> Path:
        """Where the embedded stack's operator has his token."""
        return self.data_dir / "operator.token"

    @property
    def anchor_file(self) -> Path:
        return self.audit_anchor_file or self.data_dir / ANCHOR_FILE

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the running stack's record behind the environment."""
        named = {**dotenv_settings(), **env_settings(), **init_settings()}
        data_dir = Path(named.get("data_dir", default_data_dir()))
        return init_settings, env_settings, dotenv_settings, InitSettingsSource(settings_cls, stack_settings(data_dir))


def stack_settings(data_dir: Path) -> dict[str, object]:
    """Return the settings that the stack in `data_dir` recorded for its clients; empty where no stack ever ran."""
    try:
        record = json.loads((data_dir / "stack.json").read_text())
    except FileNotFoundError:
        return {}
    settings: dict[str, object] = record["settings"]
    return settings
