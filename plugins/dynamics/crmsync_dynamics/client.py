"""Requests to the environment: with a token that is renewed once, at the pace the server wants, on its own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from crmsync.connectors.answers import Answer, Asker
from crmsync.errors import Denied, RetryLater, SettingsError
from crmsync.http import HttpClient, Response
from crmsync.pacing import Backoff
from crmsync_dynamics.auth import Auth, Token
from crmsync_dynamics.errors import Fault, Faulty, Policy, translate
from crmsync_dynamics.faults import faulty, sign_in
from crmsync_dynamics.features import Features
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.throttle import Throttle

_GOOD = frozenset({200, 201, 202, 204, 304})
_NO_BODY = frozenset({204, 304})
_DATA = ("json", "multipart/mixed", "xml", "text/plain")
_ODATA = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_STRONG = {"Consistency": "Strong"}
_SERVER = 500


class Client(Asker, kw_only=True):
    """Everything that is asked of an environment goes through `request`."""

    settings: DynamicsSettings
    http: HttpClient
    auth: Auth
    features: Features
    backoff: Backoff
    throttle: Throttle

    def address(self, path: str) -> str:
        """Where a path is asked for: a name below the service root, a path of the host, or a link of the server's.

        A link is taken byte for byte but for its host: nothing is sent to another host because a server said so.
        """
        if "://" in path:
            path = f"/{path.split('://', 1)[1].partition('/')[2]}"
        if path.startswith("/"):
            if not path.startswith(urlsplit(self.settings.root).path):
                raise Faulty(Fault("link", "The server's link leads out of its service."))
            return f"{self.settings.address}{path}"
        return f"{self.settings.root}/{path}"

    async def get(self, path: str, *, prefer: str = "", strong: bool = False) -> Answer:
        """Read a resource, `strong` past what servers remember of the schema for a while. Raises Faulty and ours."""
        headers = {"Prefer": prefer} if prefer else {}
        return await self.request("GET", path, headers=headers | (_STRONG if strong else {}))

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None,
        repeatable: bool | None = None,
    ) -> Answer:  # fmt: skip
        """One request with all the patience there is.

        A body of bytes is sent as it is, any other as JSON. What is not `repeatable` (by default all but GET) is sent
        again only where the server certainly did nothing: it wanted another token, or fewer requests.

        Raises Faulty for an error that the caller may want to handle; Denied; RetryLater, with code "network" where no
        answer came.
        """
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        address, again = self.address(path), method == "GET" if repeatable is None else repeatable
        attempt, renewed = 0, False
        while True:
            attempt += 1
            token = await self.auth.token()
            try:
                response = await self._send(method, address, token, headers, content)
            except RetryLater:
                if not again or not self.backoff.left(attempt):
                    raise
                await asyncio.sleep(self.backoff.delay(attempt))
                continue
            error = _error(response)
            if error is None:
                self.throttle.good()
                return self._answer(response)
            if error.policy is Policy.LOGIN:
                await self._relogin(error, token, renewed=renewed)
                renewed = True
            elif not await self._patient(error, attempt, again=again):
                raise error

    async def _send(
        self, method: str, address: str, token: Token, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Response:
        sent = _ODATA | token.header
        if body is not None:
            sent["Content-Type"] = "application/json"
        if headers:
            sent |= headers
        async with self.throttle:
            try:
                response = await self.http.request(method, address, headers=sent, body=body, repeatable=False)
            except SettingsError as error:  # a way on to another host, which is a log-in's page
                raise Denied(f"The server does not answer with data: {error}", hint="Log in anew.") from error
        self.calls += 1
        self.note(response)
        self.throttle.hint(response.headers.get("x-ms-dop-hint", ""))
        return response

    def _answer(self, response: Response) -> Answer:
        asked = self.asked_at(response)
        return Answer(response.status, response.body, response.headers, asked, bytes=len(response.body))

    async def _relogin(self, error: Faulty, used: Token, *, renewed: bool) -> None:
        if renewed:
            raise translate(error)
        await self.auth.renew(used)

    async def _patient(self, error: Faulty, attempt: int, *, again: bool) -> bool:
        """Wait before another attempt, where one may help: whatever was throttled was not done."""
        if error.policy is Policy.THROTTLED:
            wait = self.backoff.delay(attempt, error.retry_after)
            if wait > self.settings.patience_seconds or not self.backoff.left(attempt):
                raise translate(error)
            self.throttle.pause(wait)
            return True
        if error.fault.status == _SERVER and (self.features.plain or self.settings.foreign):
            return False  # what such a server does not know it calls an error of its own, again and again
        passing = error.policy is Policy.RETRY or (error.policy is Policy.ONCE and error.fault.status >= _SERVER)
        if not (passing and again and self.backoff.left(attempt)):
            return False
        await asyncio.sleep(self.backoff.delay(attempt, error.retry_after))
        return True


def _error(response: Response) -> Faulty | None:
    """The error of an answer; one that is good and holds a page for people is one too."""
    if response.status not in _GOOD:
        return faulty(response) if response.status >= 400 else sign_in(response)  # noqa: PLR2004 - 3xx leads elsewhere
    if response.status in _NO_BODY or not response.body:
        return None
    kind = response.headers.get("Content-Type", "").lower()
    if response.html or (kind and not any(one in kind for one in _DATA)):
        return sign_in(response)
    return None
