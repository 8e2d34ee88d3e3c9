"""A running org in a thread of its own, and a plain HTTP client, so that the tests can be read from top to bottom."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from crmsync_salesforce.simulator import Org, Server
from support import asking

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Answer(asking.Answer):
    """One HTTP answer."""

    @property
    def code(self) -> str:
        """The errorCode of a refusal."""
        return str(self.json[0]["errorCode"])


class Client(asking.Asking[Answer]):
    """A user of one running org."""

    answer = Answer

    def __init__(self, server: Server, user: str = "full") -> None:
        super().__init__(server.url, server.org.sessions.open(server.org.user(user)).token)
        self.server = server
        self.org = server.org
        self.site = server.site

    def rest(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to a path under the version."""
        return self.send(method, f"/services/data/v62.0{path}", body, **headers)

    def query(self, text: str, resource: str = "query", **headers: str) -> Any:
        """The body of a query that must succeed."""
        answer = self.rest("GET", f"/{resource}?q={quote(text)}", **headers)
        assert answer.status == 200, answer.body
        return answer.json

    def names(self, text: str, field: str = "Name") -> list[Any]:
        """One column of a query's first page."""
        return [record[field] for record in self.query(text)["records"]]

    def refused(self, text: str) -> str:
        """The code with which a query is refused."""
        answer = self.rest("GET", f"/query?q={quote(text)}")
        assert answer.status == 400, answer.body
        return answer.code

    def token_for(self, **form: str) -> Answer:
        """The answer of the token endpoint to a form."""
        text = "&".join(f"{key}={quote(value, safe='')}" for key, value in form.items())
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", "/services/oauth2/token", text.encode(), Content_Type=kind)


def running(org: Org, *, tls: bool = False) -> AbstractContextManager[Server]:
    """The org behind a port, served by a thread of its own."""
    return asking.served(Server(org, tls=tls))
