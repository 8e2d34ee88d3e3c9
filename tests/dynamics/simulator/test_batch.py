"""Many requests in one call: their own outcomes, change sets that are all or nothing, and a strict frame."""

import json
import re
from typing import Any

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import Answer, Client
from dynamics.simulator.writing import NOWHERE, held, make, write

KEEP_GOING = "odata.continue-on-error"


def part(method: str, url: str, body: Any = None, content_id: int = 0, **headers: str) -> bytes:
    """One request as a part."""
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    head += f"Content-ID: {content_id}\r\n" if content_id else ""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    text = json.dumps(body) if body is not None else ""
    return f"{head}\r\n{method} {url} HTTP/1.1\r\n{lines}\r\n{text}".encode()


def framed(parts: list[bytes], boundary: str = "b") -> bytes:
    """The parts between their boundaries."""
    return b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), one) for one in parts) + f"--{boundary}--\r\n".encode()


def change_set(*parts: bytes) -> bytes:
    """Parts as a change set."""
    return b'Content-Type: multipart/mixed; boundary="cs"\r\n\r\n' + framed(list(parts), "cs")


def send(client: Client, *parts: bytes, prefer: str = "") -> Answer:
    """Send a batch."""
    return write(
        client, "POST", "$batch", framed(list(parts)), Content_Type='multipart/mixed; boundary="b"', Prefer=prefer
    )


def outcomes(answer: Answer) -> list[int]:
    """The statuses of the parts, in order."""
    return [int(one) for one in re.findall(rb"HTTP/1.1 (\d+)", answer.body)]


def test_each_part_has_its_own_outcome(client: Client) -> None:
    """Parts answer in order; the first failure ends the batch and is its status, unless the caller goes on."""
    one = make(client, "contacts", lastname="Lee")
    parts = [
        part("PATCH", f"/api/data/v9.2/contacts({one})", {"jobtitle": "CTO"}, If_Match="*"),
        part("PATCH", f"contacts({NOWHERE})", {"jobtitle": "CTO"}, If_Match="*"),
        part("GET", f"{client.server.url}/api/data/v9.2/WhoAmI"),
        part("POST", "/contacts", {"lastname": "wrong root"}),
        part("DELETE", f"contacts({one})"),
    ]
    stopped = send(client, *parts)
    assert (stopped.status, outcomes(stopped)) == (404, [204, 404])
    assert held(client, "contact", one, "jobtitle") == ["CTO"]
    whole = send(client, *parts, prefer=KEEP_GOING)
    assert (whole.status, outcomes(whole)) == (200, [204, 404, 200, 404, 204])
    assert b'"code":"0x80040217"' in whole.body
    assert len(set(re.findall(rb"REQ_ID: (\w{32})", whole.body))) == 5
    assert b"Requested API Version 'contacts' was not understood" in whole.body
    assert client.org.get("contact", one) is None
    assert client.control("GET", "statistics")["sub_requests"] == 7


def test_a_change_set_is_carried_out_as_a_whole_or_not_at_all(client: Client) -> None:
    """Later requests may name what earlier ones made; one failure takes all back and is the only answer."""
    good = change_set(
        part("POST", "accounts", {"name": "Acme"}, 1),
        part("POST", "contacts", {"lastname": "Lee", "parentcustomerid_account@odata.bind": "$1"}, 2),
        part("PATCH", "$2", {"jobtitle": "CTO"}, 3),
    )
    answer = send(client, good)
    assert outcomes(answer) == [204, 204, 204]
    assert re.findall(rb"Content-ID: (\d)", answer.body) == [b"1", b"2", b"3"]
    account, contact = re.findall(rb"OData-EntityId: \S+\((\S+)\)", answer.body)[:2]
    bound = held(client, "contact", contact.decode(), "parentcustomerid", "jobtitle")
    assert bound == [Ref("account", account.decode()), "CTO"]
    track = client.rows("contacts", "odata.track-changes", select="lastname")
    token = client.get("contacts", "odata.track-changes", select="lastname").json["@odata.deltaLink"]
    bad = change_set(
        part("PATCH", f"contacts({contact.decode()})", {"jobtitle": "CEO"}, 1),
        part("DELETE", f"accounts({account.decode()})", None, 2),
        part("POST", "contacts", {"jobtitle": "x" * 101}, 3),
    )
    failed = send(client, bad, part("POST", "contacts", {"lastname": "after"}), prefer=KEEP_GOING)
    assert outcomes(failed) == [400, 204]
    assert held(client, "contact", contact.decode(), "parentcustomerid", "jobtitle") == bound
    changes = client.send("GET", token, Prefer="odata.track-changes").json["value"]
    assert [one["lastname"] for one in changes] == ["after"]
    assert len(track) == client.org.count("contact") - 1
    assert outcomes(send(client, change_set(part("GET", "contacts")))) == []


def test_the_frame_is_read_strictly(client: Client) -> None:
    """Bare line feeds, a thousand and one requests, a batch in a batch and a body without a boundary are refused."""
    parts = [part("POST", "contacts", {"lastname": "A"})]
    kind = {"Content_Type": "multipart/mixed; boundary=b"}
    bare = write(client, "POST", "$batch", framed(parts).replace(b"\r\n", b"\n"), **kind)
    assert (bare.status, bare.code) == (400, "0x80048d19")
    assert "Stream was not readable" in bare.text
    for frame in (b"--b\r\n" + parts[0], framed(parts).replace(b"--b\r\n", b"--b\n")):
        assert "Stream was not readable" in write(client, "POST", "$batch", frame, **kind).text
    assert write(client, "POST", "$batch", framed(parts), Content_Type="application/json").status == 400
    count = client.org.count("contact")
    many = send(client, *parts * 1001)
    assert (many.status, "maximum number of '1000'" in many.text) == (400, True)
    assert client.org.count("contact") == count
    nested = part("POST", "/api/data/v9.2/$batch", {})
    assert outcomes(send(client, nested, prefer=KEEP_GOING)) == [400]


def test_a_fault_hits_one_part(client: Client) -> None:
    """What is planted for `part:` throttles or breaks a request inside, while the batch itself is answered with 200."""
    fault = {"match": {"path": "^part:.*contacts", "nth": 2}, "action": {"name": "throttle_time", "retry_after": 7}}
    client.control("POST", "faults", fault)
    count = client.org.count("contact")
    answer = send(client, *[part("POST", "contacts", {"lastname": "A"})] * 3, prefer=KEEP_GOING)
    assert (answer.status, outcomes(answer)) == (200, [204, 429, 204])
    assert b"Retry-After: 7" in answer.body
    assert b'"code":"0x80072321"' in answer.body
    assert client.org.count("contact") == count + 2
    client.control("DELETE", "faults")
    client.control("POST", "faults", {"disable": ["batch"]})
    assert send(client, part("GET", "WhoAmI")).status == 501
