"""A running environment in a thread of its own, and a plain HTTP client, so that tests read from top to bottom."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from crmsync_dynamics.simulator import Org, Server
from support import asking

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
API = "/api/data/v9.2/"


class Answer(asking.Answer):
    """One HTTP answer."""

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.json["error"]["code"])

    @property
    def text(self) -> str:
        """The message of a refusal."""
        return str(self.json["error"]["message"])


class Client(asking.Asking[Answer]):
    """A user of one running environment."""

    answer = Answer

    def __init__(self, server: Server, user: str = "full") -> None:
        super().__init__(server.url, server.org.sessions.open(server.org.user(user)).text)
        self.server = server
        self.org = server.org
        self.site = server.site

    def as_user(self, name: str) -> "Client":
        """The same environment for somebody else."""
        return Client(self.server, name)

    def get(self, path: str, prefer: str = "", **options: str) -> Answer:
        """Read a resource under the service; keyword arguments are the system options without their dollar sign."""
        query = "&".join(f"${name}={quote(value, safe='')}" for name, value in options.items())
        joint = "&" if "?" in path else "?"
        more = {"Prefer": prefer} if prefer else {}
        return self.send("GET", f"{API}{path}{joint + query if query else ''}", **more)

    def rows(self, path: str, prefer: str = "", **options: str) -> list[dict[str, Any]]:
        """The rows of a query that must succeed."""
        answer = self.get(path, prefer, **options)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["value"]
        return found

    def token_for(self, tenant: str | None = None, **form: str) -> Answer:
        """The answer of the token endpoint to a form."""
        where = f"/{tenant or self.server.ready['tenant_id']}/oauth2/v2.0/token"
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", where, urlencode(form).encode(), Content_Type=kind)


def running(org: Org, *, tls: bool = False) -> AbstractContextManager[Server]:
    """The environment behind a port, served by a thread of its own."""
    return asking.served(Server(org, tls=tls))
