"""The vendor's own Python client, opened as its users do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from PowerPlatform.Dataverse.client import DataverseClient

from crmsync_dynamics.simulator import Server


class Credential(TokenCredential):
    """Hands out the token of the ready line."""

    def __init__(self, server: Server) -> None:
        self._token = str(server.ready["access_token"])

    def get_token(self, *scopes: str, **more: object) -> AccessToken:
        del scopes, more
        return AccessToken(self._token, 2**32)


@contextmanager
def vendor_client(server: Server) -> Iterator[DataverseClient]:
    """The client for a server; the certificate's authority is told as requests takes it, from outside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", server.ca_file or "")
        patch.setenv("NO_PROXY", "127.0.0.1")
        with DataverseClient(server.url, Credential(server)) as client:
            yield client
