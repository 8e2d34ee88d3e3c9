"""SOAP envelopes: reading what is asked, and writing results, errors and faults."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from crmsync_salesforce.simulator.api.call import Reply
from crmsync_salesforce.simulator.errors import Refusal

XML = "text/xml;charset=UTF-8"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


def reply(status: int, body: str) -> Reply:
    """An answer with a body in its envelope."""
    return Reply(status, _ENVELOPE.format(body=body).encode(), {}, XML)


def fault(code: str, message: str) -> Reply:
    """A refusal of the whole call."""
    said = escape(message)
    detail = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{said}</sf:exceptionMessage>"
    return reply(
        500,
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {said}</faultstring>"
        f"<detail><sf:UnexpectedErrorFault>{detail}</sf:UnexpectedErrorFault></detail></soapenv:Fault>",
    )


def bare(element: ET.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: ET.Element, name: str) -> list[ET.Element]:
    """The members of that name."""
    return [one for one in element if bare(one) == name]


def texts(element: ET.Element, name: str) -> list[str]:
    """The texts of the members of that name."""
    return [(one.text or "").strip() for one in children(element, name)]


def text(element: ET.Element, name: str) -> str | None:
    """The text of the first member of that name; None for none or an empty one."""
    found = texts(element, name)
    return found[0] if found and found[0] else None


def switched_on(header: ET.Element | None, name: str, member: str) -> bool:
    """Whether a header of the call says "true"."""
    found = children(header, name) if header is not None else []
    return bool(found) and text(found[0], member) == "true"


def tag(name: str, value: object = None) -> str:
    """An element with a value, or an empty one for none."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    spelled = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{spelled}</{name}>"


def failed(refusal: Refusal) -> str:
    """The result of one record that was refused."""
    fields = "".join(tag("fields", one) for one in refusal.fields or ())
    found = _duplicates(refusal.extra.get("duplicateResult"))
    kind = ' xsi:type="DuplicateError"' if found else ""
    said = found + fields + tag("message", refusal.message) + tag("statusCode", refusal.code)
    return f"<errors{kind}>{said}</errors>{tag('success', value=False)}"


def _duplicates(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    records = [one["record"] for match in found["matchResults"] for one in match["matchRecords"]]
    inner = "".join(
        f"<matchRecords><record>{tag('type', one['attributes']['type'])}{tag('Id', one['Id'])}</record></matchRecords>"
        for one in records
    )
    allowed = tag("allowSave", value=found["allowSave"])
    return f"<duplicateResult>{allowed}<matchResults>{inner}</matchResults></duplicateResult>"
