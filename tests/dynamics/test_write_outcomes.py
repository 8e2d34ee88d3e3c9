"""What is said of a change that was not made: every code of the vendor, and every shape in which a batch answers."""

from __future__ import annotations

import pytest

from crmsync.errors import SchemaMoved
from crmsync.writes import Change, Operation, Result
from crmsync_dynamics import batch, outcomes
from crmsync_dynamics.errors import POLICIES, Fault, Policy
from crmsync_dynamics.items import Item, Request
from crmsync_dynamics.tables import Table
from dynamics.orgs import Site
from dynamics.writes import made, on_a_site, send, update, value
from support.written import results

LEAD = Table(name="lead", set="leads", key="leadid", schema="Lead")
ID = "7f1c2d3e-0000-4000-8000-000000000001"
FINAL = {Policy.RECORD, Policy.SECURED, Policy.THERE, Policy.ONCE}


def item(operation: Operation = Operation.UPDATE) -> Item:
    return Item(Change(operation=operation, object="lead", row=1, crm_id=ID.upper()))


def outcome(code: str, message: str = "said", operation: Operation = Operation.UPDATE) -> tuple[Result, str]:
    found = outcomes.of_fault(item(operation), Fault(code, message, 400), LEAD)
    return found.result, found.hint


def test_every_code_has_its_end_and_every_refusal_says_what_to_do() -> None:
    """No code of the vendor's list is left without an outcome; what is refused for good has a hint of its own."""
    for code, policy in POLICIES.items():
        result, hint = outcome(code)
        assert result is not Result.DONE, code
        if policy in FINAL:
            assert (result, code in outcomes.HINTS) == (Result.REFUSED, True), code
            assert hint == outcomes.HINTS[code]


def test_gone_is_told_from_what_a_record_refers_to() -> None:
    """A missing record is gone, or done where it was to be deleted; a missing record that it points to is refused."""
    own, other = f"lead With Id = {ID} Does Not Exist", "account With Id = 1a2b Does Not Exist"
    assert outcome("0x80040217", own)[0] is Result.GONE
    assert outcome("0x80040217", own, Operation.DELETE)[0] is Result.DONE
    assert outcome("0x80040217", other)[0] is Result.REFUSED
    stale = item()
    stale.lost = True
    assert outcomes.of_fault(stale, Fault("0x80060882", "moved", 412), LEAD).result is Result.UNKNOWN
    assert outcome("0x80060882")[0] is Result.RETRY


def test_a_missing_right_concerns_the_table_or_what_a_record_is_given() -> None:
    """A right on the table itself may be granted, so that it comes later; one on another table refuses the record."""
    said = "Principal user is missing {} privilege"
    assert outcome("0x80040220", said.format("prvWriteLead"))[0] is Result.RETRY
    result, hint = outcome("0x80040220", said.format("prvAppendToAccount"))
    assert (result, "prvAppendToAccount" in hint) == (Result.REFUSED, True)


def test_a_batch_is_spelled_as_the_vendor_wants_it() -> None:
    """Lines end in CRLF, addresses are absolute, several requests of one change are done all or none."""
    one = Request(method="PATCH", path=f"leads({ID})", body=b'{"a":"x\\ny"}', headers={"If-Match": "*"})
    body = batch.compose([[one], [one, one]], "/api/data/v9.2", "b1")
    assert body.count(b"PATCH /api/data/v9.2/leads(") == 3
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert body.count(b"multipart/mixed") == 1
    assert body.count(b"Content-Type: application/json\r\n") == 3
    assert body.endswith(b"--b1--\r\n")


def answer(*parts: str) -> bytes:
    return ("".join(f"--r\r\n{part}\r\n" for part in parts) + "--r--\r\n").encode()


def part(status: str, body: str = "", headers: str = "") -> str:
    return f"Content-Type: application/http\r\n\r\nHTTP/1.1 {status}\r\nOData-Version: 4.0\r\n{headers}\r\n{body}"


def test_the_answer_to_a_batch_is_read_part_by_part() -> None:
    """In order; a change set tells its failure or its last answer, and what has no answer has none."""
    error = '{"error":{"code":"0x80072322","message":"Number of requests exceeded"}}'
    inner = f"--c\r\n{part('204 No Content')}\r\n--c\r\n{part('200 OK', '{}')}\r\n--c--\r\n"
    body = answer(
        part("204 No Content"), part("429 Too Many Requests", error, "Retry-After: 7\r\n"),
        f"Content-Type: multipart/mixed; boundary=c\r\n\r\n{inner}", part("502 Bad Gateway", "<html>"),
    )  # fmt: skip
    found = batch.replies(body, 'multipart/mixed; boundary="r"', 5)
    assert [one and one.status for one in found] == [204, 429, 200, 502, None]
    assert found[1] is not None
    assert (found[1].retry_after, found[1].fault and found[1].fault.policy) == (7.0, Policy.THROTTLED)
    assert found[3] is not None
    assert found[3].fault is not None
    assert found[3].fault.policy is Policy.RETRY
    for wrong, kind in (
        (body[:-9], "multipart/mixed; boundary=r"),
        (body, "application/json"),
        (b"--r\r\nx\r\n--r--", "boundary=r"),
    ):
        with pytest.raises(ValueError, match="batch"):
            batch.replies(wrong, kind, 5)


@on_a_site()
async def test_a_column_that_went_away_moves_the_schema(one: Site) -> None:
    """Where all changes name a column that the CRM dropped meanwhile, the schema is read again; nothing is written."""
    ids = made(one, 2)
    await one.session.describes.fresh("lead")
    one.org.remove_column("lead", "fax")
    with pytest.raises(SchemaMoved):
        await send(one, *(update(crm_id, fax="1") for crm_id in ids))
    assert "fax" not in (await one.session.describes.last("lead")).fields
    assert results(await send(one, update(ids[0], jobtitle="x"))) == ["done"]
    assert value(one, "lead", ids[0], "jobtitle") == "x"
