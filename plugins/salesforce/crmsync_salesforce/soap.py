"""The few calls that only SOAP has, with the session of REST: create with a mail to the owner, convert, merge."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import msgspec

from crmsync_salesforce import outcomes, wire
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Fault, Faulty, Policy
from crmsync_salesforce.items import Item, Way, Written
from crmsync_salesforce.sobjects import identity

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:u="urn:partner.soap.sforce.com" xmlns:s="urn:sobject.partner.soap.sforce.com"><e:Header>'
    "<u:SessionHeader><u:sessionId>{session}</u:sessionId></u:SessionHeader>{head}</e:Header>"
    "<e:Body><u:{name}>{body}</u:{name}></e:Body></e:Envelope>"
)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "Accept": "text/xml", "SOAPAction": '""'}
_ENDED = "INVALID_QUERY_LOCATOR"  # how the client says that it has renewed a session a request was bound to
_NO_SESSION = "SOAP_SESSION"

NOT_ALL_OR_NONE = "<u:AllOrNoneHeader><u:allOrNone>false</u:allOrNone></u:AllOrNoneHeader>"

Spell = Callable[[Item], str]
Read = Callable[[ET.Element], Written]


def tag(name: str, value: object, space: str = "u") -> str:
    """An element with a text, a truth value or an id in it."""
    text = str(value).lower() if isinstance(value, bool) else escape(str(value), {"\r": "&#13;"})
    return f"<{space}:{name}>{text}</{space}:{name}>"


def header(name: str, **members: object) -> str:
    """A header of the call."""
    return f"<u:{name}>{''.join(tag(key, value) for key, value in members.items())}</u:{name}>"


def record(batch: Batch, item: Item, **more: str) -> str:
    """The values of an item as the members of a record; `more` stands in front of them."""
    fields, values = batch.known.fields, item.values
    empty = "".join(tag("fieldsToNull", name, "s") for name, value in values.items() if value is None)
    head = tag("type", batch.object, "s") + empty + "".join(tag(name, value, "s") for name, value in more.items())
    return head + "".join(
        tag(name, wire.spelled(fields[name], value), "s") for name, value in values.items() if value is not None
    )


async def write(batch: Batch, items: Sequence[Item], way: Way) -> bool:
    """Send items; False, with nothing sent, where the server takes no SOAP. Raises as `Batch.deliver` does."""
    features = batch.session.client.features
    if not features.has("soap"):
        return False
    fit = [one for one in items if _fits(one)]
    try:
        await batch.deliver(fit, way, identity if way.repeatable else id)
    except Faulty as error:
        if error.policy is not Policy.ABSENT and error.fault.code not in (_NO_SESSION, "METHOD_NOT_ALLOWED"):
            raise
        features.miss("soap", str(error)[:200])
        return False
    return True


def refuse(items: Iterable[Item], what: str) -> None:
    """Say that a server without SOAP cannot do this."""
    for one in items:
        one.outcome = outcomes.refused("soap", f"The server takes no SOAP calls, and {what}.", hint="Do it in the CRM.")


def way(client: Client, name: str, spell: Spell, read: Read, *, head: str = "", most: int, repeatable: bool) -> Way:
    """A way to send records by a SOAP operation, `spell` giving an element each and `read` reading a result."""

    async def send(items: Sequence[Item]) -> Answer:
        return await _call(client, name, "".join(spell(one) for one in items), head)

    def results(answer: Answer) -> Sequence[Written]:
        return [_written(one, read) for one in _results(answer.body)]

    return Way(send=send, read=results, repeatable=repeatable, most=most)


async def _call(client: Client, name: str, body: str, head: str) -> Answer:
    """One call, made again once where the session in its body had ended: that refusal did nothing."""
    for _ in range(2):
        token = await client.auth.token()
        session = escape(token.secret.get_secret_value())
        envelope = _ENVELOPE.format(session=session, head=head, name=name, body=body).encode()
        path = f"/services/Soap/u/{client.version}"
        try:
            return await client.call("POST", path, headers=_HEADERS, body=envelope, token=token, repeatable=False)
        except Faulty as error:
            if error.fault.code != _ENDED:
                raise
    raise Faulty(Fault(_NO_SESSION, "The SOAP API does not take the session that REST has.", (), 401))


def _fits(item: Item) -> bool:
    bad = next((name for name, value in item.values.items() if _NOT_IN_XML.search(str(value or ""))), None)
    if bad is not None:
        item.outcome = outcomes.refused("value", f"{bad}: holds characters that XML has not.", fields=(bad,))
    return bad is None


def _results(body: bytes) -> list[ET.Element]:
    try:
        envelope = ET.fromstring(body)  # noqa: S314 - the org's own answer; expat bounds what its entities grow to
    except ET.ParseError as error:
        raise msgspec.ValidationError(f"not an envelope: {error}") from error
    return [one for one in envelope.iter() if _bare(one) == "result"]


def _written(result: ET.Element, read: Read) -> Written:
    if text(result, "success") == "true":
        return read(result)
    faults = tuple(_fault(one) for one in result if _bare(one) == "errors")
    return Written(faults=faults or (Fault("UNKNOWN", "no reason was given"),))


def _fault(error: ET.Element) -> Fault:
    fields = tuple(one.text for one in error if _bare(one) == "fields" and one.text)
    ids = [text(one, "Id") for one in error.iter() if _bare(one) == "record"]
    more: dict[str, Any] = {"matchResults": [{"matchRecords": [{"record": {"Id": one}} for one in ids]}]} if ids else {}
    allowed = next((one.text for one in error.iter() if _bare(one) == "allowSave"), None)
    if allowed is not None:
        more["allowSave"] = allowed == "true"
    return Fault(text(error, "statusCode") or "UNKNOWN", text(error, "message") or "", fields, more=more)


def text(element: ET.Element, name: str) -> str | None:
    """The text of a member; None for one that is empty or not there."""
    return next((one.text for one in element if _bare(one) == name and one.text), None)


def _bare(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
