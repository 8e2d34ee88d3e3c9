"""REST calls to the org: with a session that is renewed once, within the quota, at the server's own time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from msgspec import field

from crmsync.connectors import answers
from crmsync.errors import SettingsError
from crmsync.http import HttpClient, Response
from crmsync.pacing import Backoff, Budget, SingleFlight
from crmsync_salesforce.auth import Auth, Token
from crmsync_salesforce.errors import Fault, Faulty, Policy, daily_limit, never_cured, translate
from crmsync_salesforce.faults import faulty
from crmsync_salesforce.features import Features
from crmsync_salesforce.settings import SalesforceSettings

OLDEST, NEWEST = 50, 67
"""API versions that this connector knows."""

VERSION = "api_version"
_GOOD = frozenset({200, 201, 202, 204, 304})
_CLIENT, _SERVER, _NOT_FOUND = 400, 500, 404


class Answer(answers.Answer, frozen=True, kw_only=True):
    """A good answer, and the session that it came in: a cursor is good for that one alone."""

    token: Token


def limit_info(text: str) -> tuple[int, int] | None:
    """Calls used and allowed from the vendor's header, whatever else stands in it."""
    for part in text.replace(",", ";").split(";"):
        key, _, figures = part.strip().partition("=")
        used, _, limit = figures.partition("/")
        if key.strip() == "api-usage" and used.strip().isdigit() and limit.strip().isdigit():
            return int(used), int(limit)
    return None


class Client(answers.Asker, kw_only=True):
    """Everything that is asked of an org goes through `call`."""

    settings: SalesforceSettings
    http: HttpClient
    auth: Auth
    features: Features
    budget: Budget
    backoff: Backoff
    version: str = ""
    told: bool = False  # whether the server tells its limits with each answer
    _limits: SingleFlight[None] = field(default_factory=SingleFlight)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(5))

    def path(self, tail: str) -> str:
        """The path of a resource of the API version in use; one that begins with / is taken as it is."""
        return tail if tail.startswith("/") else f"/services/data/v{self.version}/{tail}"

    async def get(self, tail: str, *, headers: Mapping[str, str] | None = None, token: Token | None = None) -> Answer:
        """Read a resource. `token` binds the call to the session that made a cursor. Raises Faulty and ours."""
        return await self.call("GET", tail, headers=headers, token=token)

    async def call(
        self, method: str, tail: str, *, headers: Mapping[str, str] | None = None, body: object = None,
        token: Token | None = None, free: bool = False, repeatable: bool = True,
    ) -> Answer:  # fmt: skip
        """One call with all the patience there is; `free` ones do not count against the quota.

        A body of bytes is sent as it is, any other as JSON. What is not `repeatable` is sent again only where the
        server certainly did nothing: it wanted a new session, or fewer calls at once.

        Raises Faulty for an error that the caller may want to handle, Denied, QuotaSpent, RetryLater.
        """
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        attempt, renewed = 0, False
        while True:
            attempt += 1
            used = await self.auth.token()
            if token is not None and token is not used:
                raise Faulty(Fault("INVALID_QUERY_LOCATOR", "The session that made this cursor has ended."))
            response = await self._send(method, self.path(tail), used, headers, content, free, repeatable)
            if response.status in _GOOD and not response.html:
                return self._answer(response, used)
            error = faulty(response)
            if error.policy is Policy.LOGIN:
                await self._relogin(error, used, renewed, bound=token is not None)
                renewed = True
            elif not await self._patient(error, response, attempt, repeatable):
                raise error

    def _answer(self, response: Response, token: Token) -> Answer:
        asked = self.asked_at(response)
        return Answer(response.status, response.body, response.headers, asked, bytes=len(response.body), token=token)

    async def _send(
        self, method: str, path: str, token: Token, headers: Mapping[str, str] | None, body: bytes | None,
        free: bool, repeatable: bool,
    ) -> Response:  # fmt: skip
        sent = {"Authorization": f"Bearer {token.secret.get_secret_value()}", "Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if headers:
            sent |= headers
        if not free:
            self.budget.reserve()
        try:
            async with self._slots:
                response = await self.http.request(
                    method, f"{token.instance}{path}", headers=sent, body=body, repeatable=repeatable
                )
        finally:
            if not free:
                self.budget.settle()
        self._charge(response, free)
        return response

    def _charge(self, response: Response, free: bool) -> None:
        self.note(response)
        if free:
            return
        self.calls += 1
        if found := limit_info(response.headers.get("Sforce-Limit-Info", "")):
            self.told = True
            self.budget.tell(*found)
        else:
            self.budget.count()

    async def _relogin(self, error: Faulty, used: Token, renewed: bool, *, bound: bool) -> None:
        if never_cured(error.fault) or renewed:
            raise translate(error)
        await self.auth.renew(used)
        if bound:
            raise Faulty(Fault("INVALID_QUERY_LOCATOR", "The session that made this cursor has ended."))

    async def _patient(self, error: Faulty, response: Response, attempt: int, repeatable: bool) -> bool:
        """Wait before another attempt, where one may help that the layer below has not made."""
        many = error.policy is Policy.QUOTA and not daily_limit(error.fault)
        passing = error.policy is Policy.RETRY and _CLIENT <= response.status < _SERVER and not response.html
        if error.policy is Policy.QUOTA and not many:
            raise translate(error)
        if not (many or (passing and repeatable)) or not self.backoff.left(attempt):
            return False
        await asyncio.sleep(self.backoff.delay(attempt, error.retry_after))
        return True

    async def choose_version(self) -> None:
        """Settle the API version: asked for, remembered, or the newest both sides know. Raises SettingsError."""
        offered = await self._offered()
        memory, asked = self.context.memory, self.settings.version
        if offered is None:
            self.features.miss("versions")
            self.features.miss("composite")
            self.version = asked or memory.get(VERSION) or await self._probe()
        else:
            self.version = _choice(offered, asked, memory.get(VERSION))
        if memory.get(VERSION) != self.version:
            memory[VERSION] = self.version

    async def _offered(self) -> list[str] | None:
        try:
            answer = await self.call("GET", "/services/data/", free=True)
            listed = msgspec.json.decode(answer.body, type=list[dict[str, str]])
            return [one["version"] for one in listed]
        except (msgspec.MsgspecError, KeyError):
            return None
        except Faulty as error:
            if error.policy in (Policy.ABSENT, Policy.MISTAKE):
                return None
            raise translate(error) from error

    async def _probe(self) -> str:
        for number in range(NEWEST, OLDEST - 1, -1):
            self.version = f"{number}.0"
            try:
                await self.get("sobjects")
            except Faulty as error:
                if error.fault.status == _NOT_FOUND or error.policy in (Policy.ABSENT, Policy.MISTAKE):
                    continue
                raise translate(error) from error
            return self.version
        raise SettingsError(
            f"The server answers no API version from {OLDEST}.0 to {NEWEST}.0.", hint="Is url the address of an org?"
        )

    async def know_quota(self) -> None:
        """Ask for the day's figures, once, where the server does not tell them with its answers."""
        if not self.told and self.budget.limit is None and self.features.has("limits"):
            await self._limits.run(self._ask_limits)

    async def _ask_limits(self) -> None:
        try:
            answer = await self.get("limits")
            daily = msgspec.json.decode(answer.body)["DailyApiRequests"]
            limit, left = int(daily["Max"]), int(daily["Remaining"])
        except (Faulty, msgspec.MsgspecError, KeyError, TypeError, ValueError):
            if not self.told:
                self.features.miss("limits")
            return
        if not self.told:
            self.budget.tell(limit - left + 1, limit)  # this call, if it was not counted yet


def _choice(offered: list[str], asked: str | None, remembered: str | None) -> str:
    numbers = sorted((float(one), one) for one in offered if one.replace(".", "", 1).isdigit())
    if asked is not None:
        if asked not in offered:
            known = f"{numbers[0][1]} to {numbers[-1][1]}" if numbers else "none"
            raise SettingsError(f"The org does not offer API version {asked}; it offers {known}.")
        return asked
    if remembered in offered and remembered is not None:
        return remembered
    known_here = [one for number, one in numbers if OLDEST <= number <= NEWEST]
    if not known_here:
        raise SettingsError(f"The org offers no API version from {OLDEST}.0 to {NEWEST}.0, which this connector knows.")
    return known_here[-1]
