"""The few SOAP calls that do what REST cannot: create with mails, convertLead, merge, undelete, and the old login."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.envelope import (
    bare,
    children,
    failed,
    fault,
    reply,
    switched_on,
    tag,
    text,
    texts,
)
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.conversion import CONVERTED_STATUS, Conversion, Wish
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.persons import is_person
from crmsync_salesforce.simulator.sessions import LoginRefused
from crmsync_salesforce.simulator.writes import Manner, Writer

MOST_CONVERTED, MOST_IDS = 100, 200
LAST_LOGIN_VERSION = 64.0


def serve(site: Site, call: Call) -> Reply:
    """Answer one envelope; faults come with HTTP 500."""
    site.need("soap")
    call.version = call.path.rstrip("/").rpartition("/")[2]
    try:
        envelope = ET.fromstring(call.body)  # noqa: S314 - a simulator reads what its own tests send
    except ET.ParseError as error:
        return fault("UNKNOWN_EXCEPTION", f"not an envelope: {error}")
    parts = {bare(one): one for one in envelope}
    body = parts.get("Body")
    asked = body[0] if body is not None and len(body) else None
    if asked is None:
        return fault("UNKNOWN_EXCEPTION", "the envelope has no body")
    try:
        return _answer(site, call, parts.get("Header"), asked)
    except Refusal as refusal:
        return fault(refusal.code, refusal.message)
    except LoginRefused:
        return fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")


def _answer(site: Site, call: Call, header: ET.Element | None, asked: ET.Element) -> Reply:
    name = bare(asked)
    if name == "login":
        return _login(site, call, asked)
    call.session = site.org.sessions.check(_session(header))
    operations: dict[str, Callable[[Site, Call, ET.Element], list[str]]] = {
        "create": lambda site, call, asked: _create(site, call, asked, header),
        "convertLead": _convert,
        "merge": _merge,
        "undelete": _undelete,
        "emptyRecycleBin": _empty,
    }
    operation = operations.get(name)
    if operation is None:
        raise Refusal("UNKNOWN_EXCEPTION", f"No operation available for request {name}")
    results = "".join(f"<result>{one}</result>" for one in operation(site, call, asked))
    return reply(200, f"<{name}Response>{results}</{name}Response>")


def _session(header: ET.Element | None) -> str | None:
    found = [one for one in header.iter() if bare(one) == "sessionId"] if header is not None else []
    return (found[0].text or "").strip() if found else None


def _login(site: Site, call: Call, asked: ET.Element) -> Reply:
    version = float(call.version)
    if not site.settings.soap_login or version > LAST_LOGIN_VERSION:
        raise Refusal("UNSUPPORTED_API_VERSION", f"SOAP API login() is not available in version {call.version}")
    rights = site.org.sessions.by_name(text(asked, "username") or "", text(asked, "password") or "")
    session = site.org.sessions.open(rights)
    url = f"{call.url}/services/Soap/u/{call.version}/{site.org.sessions.organization}"
    members = {"serverUrl": url, "sessionId": session.token, "userId": rights.user_id, "passwordExpired": False}
    inner = "".join(tag(key, value) for key, value in members.items())
    return reply(200, f"<loginResponse><result>{inner}</result></loginResponse>")


def _each(site: Site, work: Callable[[], str]) -> str:
    with site.state.transaction() as journal:
        try:
            return work()
        except Refusal as refusal:
            site.state.roll_back(journal)
            return failed(refusal)


def _whole(text: str | None) -> str:
    whole = ids.normalise(text)
    if whole is None:
        raise Refusal("MALFORMED_ID", f"malformed id {text}", fields=[])
    return whole


def _values(record: ET.Element) -> Values:
    given: Values = {bare(one): one.text for one in record if bare(one) not in ("type", "Id", "fieldsToNull")}
    return given | dict.fromkeys(texts(record, "fieldsToNull"))


def _create(site: Site, call: Call, asked: ET.Element, header: ET.Element | None) -> list[str]:
    records = children(asked, "sObjects")
    if len(records) > MOST_IDS:
        raise Refusal("EXCEEDED_ID_LIMIT", "no more than 200 records can be created in one call")
    manner = Manner(
        auto_assign=switched_on(header, "AssignmentRuleHeader", "useDefaultRule"),
        allow_duplicates=switched_on(header, "DuplicateRuleHeader", "allowSave"),
        size=len(records),
    )
    writer = Writer(site.state, call.rights, manner=manner)
    mails = switched_on(header, "EmailHeader", "triggerUserEmail")

    def one(record: ET.Element) -> str:
        name = text(record, "type") or ""
        identity = writer.create(name, _values(record))
        if mails:
            _mail_owner(site, identity)
        return tag("id", identity) + tag("success", value=True)

    return [_each(site, lambda given=given: one(given)) for given in records]  # type: ignore[misc]


def _mail_owner(site: Site, identity: str) -> None:
    table = site.state.table_of(identity)
    if table is not None and "OwnerId" in table.columns:
        site.state.mails.append((table.by_id[identity][table.columns["OwnerId"]], identity))


def _convert(site: Site, call: Call, asked: ET.Element) -> list[str]:
    wishes = children(asked, "leadConverts")
    if len(wishes) > MOST_CONVERTED:
        raise Refusal("EXCEEDED_LEAD_CONVERT_LIMIT", "no more than 100 leads can be converted in one call")
    return [_each(site, lambda one=one: _convert_one(site, call, one)) for one in wishes]  # type: ignore[misc]


def _convert_one(site: Site, call: Call, asked: ET.Element) -> str:
    account, contact, owner = (text(asked, name) for name in ("accountId", "contactId", "ownerId"))
    wish = Wish(
        lead=_whole(text(asked, "leadId")),
        account=_whole(account) if account else None,
        contact=_whole(contact) if contact else None,
        opportunity=text(asked, "doNotCreateOpportunity") != "true",
        opportunity_name=text(asked, "opportunityName"),
        status=text(asked, "convertedStatus") or CONVERTED_STATUS,
        owner=_whole(owner) if owner else None,
        overwrite_source=text(asked, "overwriteLeadSource") == "true",
        mail=text(asked, "sendNotificationEmail") == "true",
    )
    done: dict[str, Any] = Conversion(site.state, call.rights, wish).run()
    names = ("accountId", "contactId", "leadId", "opportunityId")
    return "".join(tag(name, done[name]) for name in names) + tag("success", True)


def _merge(site: Site, call: Call, asked: ET.Element) -> list[str]:
    requests = children(asked, "request")
    if len(requests) > MOST_IDS:
        raise Refusal("LIMIT_EXCEEDED", "no more than 200 merges in one call")
    return [_each(site, lambda one=one: _merge_one(site, call, one)) for one in requests]  # type: ignore[misc]


def _merge_one(site: Site, call: Call, asked: ET.Element) -> str:
    (record,) = children(asked, "masterRecord")
    losers = [_whole(one) for one in texts(asked, "recordToMergeIds")]
    master = _whole(text(record, "Id"))
    name = text(record, "type") or ""
    _refuse_persons(site, name, [master, *losers])
    moved = Lifecycle(site.state, call.rights).merge(name, master, losers)
    if values := _values(record):
        Writer(site.state, call.rights).update(name, master, values)
    merged = "".join(tag("mergedRecordIds", one) for one in losers)
    related = "".join(tag("updatedRelatedIds", one) for one in moved)
    return f"{tag('id', master)}{merged}{tag('success', True)}{related}"


def _refuse_persons(site: Site, name: str, wanted: list[str]) -> None:
    table = site.state.tables.get(name)
    rows = [table.by_id[one] for one in wanted if one in table.by_id] if table is not None else []
    if name == "Contact" and table is not None and any(is_person(table, row) for row in rows):
        raise Refusal("INVALID_PERSON_ACCOUNT_OPERATION", "Person accounts cannot be merged as contacts", fields=[])


def _undelete(site: Site, call: Call, asked: ET.Element) -> list[str]:
    life = Lifecycle(site.state, call.rights)

    def one(identity: str) -> str:
        life.undelete(_whole(identity))
        return tag("id", identity) + tag("success", True)

    return [_each(site, lambda given=given: one(given)) for given in _limited(asked)]  # type: ignore[misc]


def _empty(site: Site, call: Call, asked: ET.Element) -> list[str]:
    life = Lifecycle(site.state, call.rights)

    def one(identity: str) -> str:
        life.hard_delete(_whole(identity))
        return tag("id", identity) + tag("success", True)

    return [_each(site, lambda given=given: one(given)) for given in _limited(asked)]  # type: ignore[misc]


def _limited(asked: ET.Element) -> list[str]:
    given = texts(asked, "ids")
    if len(given) > MOST_IDS:
        raise Refusal("LIMIT_EXCEEDED", "no more than 200 ids in one call")
    return given
