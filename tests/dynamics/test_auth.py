"""Logging in: every flow, one renewal for all, clear refusals, and no token to anybody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from crmsync.clock import SetClock
from crmsync.errors import CrmsyncError, Denied, RetryLater, SettingsError
from crmsync.hookspecs import Context
from crmsync.simulate import Loopback
from crmsync_dynamics.session import DynamicsSession, connect
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.simulator import Org, Server
from dynamics.orgs import NOON, QUICK, chosen, site

TOKEN = "oauth2"


def small() -> Org:
    return Org(2, clock=SetClock(NOON))


def refusal(org: Org | None = None, settings: dict[str, Any] | None = None, **planted: Any) -> CrmsyncError:
    """What connecting to an environment ends with."""

    async def run() -> None:
        async with Server(org or small()) as server:
            if planted:
                match = {key: planted.pop(key) for key in ("path", "times") if key in planted}
                server.faults.plant(planted, **match)
            async with connect(chosen(server, None, settings), Context(connection="t", clock=SetClock(NOON))):
                pass

    with pytest.raises(CrmsyncError) as refused:
        asyncio.run(run())
    return refused.value


def test_wrong_credentials_are_explained() -> None:
    """A wrong secret, an expired one, an unknown app: what to change is said, and the secret is not (1.4, case 23)."""
    wrong = refusal(settings={"client_secret": "wr~ng+secret/="})
    assert isinstance(wrong, Denied)
    assert "value that is needed, not its id" in str(wrong)
    assert "wr~ng" not in repr(wrong) + str(wrong)
    assert "expired" in str(refusal(Org(2, clock=SetClock(NOON), secret_expired=True)))
    assert "client_id" in str(refusal(settings={"client_id": "11111111-1111-4111-8111-111111111111"}))


def test_a_busy_identity_service_is_tried_again_and_then_later() -> None:
    """Transient trouble of the log-in is waited out; what stays is worth another cycle, not a changed setting."""
    assert isinstance(refusal(name="token_error", path=TOKEN, times=None), RetryLater)
    assert isinstance(refusal(status=404, body="<html>", path=TOKEN, times=None), SettingsError)


@pytest.mark.rule("R-254")
@pytest.mark.parametrize(
    ("trait", "code", "said"),
    [("member", "0x80072560", "application user"), ("roles", "0x80042f09", "security role"),
     ("disabled", "0x8004a112", "enable it")],
)  # fmt: skip
def test_a_user_who_is_not_set_up_stops_the_connection(trait: str, code: str, said: str) -> None:
    """No application user, no role, disabled: the connection stops with what to do in the environment (case 22)."""
    org = small()
    setattr(org.user("full"), trait, trait == "disabled")
    found = refusal(org)
    assert isinstance(found, Denied)
    assert (found.code, said in str(found)) == (code, True)


def key_and_certificate() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crmsync")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    shown = made.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode(), shown.public_bytes(serialization.Encoding.PEM).decode()


def test_a_certificate_logs_in() -> None:
    """An assertion signed with the app's key takes the place of a secret; another key is refused (1.1)."""
    org, (key, certificate) = small(), key_and_certificate()
    org.sessions.certificate = certificate

    async def run(pem: str) -> str:
        async with Server(org) as server:
            settings = chosen(server, None, {"client_secret": None, "certificate": pem})
            async with connect(settings, Context(connection="t", clock=org.clock)) as session:
                return session.identity.user

    assert asyncio.run(run(key + certificate)) == org.user("full").user_id
    with pytest.raises(Denied, match="certificate"):
        asyncio.run(run("".join(key_and_certificate())))
    with pytest.raises(SettingsError, match="PEM"):
        asyncio.run(run("no key at all"))


def test_one_renewal_for_all_who_wait_and_before_the_end() -> None:
    """A token that ended is renewed once for any number of requests, and one about to end before it does (1.1)."""

    async def run() -> tuple[int, int, int]:
        async with site(2) as one:
            auth = one.session.client.auth
            one.org.sessions.expire()
            await asyncio.gather(*(one.session.client.get("WhoAmI") for _ in range(8)))
            after = auth.logins
            one.later(minutes=50)
            await one.session.client.get("WhoAmI")
            middle = auth.logins
            one.later(minutes=6)
            await asyncio.gather(*(one.session.client.get("WhoAmI") for _ in range(8)))
            return after, middle, auth.logins

    assert asyncio.run(run()) == (2, 2, 3)


def test_a_page_for_people_is_a_lost_login() -> None:
    """A sign-in page in place of data is answered with one new log-in; a second one ends the connection (case 39)."""

    async def run(times: int | None) -> int:
        async with site(2) as one:
            one.plant("sign_in_page", path="WhoAmI", times=times)
            await one.session.client.get("WhoAmI")
            return one.session.client.auth.logins

    assert asyncio.run(run(1)) == 2
    with pytest.raises(Denied, match="page for people"):
        asyncio.run(run(None))


def test_the_token_goes_to_the_environment_alone() -> None:
    """Tokens come from any host that is configured, as in national clouds, and go to the environment's host only."""
    seen: list[tuple[str, str | None]] = []

    async def issue(request: web.Request) -> web.StreamResponse:
        form = parse_qs((await request.read()).decode())
        seen.append((request.path, request.headers.get("Authorization")))
        given = {"access_token": held[0], "expires_in": 3599, "refresh_token": f"next of {form['refresh_token'][0]}"}
        return web.json_response(given)

    held: list[str] = []
    vault: dict[str, str] = {}

    async def run() -> None:
        org = small()
        async with Server(org) as server, Loopback(issue) as authority:
            held.append(org.sessions.open(org.user("full")).text)
            settings = DynamicsSettings.model_validate(
                {"url": server.url, "authority": authority.url, "tenant_id": "acme.example", "client_id": "app",
                 "refresh_token": "first", **QUICK}
            )  # fmt: skip
            for _ in range(2):
                async with connect(settings, Context(connection="t", clock=org.clock, vault=vault)) as session:
                    assert session.identity.user == org.user("full").user_id

    asyncio.run(run())
    assert seen == [("/acme.example/oauth2/v2.0/token", None)] * 2
    assert vault["refresh_token"].endswith(":next of next of first")
    assert "first" not in vault["refresh_token"].partition(":")[0]


def test_a_managed_identity_logs_in_as_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform gives this machine an identity, its own client library fetches the token; nothing is set."""
    asked: list[tuple[str, str]] = []
    held: list[str] = []

    async def issue(request: web.Request) -> web.StreamResponse:
        asked.append((request.query["resource"], request.headers["X-IDENTITY-HEADER"]))
        until = int((NOON + timedelta(hours=1)).timestamp())
        given = {"access_token": held[0], "expires_on": str(until), "token_type": "Bearer"}
        return web.json_response(given | {"resource": request.query["resource"]})

    async def run() -> None:
        org = small()
        async with Server(org) as server, Loopback(issue) as platform:
            held.append(org.sessions.open(org.user("full")).text)
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{platform.url}/msi/token")
            monkeypatch.setenv("IDENTITY_HEADER", "of this machine")
            settings = DynamicsSettings.model_validate({"url": server.url, "flow": "managed_identity", **QUICK})
            async with connect(settings, Context(connection="t", clock=org.clock)) as session:
                assert session.identity.user == org.user("full").user_id
            assert asked == [(server.url, "of this machine")]

    asyncio.run(run())


def test_a_way_to_another_host_is_not_followed() -> None:
    """A redirect to a sign-in host ends the connection: the token does not go there (1.6)."""
    found = refusal(status=302, headers={"Location": "https://login.example.org/"}, path="WhoAmI", times=None)
    assert isinstance(found, Denied)
    assert "Log in anew" in str(found)


def test_a_token_made_elsewhere_and_none_at_all() -> None:
    """A fixed token works until it ends; without any only this machine is spoken to, and only plainly there."""

    async def run() -> None:
        org = small()
        async with Server(org) as server:
            given = {"url": server.url, "access_token": server.ready["access_token"], **QUICK}
            settings = DynamicsSettings.model_validate(given)
            async with connect(settings, Context(connection="t", clock=org.clock)) as session:
                org.sessions.expire()
                with pytest.raises(Denied, match="access_token"):
                    await session.client.get("WhoAmI")

    asyncio.run(run())
    assert DynamicsSettings.model_validate({"url": "http://127.0.0.1:1"}).login_flow() == "none"
    for wrong in ({"url": "https://acme.crm4.dynamics.com", "flow": "none"}, {"url": "http://acme.crm4.dynamics.com"},
                  {"url": "acme.crm4.dynamics.com", "client_id": "a", "client_secret": "b"}):  # fmt: skip
        with pytest.raises(ValidationError):
            DynamicsSettings.model_validate(wrong)


def test_addresses_are_completed() -> None:
    """A name, a host or an address will do; one with a path is the service of another server."""
    app = {"client_id": "a", "client_secret": "b", "tenant_id": "t"}
    roots = {url: DynamicsSettings.model_validate({"url": url, **app}).root for url in (
        "acme", "acme.crm4.dynamics.com/", "https://h.example/odata/v4/crm")}  # fmt: skip
    assert list(roots.values()) == [
        "https://acme.crm.dynamics.com/api/data/v9.2", "https://acme.crm4.dynamics.com/api/data/v9.2",
        "https://h.example/odata/v4/crm",
    ]  # fmt: skip


def test_throttling_is_obeyed_by_all_and_bounded() -> None:
    """Everybody pauses as long as the server says, fewer go on at once after it, and no request is lost (case 13)."""

    async def run() -> tuple[int, int, float]:
        async with site(6, settings={"attempts": 5, "concurrency": 8}) as one:
            one.plant("throttle_requests", path="WhoAmI", times=3, retry_after=1)
            client: DynamicsSession = one.session
            before = one.session.client.calls
            began = asyncio.get_running_loop().time()
            await asyncio.gather(*(client.client.get("WhoAmI") for _ in range(8)))
            took = asyncio.get_running_loop().time() - began
            return one.session.client.calls - before, one.session.client.throttle.width, took

    calls, width, took = asyncio.run(run())
    assert calls <= 8 + 3
    assert width < 8
    assert took >= 1


def test_the_servers_hint_narrows() -> None:
    """`x-ms-dop-hint` says how many requests to make at once; the settings' own cap stays (6.2)."""

    async def run() -> list[int]:
        async with site(2, settings={"concurrency": 20}) as one:
            throttle, found = one.session.client.throttle, []
            for hint in ("3", "50", "x"):
                throttle.hint(hint)
                found.append(throttle.width)
            return found

    assert asyncio.run(run()) == [3, 20, 20]
