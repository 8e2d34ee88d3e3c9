"""Who gets in, and what each user may see: log-in, tokens, roles with their depth, secured columns."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from crmsync.clock import SetClock
from dynamics.simulator.running import API, NOON, Client

NOBODY = "00000000-0000-4000-a000-000000000000"


def form(client: Client, **changes: str) -> dict[str, str]:
    ready = client.server.ready
    plain = {"grant_type": "client_credentials", "scope": f"{ready['url']}/.default"}
    return {**plain, "client_id": ready["client_id"], "client_secret": ready["client_secret"], **changes}


def test_an_app_gets_a_token_for_its_secret(client: Client, clock: SetClock) -> None:
    """The token is good for as long as was said, and the secret may come in the header too."""
    answer = client.token_for(**form(client))
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3599)
    client.token = answer.json["access_token"]
    who = client.get("WhoAmI").json
    assert who["UserId"] == client.org.user("full").user_id
    clock.advance(timedelta(seconds=3600))
    refused = client.get("WhoAmI")
    assert (refused.status, refused.body) == (401, b"")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    given = form(client)
    pair = base64.b64encode(f"{given.pop('client_id')}:{given.pop('client_secret')}".encode()).decode()
    text = "&".join(f"{name}={value}" for name, value in given.items()).encode()
    kind = "application/x-www-form-urlencoded"
    where = client.server.ready["token_url"]
    assert client.send("POST", where, text, Authorization=f"Basic {pair}", Content_Type=kind).status == 200
    assert client.control("GET", "statistics")["tokens"] >= 2


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"client_secret": "wrong"}, "invalid_client", 7000215),
        ({"client_id": NOBODY}, "unauthorized_client", 700016),
        ({"scope": "https://elsewhere.example.com/.default"}, "invalid_scope", 70011),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"tenant": NOBODY}, "invalid_request", 90002),
    ],
)
def test_wrong_credentials_are_told_apart(client: Client, changes: dict[str, str], error: str, number: int) -> None:
    """Each mistake has its own error and number."""
    answer = client.token_for(**{**form(client), **changes})
    assert answer.status in {400, 401}
    assert (answer.json["error"], answer.json["error_codes"]) == (error, [number])


def test_secrets_expire_and_may_be_missing(client: Client) -> None:
    """An expired secret and none at all have their own numbers."""
    client.control("POST", "settings", {"secret_expired": True})
    assert client.token_for(**form(client)).json["error_codes"] == [7000222]
    bare = {name: value for name, value in form(client).items() if name != "client_secret"}
    assert client.token_for(**bare).json["error_codes"] == [7000218]


def test_an_app_gets_a_token_for_its_certificate(client: Client, certified: tuple[str, str, str]) -> None:
    """An assertion signed with the registered certificate's key is taken, one of anybody else is not."""
    certificate, key, mark = certified
    client.org.sessions.certificate = certificate
    claims = {
        "aud": client.server.ready["token_url"], "iss": client.server.ready["client_id"], "jti": "1",
        "sub": client.server.ready["client_id"], "exp": int(NOON.timestamp()) + 300, "nbf": int(NOON.timestamp()),
    }  # fmt: skip
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    for changes, status in (({}, 200), ({"iss": NOBODY}, 401), ({"exp": 1}, 401), ({"aud": "x"}, 401)):
        text = jwt.encode({**claims, **changes}, key, algorithm="RS256", headers={"x5t": mark})
        bare = {name: value for name, value in form(client).items() if name != "client_secret"}
        answer = client.token_for(**bare, client_assertion_type=kind, client_assertion=text)
        assert answer.status == status, (changes, answer.body)


@pytest.fixture(scope="module")
def certified() -> tuple[str, str, str]:
    """A certificate, its key, and its thumbprint as assertions carry it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "crmsync")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    thumb = hashlib.sha1(made.public_bytes(serialization.Encoding.DER)).digest()
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    return pem, secret, base64.urlsafe_b64encode(thumb).decode().rstrip("=")


def test_users_that_are_not_fit_are_told_why(client: Client) -> None:
    """No application user, no role, and a disabled user each have their own code."""
    for trait, code in (("member", "0x80072560"), ("roles", "0x80042f09")):
        client.control("POST", "rights", {"user": "full", trait: False})
        refused = client.get("WhoAmI")
        assert (refused.status, refused.code) == (403, code)
        client.control("POST", "rights", {"user": "full", trait: True})
    client.control("POST", "rights", {"user": "full", "disabled": True})
    assert client.get("WhoAmI").code == "0x8004a112"


def test_a_sign_in_page_may_come_in_place_of_a_401(client: Client) -> None:
    """Where the environment behaves so, a token that is no good gets HTML with status 200."""
    client.control("POST", "settings", {"sign_in_page": True})
    client.token = "stale"
    answer = client.get("contacts")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_missing_privilege_is_named_and_depth_hides_rows_silently(client: Client) -> None:
    """Without a privilege its name is told; with less depth fewer rows come, and single ones are refused."""
    other = client.as_user("restricted")
    refused = other.get("opportunities")
    assert (refused.status, refused.code) == (403, "0x80040220")
    assert "prvReadOpportunity privilege" in refused.text
    seen = {row["contactid"] for row in other.rows("contacts", select="contactid")}
    hidden = {row["contactid"] for row in client.rows("contacts", select="contactid")} - seen
    assert seen
    assert hidden
    assert other.get(f"contacts({hidden.pop()})").code == "0x80040220"
    assert other.get(f"contacts({seen.pop()})").status == 200
    assert other.get("contacts/$count").body == str(len(seen) + 1).encode()
    counts = []
    for depth in ("basic", "local", "deep", "global"):
        wish = {"verb": "Read", "table": "contact", "depth": depth}
        client.control("POST", "rights", {"user": "restricted", "depths": [wish]})
        counts.append(len(other.rows("contacts", select="contactid")))
    assert counts == [0, len(seen) + 1, len(seen) + 1, 20]


def test_privileges_are_told_with_their_depth(client: Client) -> None:
    """A user's privileges are listed by name with the depth its roles give them."""
    who = client.org.user("restricted").user_id
    held = client.get(f"systemusers({who})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()").json["RolePrivileges"]
    depths = {one["PrivilegeName"]: one["Depth"] for one in held}
    assert depths["prvReadContact"] == "Local"
    assert depths["prvReadCampaign"] == "Global"
    assert "prvReadOpportunity" not in depths


def test_a_secret_reads_as_null_and_may_not_be_asked_about(client: Client) -> None:
    """A secured column looks empty to who may not read it, is refused in filters and orders, and marked in metadata."""
    filled = next(row for row in client.org.records("contact") if row["new_nickname"])["contactid"]
    other = client.as_user("minimum")
    assert client.get(f"contacts({filled})", select="new_nickname").json["new_nickname"]
    assert other.get(f"contacts({filled})", select="new_nickname").json["new_nickname"] is None
    for options in ({"filter": "new_nickname ne null"}, {"orderby": "new_nickname"}):
        refused = other.get("contacts", **options)
        assert (refused.status, refused.code) == (403, "0x8004f506")
    flags = other.get("EntityDefinitions(LogicalName='contact')/Attributes", filter="IsSecured eq true")
    assert {one["LogicalName"] for one in flags.json["value"]} == {"new_nickname", "new_salary"}
    client.control("POST", "rights", {"user": "minimum", "opened": [{"table": "contact", "column": "new_nickname"}]})
    assert other.get(f"contacts({filled})", select="new_nickname").json["new_nickname"]


def test_the_permissions_of_secured_columns_can_be_read(client: Client) -> None:
    """Who asks for column permissions finds the profiles of a user and what they open."""
    rows = client.rows("fieldpermissions", select="entityname,attributelogicalname,canread,canupdate")
    assert {("contact", "new_salary", 4)} <= {
        (one["entityname"], one["attributelogicalname"], one["canread"]) for one in rows
    }
    for user, count in (("full", 1), ("minimum", 0)):
        path = f"systemusers({client.org.user(user).user_id})/systemuserprofiles_association"
        assert len(client.rows(path, select="name")) == count


def test_other_versions_and_methods_are_refused(client: Client) -> None:
    """The service knows its versions only."""
    assert client.send("GET", "/api/data/v8.2/WhoAmI").code == "0x80060888"
    assert client.send("GET", "/api/data/v9.0/WhoAmI").status == 200
    assert client.send("GET", API).json["value"][0] == {"name": "accounts", "kind": "EntitySet", "url": "accounts"}
