"""Log-in by browser, once, for a refresh token: the address comes back to a port of this machine, with PKCE."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from aiohttp import web

from crmsync.errors import Denied, SettingsError
from crmsync.http import HttpClient, checked
from crmsync_salesforce.auth import TOKEN_PATH
from crmsync_salesforce.settings import PRODUCTION, SANDBOX

PATH = "/callback"
PORT = 1717
WAIT_SECONDS = 600
_DONE = "<!doctype html><title>crmsync</title><p>Logged in. This page can be closed."
_FAILED = "<!doctype html><title>crmsync</title><p>The log-in was refused. The terminal tells why."
_OK = 200


async def login(given: Mapping[str, Any], show: Callable[[str], None]) -> Mapping[str, str]:
    """Show an address, wait until the user has allowed the app there, and return the refresh token.

    `given` has `client_id`, and optionally `client_secret`, `url`, `sandbox`, `ca_file` and `callback_port` (1717; the
    app's callback URL is http://localhost:PORT/callback). Raises Denied, SettingsError.
    """
    client_id = str(given.get("client_id") or "")
    if not client_id:
        raise SettingsError("client_id is needed to log in by browser.", hint="It is the consumer key of the app.")
    host = str(given.get("url") or (SANDBOX if given.get("sandbox") else PRODUCTION)).rstrip("/")
    host = host if "://" in host else f"https://{host}"
    checked(host)
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    async with _Callback(state) as callback:
        await callback.listen(int(given.get("callback_port") or PORT))
        asked = {
            "response_type": "code", "client_id": client_id, "redirect_uri": callback.address,
            "scope": "api refresh_token", "state": state, "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }  # fmt: skip
        show(f"{host}/services/oauth2/authorize?{urlencode(asked)}")
        code = await callback.code()
        form = {
            "grant_type": "authorization_code", "client_id": client_id, "code": code,
            "redirect_uri": callback.address, "code_verifier": verifier,
        }  # fmt: skip
    if secret := _plain(given.get("client_secret")):
        form["client_secret"] = secret
    return {"refresh_token": await _exchange(host, form, given.get("ca_file"))}


def _plain(secret: Any) -> str:
    reveal = getattr(secret, "get_secret_value", None)
    return str(reveal() if reveal else secret or "")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def _exchange(host: str, form: Mapping[str, str], ca_file: Any) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with HttpClient(ca_file=str(ca_file) if ca_file else None) as http:
        url = f"{http.allow(host)}{TOKEN_PATH}"
        response = await http.request("POST", url, headers=headers, body=urlencode(form).encode())
    try:
        body = msgspec.json.decode(response.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        body = {}
    token = body.get("refresh_token")
    if response.status != _OK or not token:
        said = body.get("error_description") or body.get("error") or f"HTTP {response.status}"
        hint = 'The app needs the scopes "api" and "refresh_token".' if response.status == _OK else ""
        raise Denied(
            f"{urlsplit(host).hostname} gave no refresh token: {said}.", hint=hint, code=str(body.get("error", ""))
        )
    return str(token)


class _Callback:
    """A web server of one page that waits for the browser to come back."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        app = web.Application()
        app.router.add_get(PATH, self._arrive)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self.address = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._result.cancel()

    async def listen(self, port: int) -> None:
        """Take the port. Raises SettingsError where it is in use."""
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError as error:
            raise SettingsError(f"Port {port} of this machine is in use.", hint="Set callback_port.") from error
        self.address = f"http://localhost:{self._runner.addresses[0][1]}{PATH}"

    async def code(self) -> str:
        """The code that the browser brought. Raises Denied."""
        try:
            return await asyncio.wait_for(self._result, WAIT_SECONDS)
        except TimeoutError as error:
            raise Denied("Nobody logged in within ten minutes.") from error

    async def _arrive(self, request: web.Request) -> web.Response:
        given = dict(parse_qsl(request.query_string))
        if not secrets.compare_digest(given.get("state", ""), self._state):
            return web.Response(status=400, text=_FAILED, content_type="text/html")
        if not self._result.done():
            if "code" in given:
                self._result.set_result(given["code"])
            else:
                said = given.get("error_description") or given.get("error") or "no code"
                self._result.set_exception(Denied(f"The log-in was refused: {said}."))
        text = _DONE if "code" in given else _FAILED
        return web.Response(text=text, content_type="text/html")
