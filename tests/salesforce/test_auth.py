"""Logging in: every flow, one renewal for all, clear refusals, and no secret to anybody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from crmsync.clock import SetClock
from crmsync.errors import CrmsyncError, Denied, RetryLater, SettingsError
from crmsync.hookspecs import Context
from crmsync_salesforce.auth import trusted
from crmsync_salesforce.session import connect
from crmsync_salesforce.settings import SalesforceSettings
from crmsync_salesforce.simulator import Org, Server
from salesforce.orgs import NOON, QUICK, Site, site


def log_in(settings: dict[str, Any], *, org: Org | None = None, clock: SetClock | None = None, **planted: Any) -> Any:
    """Connect to an org, with `URL` and the like filled in from its ready line; returns identity and what was kept."""
    org = org or Org(2, clock=SetClock(NOON))

    async def main() -> Any:
        async with Server(org) as server:
            if planted:
                server.faults.plant(planted, path="oauth2/token", times=planted.pop("times", None))
            ready = server.ready
            filled = {
                key: ready.get(value, value) if isinstance(value, str) else value for key, value in settings.items()
            }
            chosen = SalesforceSettings.model_validate({"url": server.url, **QUICK, **filled})
            context = Context(connection="test", clock=clock or org.clock)
            async with connect(chosen, context) as session:
                return session.identity, dict(context.vault), server.statistics

    return asyncio.run(main())


APP = {"client_id": "client_id", "client_secret": "client_secret"}
USER = {"username": "username", "password": "password", "security_token": "security_token"}


@pytest.mark.rule("R-252")
@pytest.mark.parametrize("given", [APP, {**APP, **USER}, {"access_token": "access_token"}])
def test_flows(given: dict[str, str]) -> None:
    """Client credentials, user name and password, or a session made elsewhere: the org and its user are told."""
    identity, _, _ = log_in(given)
    assert identity.org.startswith("00D")
    assert len(identity.org) == 18
    assert identity.version == "65.0"


def key_and_certificate() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crmsync")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_jwt(tmp_path: Path) -> None:
    """A signed assertion logs in, from a file or from the settings; a key that is none is a fault of the settings."""
    pem, certificate = key_and_certificate()
    file = tmp_path / "key.pem"
    file.write_text(pem)
    org = Org(2, clock=SetClock(NOON), certificate=certificate)
    given = {"client_id": "client_id", "username": "username"}
    assert log_in({**given, "private_key": pem}, org=org)[0].user
    assert log_in({**given, "private_key_file": file}, org=org)[0].user
    for broken in ({"private_key": "nonsense"}, {"private_key_file": tmp_path / "none"}):
        with pytest.raises(SettingsError, match="private_key"):
            log_in({**given, **broken}, org=org)


def test_a_wrong_clock_is_corrected_once() -> None:
    """An assertion refused for its time is made again by the server's clock."""
    pem, certificate = key_and_certificate()
    org = Org(2, clock=SetClock(NOON), certificate=certificate)
    late = SetClock(NOON - timedelta(hours=2))
    identity, _, statistics = log_in(
        {"client_id": "client_id", "username": "username", "private_key": pem}, org=org, clock=late
    )
    assert identity.user
    assert sum(count for path, count in statistics.paths.items() if "token" in path) == 2


def test_a_rotated_refresh_token_is_kept_at_once() -> None:
    """The token that ends its predecessor is stored before anything else is asked, and used by the next process."""
    org = Org(2, clock=SetClock(NOON), rotate_refresh_tokens=True)
    first = org.sessions._refresh_token(org.user("full").user_id)
    vault: dict[str, str] = {}
    given = {"client_id": org.sessions.client_id, "refresh_token": first}

    async def once() -> None:
        async with Server(org) as server:
            settings = SalesforceSettings.model_validate({"url": server.url, **QUICK, **given})
            async with connect(settings, Context(connection="t", clock=org.clock, vault=vault)) as session:
                assert session.identity.user

    asyncio.run(once())
    kept = dict(vault)
    assert first not in "".join(kept.values())
    asyncio.run(once())
    assert vault != kept


@pytest.mark.parametrize(
    ("error", "description", "hint"),
    [
        ("invalid_grant", "authentication failure", "password"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("invalid_grant", "audience is invalid", "sandbox"),
        ("invalid_grant", "user hasn't approved this consumer", "Pre-authorise"),
        ("invalid_grant", "expired access/refresh token", "crmsync init"),
        ("invalid_client_id", "client identifier invalid", "client_id"),
        ("invalid_client", "invalid client credentials", "client_secret"),
        ("invalid_grant", "", ""),
    ],
)
def test_refusals_say_what_to_do(error: str, description: str, hint: str) -> None:
    """Rows 29 and 53 of the sheet: a refused log-in says why, what to look at, and no secret; it is not repeated."""
    with pytest.raises(Denied) as caught:
        log_in(APP, name="token_error", error=error, error_description=description)
    assert error in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        (
            {"status": 200, "body": "<html>Welcome, please log in to the proxy</html>", "content_type": "text/html"},
            CrmsyncError,
        ),
        ({"name": "maintenance"}, RetryLater),
        ({"name": "token_error", "error": "rate_limit_exceeded"}, RetryLater),
        ({"status": 404, "body": "<html>not here</html>", "content_type": "text/html"}, SettingsError),
        ({"status": 200, "body": [1, 2]}, Denied),
        ({"status": 200, "body": {"access_token": "x", "instance_url": "https://evil.example"}}, Denied),
        ({"status": 200, "body": {"access_token": "x", "instance_url": "http://login.salesforce.com"}}, Denied),
        ({"status": 200, "body": {"access_token": "x", "instance_url": "https://acme.my.salesforce.com"}}, Denied),
    ],
)
def test_odd_answers(planted: dict[str, Any], kind: type[Exception]) -> None:
    """A proxy's page, maintenance, a wrong URL or a strange host end with a clear error, and nothing is sent there."""
    with pytest.raises(kind):
        log_in(APP, **planted)


@pytest.mark.parametrize(
    ("host", "ours", "good"),
    [
        ("acme.my.salesforce.com", "login.salesforce.com", True),
        ("acme--dev.sandbox.my.salesforce.com", "test.salesforce.com", True),
        ("na1.force.com", "login.salesforce.com", True),
        ("salesforce.com.evil.example", "login.salesforce.com", False),
        ("evilsalesforce.com", "login.salesforce.com", False),
        ("127.0.0.1", "login.salesforce.com", False),
        ("acme.my.salesforce.com", "127.0.0.1", False),
        ("localhost", "127.0.0.1", True),
        ("crm.internal.example", "crm.internal.example", True),
    ],
)
def test_where_a_token_may_send_us(host: str, ours: str, good: bool) -> None:
    """Row 30 of the sheet: the instance address is used as it is, after a check of whose it is."""
    assert trusted(host, ours) is good


def test_one_renewal_for_all() -> None:
    """Row 26 of the sheet: many reads whose session ended cause one log-in, and all go on."""

    async def main() -> None:
        async with site() as one:
            one.org.sessions.expire()
            before = one.session.client.auth.logins
            pages = await asyncio.gather(*(one.load(obj) for obj in ("Contact", "Lead", "Account", "Campaign")))
            assert all(found for found in pages)
            assert one.session.client.auth.logins == before + 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "fault", [{"name": "unauthorized"}, {"status": 401, "body": [{"errorCode": "INVALID_SESSION_ID", "message": "x"}]}]
)
def test_a_401_that_no_login_cures(fault: dict[str, Any]) -> None:
    """Row 27 of the sheet: a session that is refused again after its renewal stops the connection; no loop."""

    async def main() -> Site:
        async with site() as one:
            one.server.faults.plant(fault, path="/query", times=None)
            with pytest.raises(Denied):
                await one.load("Contact", ["Id", "LastName"])
            return one

    one = asyncio.run(main())
    assert one.session.client.auth.logins <= 2


def test_nobody_is_logged_out() -> None:
    """Row 28 of the sheet: sessions are shared by the vendor, so none is ever ended by us."""

    async def main() -> Site:
        async with site() as one:
            await one.load("Campaign")
        return one

    assert not [path for path in asyncio.run(main()).server.statistics.paths if "revoke" in path]


@pytest.mark.rule("R-032")
@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "https://login.salesforce.com"),
        ({"sandbox": True}, "https://test.salesforce.com"),
        ({"url": "acme--dev.sandbox.my.salesforce.com"}, "https://acme--dev.sandbox.my.salesforce.com"),
        ({"url": "https://acme.my.salesforce.com/lightning/page"}, "https://acme.my.salesforce.com"),
        ({"url": "acme"}, "https://acme.my.salesforce.com"),
        ({"url": "http://127.0.0.1:8080/"}, "http://127.0.0.1:8080"),
    ],
)
def test_addresses(given: dict[str, Any], address: str) -> None:
    """Row 53 of the sheet: a whole host is understood, and only the host counts; `sandbox` chooses the default."""
    assert SalesforceSettings.model_validate({"client_id": "a", "client_secret": "b", **given}).login_url == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no way to log in"),
        ({"flow": "jwt", "client_id": "x"}, "username, private_key"),
        ({"client_id": "a", "client_secret": "b", "url": "http://crm.example"}, "https"),
        ({"client_id": "a", "client_secret": "b", "colour": "blue"}, "colour"),
    ],
)
def test_wrong_settings(given: dict[str, Any], said: str) -> None:
    """Settings that cannot work say which are missing or wrong, and repeat no secret."""
    with pytest.raises(ValidationError, match=said):
        SalesforceSettings.model_validate({**given, "password": "hunter2"} if given.get("flow") else given)


def test_secrets_are_not_shown() -> None:
    """No secret stands in what settings print of themselves."""
    shown = repr(
        SalesforceSettings.model_validate({"client_id": "a", "client_secret": "hunter2", "refresh_token": "hunter3"})
    )
    assert "hunter" not in shown
