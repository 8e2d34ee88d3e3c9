"""The few SOAP calls that REST lacks: convertLead, merge, undelete, emptyRecycleBin, and the old login."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.conversion import CONVERTED_STATUS, Conversion, Wish
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.sessions import LoginRefused

XML = "text/xml;charset=UTF-8"
MOST_CONVERTED, MOST_IDS = 100, 200
LAST_LOGIN_VERSION = 64.0
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


def _reply(status: int, body: str) -> Reply:
    return Reply(status, _ENVELOPE.format(body=body).encode(), {}, XML)


def _fault(code: str, message: str) -> Reply:
    text = escape(message)
    detail = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{text}</sf:exceptionMessage>"
    return _reply(
        500,
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
        f"<detail><sf:UnexpectedErrorFault>{detail}</sf:UnexpectedErrorFault></detail></soapenv:Fault>",
    )


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(element: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in element if _bare(one.tag) == name]


def _texts(element: ET.Element, name: str) -> list[str]:
    return [(one.text or "").strip() for one in _children(element, name)]


def _text(element: ET.Element, name: str) -> str | None:
    found = _texts(element, name)
    return found[0] if found and found[0] else None


def _tag(name: str, value: object = None) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    spelled = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{spelled}</{name}>"


def serve(site: Site, call: Call) -> Reply:
    """Answer one envelope; faults come with HTTP 500."""
    site.need("soap")
    call.version = call.path.rstrip("/").rpartition("/")[2]
    try:
        envelope = ET.fromstring(call.body)  # noqa: S314 - a simulator reads what its own tests send
    except ET.ParseError as error:
        return _fault("UNKNOWN_EXCEPTION", f"not an envelope: {error}")
    parts = {_bare(one.tag): one for one in envelope}
    body = parts.get("Body")
    asked = body[0] if body is not None and len(body) else None
    if asked is None:
        return _fault("UNKNOWN_EXCEPTION", "the envelope has no body")
    try:
        return _answer(site, call, parts.get("Header"), asked)
    except Refusal as refusal:
        return _fault(refusal.code, refusal.message)
    except LoginRefused:
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")


def _answer(site: Site, call: Call, header: ET.Element | None, asked: ET.Element) -> Reply:
    name = _bare(asked.tag)
    if name == "login":
        return _login(site, call, asked)
    call.session = site.org.sessions.check(_session(header))
    operations: dict[str, Callable[[Site, Call, ET.Element], list[str]]] = {
        "convertLead": _convert,
        "merge": _merge,
        "undelete": _undelete,
        "emptyRecycleBin": _empty,
    }
    operation = operations.get(name)
    if operation is None:
        raise Refusal("UNKNOWN_EXCEPTION", f"No operation available for request {name}")
    results = "".join(f"<result>{one}</result>" for one in operation(site, call, asked))
    return _reply(200, f"<{name}Response>{results}</{name}Response>")


def _session(header: ET.Element | None) -> str | None:
    found = [one for one in header.iter() if _bare(one.tag) == "sessionId"] if header is not None else []
    return (found[0].text or "").strip() if found else None


def _login(site: Site, call: Call, asked: ET.Element) -> Reply:
    version = float(call.version)
    if not site.settings.soap_login or version > LAST_LOGIN_VERSION:
        raise Refusal("UNSUPPORTED_API_VERSION", f"SOAP API login() is not available in version {call.version}")
    rights = site.org.sessions.by_name(_text(asked, "username") or "", _text(asked, "password") or "")
    session = site.org.sessions.open(rights)
    url = f"{call.url}/services/Soap/u/{call.version}/{site.org.sessions.organization}"
    members = {"serverUrl": url, "sessionId": session.token, "userId": rights.user_id, "passwordExpired": False}
    inner = "".join(_tag(key, value) for key, value in members.items())
    return _reply(200, f"<loginResponse><result>{inner}</result></loginResponse>")


def _each(site: Site, work: Callable[[], str]) -> str:
    with site.state.transaction() as journal:
        try:
            return work()
        except Refusal as refusal:
            site.state.roll_back(journal)
            errors = _tag("fields", ",".join(refusal.fields)) if refusal.fields else ""
            inner = f"<errors>{errors}{_tag('message', refusal.message)}{_tag('statusCode', refusal.code)}</errors>"
            return inner + _tag("success", False)


def _whole(text: str | None) -> str:
    whole = ids.normalise(text)
    if whole is None:
        raise Refusal("MALFORMED_ID", f"malformed id {text}", fields=[])
    return whole


def _convert(site: Site, call: Call, asked: ET.Element) -> list[str]:
    wishes = _children(asked, "leadConverts")
    if len(wishes) > MOST_CONVERTED:
        raise Refusal("EXCEEDED_LEAD_CONVERT_LIMIT", "no more than 100 leads can be converted in one call")
    return [_each(site, lambda one=one: _convert_one(site, call, one)) for one in wishes]  # type: ignore[misc]


def _convert_one(site: Site, call: Call, asked: ET.Element) -> str:
    account, contact, owner = (_text(asked, name) for name in ("accountId", "contactId", "ownerId"))
    wish = Wish(
        lead=_whole(_text(asked, "leadId")),
        account=_whole(account) if account else None,
        contact=_whole(contact) if contact else None,
        opportunity=_text(asked, "doNotCreateOpportunity") != "true",
        opportunity_name=_text(asked, "opportunityName"),
        status=_text(asked, "convertedStatus") or CONVERTED_STATUS,
        owner=_whole(owner) if owner else None,
        overwrite_source=_text(asked, "overwriteLeadSource") == "true",
    )
    done: dict[str, Any] = Conversion(site.state, call.rights, wish).run()
    names = ("accountId", "contactId", "leadId", "opportunityId")
    return "".join(_tag(name, done[name]) for name in names) + _tag("success", True)


def _merge(site: Site, call: Call, asked: ET.Element) -> list[str]:
    requests = _children(asked, "request")
    if len(requests) > MOST_IDS:
        raise Refusal("LIMIT_EXCEEDED", "no more than 200 merges in one call")
    return [_each(site, lambda one=one: _merge_one(site, call, one)) for one in requests]  # type: ignore[misc]


def _merge_one(site: Site, call: Call, asked: ET.Element) -> str:
    (record,) = _children(asked, "masterRecord")
    losers = [_whole(one) for one in _texts(asked, "recordToMergeIds")]
    master = _whole(_text(record, "Id"))
    moved = Lifecycle(site.state, call.rights).merge(_text(record, "type") or "", master, losers)
    merged = "".join(_tag("mergedRecordIds", one) for one in losers)
    related = "".join(_tag("updatedRelatedIds", one) for one in moved)
    return f"{_tag('id', master)}{merged}{_tag('success', True)}{related}"


def _undelete(site: Site, call: Call, asked: ET.Element) -> list[str]:
    life = Lifecycle(site.state, call.rights)

    def one(identity: str) -> str:
        life.undelete(_whole(identity))
        return _tag("id", identity) + _tag("success", True)

    return [_each(site, lambda given=given: one(given)) for given in _limited(asked)]  # type: ignore[misc]


def _empty(site: Site, call: Call, asked: ET.Element) -> list[str]:
    life = Lifecycle(site.state, call.rights)

    def one(identity: str) -> str:
        life.hard_delete(_whole(identity))
        return _tag("id", identity) + _tag("success", True)

    return [_each(site, lambda given=given: one(given)) for given in _limited(asked)]  # type: ignore[misc]


def _limited(asked: ET.Element) -> list[str]:
    given = _texts(asked, "ids")
    if len(given) > MOST_IDS:
        raise Refusal("LIMIT_EXCEEDED", "no more than 200 ids in one call")
    return given
