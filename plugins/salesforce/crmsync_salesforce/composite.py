"""Many small reads in few calls: what is asked within some milliseconds travels in one composite request.

It goes under the best claim of those who asked, since one call is made either way: nobody is refused for having asked
beside work that has to wait, and what joined costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.pacing import Claim, claimed, claiming
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.errors import Fault, Faulty, Policy
from crmsync_salesforce.faults import read_faults
from crmsync_salesforce.query import MOST_URL

MOST, MOST_QUERIES = 25, 5
PAUSE, QUIET_TURNS = 0.002, 5  # seconds, and how many such pauses without a further request
_GOOD, _NOT_MODIFIED = 300, 304
_UNABLE = frozenset({Policy.ABSENT, Policy.MISTAKE})


class _Sub(msgspec.Struct, gc=False):
    body: msgspec.Raw
    httpStatusCode: int  # noqa: N815 - the vendor's spelling
    referenceId: str = ""  # noqa: N815
    httpHeaders: dict[str, Any] = {}  # noqa: N815


class _Subs(msgspec.Struct, gc=False):
    compositeResponse: list[_Sub]  # noqa: N815


class _Asked(Struct, eq=False):
    url: str
    headers: Mapping[str, str]
    query: bool
    answer: asyncio.Future[Answer]
    claim: Claim = field(default_factory=claimed)


class Bundler(Struct):
    """Collects reads and sends them together; `get` looks like the client's own."""

    client: Client
    _waiting: list[_Asked] = field(default_factory=list)
    _sender: asyncio.Task[None] | None = None
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _believed: set[str] = field(default_factory=set)

    async def get(self, tail: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Read a resource together with others. Raises what the client raises."""
        url = self.client.path(tail)
        if not self.client.features.has("composite") or len(url) > MOST_URL:
            return await self.client.get(url, headers=headers)
        loop = asyncio.get_running_loop()
        asked = _Asked(url, headers or {}, "/query" in url.split("?")[0], loop.create_future())
        self._waiting.append(asked)
        if self._sender is None:
            self._sender = asyncio.create_task(self._collect())
        return await asked.answer

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [task for task in (self._sender, *self._sending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _collect(self) -> None:
        # Counted in turns of the loop, not by the clock: on a busy machine a turn may take as long as a pause.
        quiet, known = 0, 0
        while quiet < QUIET_TURNS:
            await asyncio.sleep(PAUSE)
            quiet, known = (quiet + 1 if len(self._waiting) == known else 0), len(self._waiting)
        waiting, self._waiting, self._sender = self._waiting, [], None
        for group in packed([one for one in waiting if not one.answer.done()]):
            # One call for all of them: who has the best claim pays, and nobody waits for whoever asked first.
            with claiming(max((one.claim for one in group), key=lambda claim: claim.part)):
                task = asyncio.create_task(self._send(group))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, group: list[_Asked]) -> None:
        try:
            if len(group) == 1:
                await self._alone(group[0])
            else:
                await self._together(group)
        except asyncio.CancelledError:
            for one in group:
                one.answer.cancel()
            raise
        except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets the error
            for one in group:
                _fail(one, error)

    async def _alone(self, one: _Asked) -> None:
        try:
            _give(one, await self._own(one))
        except Exception as error:  # noqa: BLE001 - as above
            _fail(one, error)

    async def _own(self, one: _Asked) -> Answer:
        with claiming(one.claim):
            return await self.client.get(one.url, headers=one.headers)

    async def _together(self, group: list[_Asked]) -> None:
        requests = [
            {
                "method": "GET",
                "url": one.url,
                "referenceId": f"r{at}",
                **({"httpHeaders": one.headers} if one.headers else {}),
            }
            for at, one in enumerate(group)
        ]
        body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": requests}
        try:
            answer = await self.client.call("POST", "composite", body=body)
            subs = msgspec.json.decode(answer.body, type=_Subs).compositeResponse
        except (Faulty, msgspec.MsgspecError) as error:
            if isinstance(error, Faulty) and error.policy not in _UNABLE and error.fault.code != "LIMIT_EXCEEDED":
                raise
            self.client.features.miss("composite", str(error)[:200])
            await asyncio.gather(*(self._alone(one) for one in group))
            return
        found = {sub.referenceId: sub for sub in subs}
        payer = next((one for one in group if one.query), group[0])
        for at, one in enumerate(group):
            await self._settle(one, found.get(f"r{at}"), answer, pays=one is payer)

    async def _settle(self, one: _Asked, sub: _Sub | None, whole: Answer, *, pays: bool) -> None:
        if sub is None:
            await self._alone(one)
            return
        status, body = sub.httpStatusCode, bytes(sub.body)
        if status < _GOOD or status == _NOT_MODIFIED:
            headers = {key: str(value) for key, value in sub.httpHeaders.items()}
            date = whole.headers.get("Date")
            headers |= {"Date": date} if date else {}
            calls = 1 if pays else 0
            _give(one, replace(whole, status=status, body=body, headers=headers, calls=calls, bytes=len(body)))
            return
        faults = read_faults(body, status)
        error = Faulty(faults[0] if faults else Fault(f"HTTP_{status}", "no reason was given", (), status))
        await self._doubt(one, error)

    async def _doubt(self, one: _Asked, error: Faulty) -> None:
        """Servers with half a composite answer "not found" to what they would answer alone: ask once alone."""
        what = one.url.split("?")[0]
        if error.policy not in (Policy.ABSENT, Policy.MISTAKE, Policy.LOGIN) or what in self._believed:
            _fail(one, error)
            return
        try:
            answer = await self._own(one)
        except Faulty as again:
            if error.policy is Policy.ABSENT:
                self._believed.add(what)
            _fail(one, again)
        except Exception as again:  # noqa: BLE001 - whoever waits for the answer gets the error
            _fail(one, again)
        else:
            self.client.features.miss("composite", str(error)[:200])
            _give(one, answer)


def packed(asked: list[_Asked]) -> list[list[_Asked]]:
    """Requests in as few groups as the vendor's limits allow."""
    queries = [one for one in asked if one.query]
    others = [one for one in asked if not one.query]
    groups = [queries[start : start + MOST_QUERIES] for start in range(0, len(queries), MOST_QUERIES)]
    for group in groups:
        take = MOST - len(group)
        group.extend(others[:take])
        others = others[take:]
    groups += [others[start : start + MOST] for start in range(0, len(others), MOST)]
    return groups


def _give(one: _Asked, answer: Answer) -> None:
    if not one.answer.done():
        one.answer.set_result(answer)


def _fail(one: _Asked, error: BaseException) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
