"""Vendor's errors: each has its policy, ours say what to do, and none depends on the form it came in."""

from __future__ import annotations

import pytest

from crmsync.errors import CrmError, Denied, RecordRefused, RetryLater, RouteStopped, SchemaMoved
from crmsync.http import Response
from crmsync_dynamics.errors import POLICIES, Fault, Faulty, Policy, translate
from crmsync_dynamics.faults import faulty

CODES = """
0x8004a101 0x80041d52 0x80072560 0x80042f09 0x8004a112 0x8004a104 0x80040220 0x80040231 0x80048405 0x80048306 0x8004020d
0x80040256 0x8004a110 0x80040204 0x8004f502 0x8004f507 0x8004f504 0x8004f506 0x80040217 0x80060891 0x80060890 0x8006089d
0x80060892 0x80040237 0x80040333 0x80060882 0x80060883 0x8006088d 0x80044352 0x80072491 0x80072492 0x80072322 0x80072321
0x80072326 0x80072323 0x80072324 0x80072325 0x8005f103 0x8004a001 0x80048544 0x80044150 0x80044151 0x80044339 0x80071151
0x80040216 0x80040224 0x80040265 0x80044171 0x80044172 0x80044173 0x80081111 0x80040200 0x80040203 0x80044331 0x8004431a
0x8004432f 0x80044330 0x80040239 0x80048408 0x80040230 0x8004022e 0x80040519 0x80040518 0x80081018 0x80040515 0x8004051a
0x80040516 0x80040301 0x80040302 0x80048458 0x80045300 0x80045301 0x80045302 0x80045303 0x80045304 0x80045305 0x80040517
0x80048cea 0x80048cfb 0x80040227 0x80041102 0x80041103 0x80041129 0x8004112a 0x8004e023 0x8006088a 0x80060888 0x80048d19
0x80044182
"""
"""Every code of section 7.3 of the fact sheet; of ranges the ends."""

EXPECTED: dict[Policy, type[CrmError]] = {
    Policy.LOGIN: Denied, Policy.STOP: Denied, Policy.FULL: Denied, Policy.MOVED: SchemaMoved,
    Policy.OBJECT: RouteStopped, Policy.PRIVILEGE: RouteStopped, Policy.MISTAKE: RouteStopped,
    Policy.UNTRACKED: RouteStopped, Policy.SECURED: RecordRefused, Policy.ABSENT: RecordRefused,
    Policy.THERE: RecordRefused, Policy.STALE: RecordRefused, Policy.UNCONDITIONAL: RecordRefused,
    Policy.RECORD: RecordRefused,
}  # fmt: skip


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, sent, body, "https://acme.crm4.dynamics.com/api/data/v9.2/leads?$filter=x", 0, 0)


def test_the_table_knows_every_code_of_the_sheet() -> None:
    """No code that the vendor is known to give falls through to a guess."""
    assert set(CODES.split()) <= POLICIES.keys()
    assert len({f"0x80048c{last:02x}" for last in range(0xEA, 0xFC)} & POLICIES.keys()) == 18


@pytest.mark.parametrize("code", sorted(POLICIES))
def test_each_code_is_ours(code: str) -> None:
    """Each becomes one of our errors, which names the object and keeps the code for programs."""
    found = translate(Faulty(Fault(code, "This went wrong.", 400)), obj="lead", record="7f1c")
    assert type(found) is EXPECTED.get(POLICIES[code], RetryLater)
    assert found.code == code
    assert found.message.startswith("lead 7f1c: This went wrong.")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"code":"0x80044352","message":"Version stamp"}}', "0x80044352"),
        (b'{"error":{"code":"-2147204270","message":"Version stamp"}}', "0x80044352"),
        (b'{"error":{"code":-2147204270,"message":"Version stamp"}}', "0x80044352"),
        (b'{"error":{"code":"","message":"The Version Stamp has expired"}}', "0x0"),
        (b'{"Message":"Version stamp associated with the client has expired"}', "0x0"),
        (b'{"error":{"code":"0x0","innererror":{"message":"Version stamp is old"}}}', "0x0"),
    ],
)
def test_the_form_of_an_error_does_not_matter(body: bytes, code: str) -> None:
    """Hexadecimal, signed, empty, nested or with a capital: a stamp that is too old is known for one (4.4, 7.1)."""
    found = faulty(answer(400, body))
    assert (found.fault.code, found.policy) == (code, Policy.EXPIRED)


@pytest.mark.parametrize(
    ("status", "code", "message", "policy"),
    [
        (400, "0x0", "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'.", Policy.MOVED),
        (404, "0x8006088a", "Resource not found for the segment 'leads'.", Policy.OBJECT),
        (400, "0x8006088a", "Bad Request - Error in query syntax.", Policy.MISTAKE),
        (403, "0x80040220", "Principal user (Id=1) is missing prvReadLead privilege (Id=2)", Policy.PRIVILEGE),
        (403, "0x80040220", "does not have ReadAccess right(s) for record with id 1 of entity", Policy.RECORD),
        (500, "0x12345678", "What is this", Policy.RETRY),
        (404, "", "Not there", Policy.ABSENT),
    ],
)
def test_codes_of_several_meanings_are_told_apart(status: int, code: str, message: str, policy: Policy) -> None:
    """What is said with a code decides where the code alone does not; an unknown one goes by the status."""
    assert Fault(code or "0x0", message, status).policy is policy


def test_answers_without_a_word() -> None:
    """Statuses alone, pages for people and proxies have their policy too; throttling has its pause (7.2, 6.1)."""
    assert faulty(answer(401)).policy is Policy.LOGIN
    assert faulty(answer(503, b"<html><body>Maintenance</body></html>")).policy is Policy.RETRY
    assert faulty(answer(414)).policy is Policy.NARROW
    throttled = faulty(answer(429, b"", Retry_After="27"))
    assert (throttled.policy, throttled.retry_after) == (Policy.THROTTLED, 27)


def test_a_missing_privilege_is_named_in_the_hint() -> None:
    """Whoever reads the error knows what to grant, and nothing of the platform's own context."""
    message = "Principal user (Id=1, type=8) is missing prvReadLead privilege (Id=2) on OTC=4. context.Caller=3."
    found = translate(Faulty(Fault("0x80040220", message, 403)), obj="lead")
    assert "prvReadLead" in found.hint
    assert "Caller" not in found.message
