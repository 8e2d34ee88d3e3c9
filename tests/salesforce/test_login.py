"""The browser log-in: a code that comes back to this machine becomes a refresh token that works."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from crmsync.clock import SetClock
from crmsync.errors import Denied, SettingsError
from crmsync.hookspecs import Context
from crmsync_salesforce.login import login
from crmsync_salesforce.session import connect
from crmsync_salesforce.settings import SalesforceSettings
from crmsync_salesforce.simulator import Org, Server
from salesforce.orgs import NOON, QUICK


async def browse(address: str, **changed: str) -> int:
    """What a browser does: go where it is sent, follow it back; returns the last status."""
    parts = urlsplit(address)
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()} | changed
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    async with aiohttp.ClientSession() as session, session.get(url, params=asked) as answer:
        return answer.status


def logged_in(given: dict[str, Any], **changed: str) -> tuple[dict[str, str], str]:
    """Log in at an org; returns what the log-in adds, and the user whom the token then speaks for."""
    org = Org(2, clock=SetClock(NOON))

    async def main() -> tuple[dict[str, str], str]:
        async with Server(org) as server:
            shown: asyncio.Queue[str] = asyncio.Queue()
            settings = {"url": server.url, "client_id": org.sessions.client_id, "callback_port": 0, **given}
            settings["callback_port"] = _free_port()
            task = asyncio.create_task(_login(settings, shown))
            address = await shown.get()
            browsing = asyncio.create_task(browse(address, **changed))
            try:
                added = await asyncio.wait_for(task, 3)
            finally:
                task.cancel()
                await asyncio.gather(browsing, return_exceptions=True)
            chosen = SalesforceSettings.model_validate(
                {"url": server.url, "client_id": org.sessions.client_id, **QUICK, **added}
            )
            async with connect(chosen, Context(connection="t", clock=org.clock)) as session:
                return added, session.identity.user

    return asyncio.run(main())


async def _login(settings: dict[str, Any], shown: "asyncio.Queue[str]") -> dict[str, str]:
    return dict(await login(settings, shown.put_nowait))


def _free_port() -> int:
    import socket  # noqa: PLC0415 - here alone

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.rule("R-253")
def test_a_code_becomes_a_token() -> None:
    """The user allows the app in a browser, and the refresh token that comes of it logs in from then on."""
    added, user = logged_in({})
    assert set(added) == {"refresh_token"}
    assert user


def test_a_strangers_answer_is_ignored() -> None:
    """An answer without our own mark does not end the waiting."""
    with pytest.raises(TimeoutError):
        logged_in({}, state="forged")


def test_without_a_client() -> None:
    """Without the app's key there is nothing to log in with."""
    with pytest.raises(SettingsError, match="client_id"):
        asyncio.run(_login({}, asyncio.Queue()))


def test_a_refused_exchange() -> None:
    """A wrong secret is a clear refusal."""
    with pytest.raises(Denied, match="refresh token"):
        logged_in({"client_secret": "wrong"})
