"""Logging in by every flow, and how a session ends."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from crmsync.clock import SetClock
from salesforce.simulator.running import NOON, Client

JWT_FLOW = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def app(client: Client) -> dict[str, str]:
    ready = client.server.ready
    return {"client_id": ready["client_id"], "client_secret": ready["client_secret"]}


def test_client_credentials_give_the_integration_users_session(client: Client) -> None:
    answer = client.token_for(grant_type="client_credentials", **app(client))
    assert answer.status == 200
    body = answer.json
    assert body["instance_url"] == client.server.url
    assert body["access_token"].startswith(client.org.sessions.organization[:15] + "!")
    assert int(body["issued_at"]) == int(NOON.timestamp() * 1000)
    client.token = body["access_token"]
    who = client.send("GET", "/services/oauth2/userinfo").json
    assert who["preferred_username"] == client.server.ready["username"]


def test_client_credentials_are_refused_on_the_common_login_host(client: Client) -> None:
    form = f"grant_type=client_credentials&client_id={app(client)['client_id']}"
    answer = client.send("POST", "/services/oauth2/token", form.encode(), Host="login.salesforce.com")
    assert answer.status == 400
    assert answer.json["error_description"] == "request not supported on this domain"


def test_password_needs_the_security_token_behind_it(client: Client) -> None:
    ready = client.server.ready
    form = {"grant_type": "password", "username": ready["username"], **app(client)}
    assert client.token_for(**form, password=ready["password"] + ready["security_token"]).status == 200
    refused = client.token_for(**form, password=ready["password"])
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("key", "error"), [("client_id", "invalid_client_id"), ("client_secret", "invalid_client")])
def test_a_wrong_app_is_told_what_is_wrong(client: Client, key: str, error: str) -> None:
    answer = client.token_for(grant_type="client_credentials", **{**app(client), key: "wrong"})
    assert answer.json["error"] == error


def browser_login(client: Client) -> dict[str, str]:
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = f"response_type=code&client_id={app(client)['client_id']}&redirect_uri=http://127.0.0.1:9/back&state=s1"
    sent = client.send("GET", f"/services/oauth2/authorize?{asked}&code_challenge={challenge}")
    assert sent.status == 302
    back = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert back["state"] == ["s1"]
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": "http://127.0.0.1:9/back"}
    refused = client.token_for(**form, **app(client), code_verifier="wrong")
    assert refused.json["error"] == "invalid_grant"
    sent = client.send("GET", f"/services/oauth2/authorize?{asked}&code_challenge={challenge}")
    form["code"] = parse_qs(urlsplit(sent.headers["Location"]).query)["code"][0]
    answer = client.token_for(**form, **app(client), code_verifier=verifier)
    assert client.token_for(**form, **app(client), code_verifier=verifier).json["error"] == "invalid_grant"
    return dict(answer.json)


def test_a_browser_login_gives_a_refresh_token_that_lasts(client: Client) -> None:
    refresh = browser_login(client)["refresh_token"]
    for _ in range(2):
        answer = client.token_for(grant_type="refresh_token", refresh_token=refresh, **app(client))
        assert answer.status == 200
        assert "refresh_token" not in answer.json


def test_rotation_replaces_the_refresh_token_and_ends_the_old_session(site: Callable[..., Client]) -> None:
    client = site(rotate_refresh_tokens=True)
    first = browser_login(client)
    answer = client.token_for(grant_type="refresh_token", refresh_token=first["refresh_token"], **app(client)).json
    assert answer["refresh_token"] != first["refresh_token"]
    again = client.token_for(grant_type="refresh_token", refresh_token=first["refresh_token"], **app(client))
    assert again.json["error_description"] == "expired access/refresh token"
    client.token = first["access_token"]
    assert client.rest("GET", "/sobjects").code == "INVALID_SESSION_ID"


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_an_assertion_is_checked_for_signature_audience_and_time(site: Callable[..., Client]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    client = site(certificate=certificate(key))
    claims = {
        "iss": app(client)["client_id"],
        "sub": client.server.ready["username"],
        "aud": "https://login.salesforce.com",
        "exp": int(NOON.timestamp()) + 180,
    }

    def login(**changes: object) -> dict[str, str]:
        assertion = jwt.encode({**claims, **changes}, key, algorithm="RS256")
        return dict(client.token_for(grant_type=JWT_FLOW, assertion=assertion).json)

    assert login()["token_type"] == "Bearer"
    assert "issued_at" not in login()
    assert login(aud="https://elsewhere.example.com")["error_description"] == "audience is invalid"
    assert login(exp=int(NOON.timestamp()) - 1)["error_description"] == "expired authorization code"
    assert login(sub="nobody@example.com")["error_description"] == "user hasn't approved this consumer"
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, other, algorithm="RS256")
    assert client.token_for(grant_type=JWT_FLOW, assertion=forged).json["error_description"] == "invalid assertion"


def test_a_session_ends_by_the_clock_and_is_renewed_by_use(site: Callable[..., Client], clock: SetClock) -> None:
    client = site(session_seconds=100)
    for _ in range(3):
        clock.advance(timedelta(seconds=60))
        assert client.rest("GET", "/sobjects").status == 200
    clock.advance(timedelta(seconds=101))
    answer = client.rest("GET", "/sobjects")
    assert (answer.status, answer.code) == (401, "INVALID_SESSION_ID")
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_the_versions_need_no_session(client: Client) -> None:
    client.token = "none"
    answer = client.send("GET", "/services/data/")
    assert [one["version"] for one in answer.json] == sorted(client.org.settings.versions, key=float)
    assert "Sforce-Limit-Info" not in answer.headers
    assert client.send("GET", "/services/data/v30.0/sobjects").status == 410
    assert client.send("GET", "/services/data/v99.0/sobjects").status == 404
