"""The NetSuite client of the account that the settings name."""

from netsuite.client import Credentials, NetSuiteClient
from runtime.settings import Settings


def netsuite_client(settings: Settings) -> NetSuiteClient:
    """Return the client of the account that `settings` names.

    Raises:
        RuntimeError: no private key is configured.
    """
    if settings.netsuite_private_key_file is None:
        msg = "HOLD_NETSUITE_PRIVATE_KEY_FILE is not set: name the PEM file of the integration's certificate"
        raise RuntimeError(msg)
    credentials = Credentials(
        client_id=settings.netsuite_client_id,
        certificate_id=settings.netsuite_certificate_id,
        private_key_pem=settings.netsuite_private_key_file.read_text(),
        algorithm=settings.netsuite_algorithm,
    )
    return NetSuiteClient(settings.netsuite_url, credentials)
