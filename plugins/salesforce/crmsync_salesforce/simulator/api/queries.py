"""query, queryAll and the pages that follow."""

from __future__ import annotations

import re

from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import CURSOR_SECONDS, Cursor, Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values
from crmsync_salesforce.simulator.soql.run import Found, Runner

SMALLEST, LARGEST, WIDE = 200, 2000, 200


def query(site: Site, call: Call) -> Reply:
    """Run a query and give its first page."""
    return _first(site, call, everything=False)


def query_all(site: Site, call: Call) -> Reply:
    """Run a query over deleted and archived rows too."""
    site.need("queryAll")
    return _first(site, call, everything=True)


def _first(site: Site, call: Call, *, everything: bool) -> Reply:
    text = call.query.get("q")
    if text is None:
        raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
    site.state.settle()
    found = Runner(site.state, call.rights, everything=everything).run(text)
    return page(site, call, found, None, 0, _size(site, call, found))


def _size(site: Site, call: Call, found: Found) -> int:
    asked = re.search(r"batchSize\s*=\s*(\d+)", call.header("Sforce-Query-Options"))
    size = site.settings.batch_size
    if asked:
        size = min(size, max(SMALLEST, min(LARGEST, int(asked[1]))))
    return min(size, WIDE) if found.wide else size


def page(site: Site, call: Call, found: Found, locator: str | None, start: int, size: int) -> Reply:
    """One page of a result, with the address of the next when there is one."""
    stop = start + size
    held = len(found.rows) if found.ready is None else len(found.ready)
    body: Values = {"totalSize": found.total, "done": stop >= held}
    if stop < held:
        if locator is None:
            until = site.state.now().timestamp() + CURSOR_SECONDS
            assert call.session is not None
            locator = site.keep(Cursor(found, size, call.session, until))
        body["nextRecordsUrl"] = f"{call.base}/query/{locator}-{stop}"
    body["records"] = found.records(start, stop, call.objects)
    return Reply(body=body)


def more(site: Site, call: Call, locator: str, offset: str) -> Reply:
    """A further page; refused to every session but the one that asked for the first."""
    site.need("locators")
    cursor = site.cursors.get(locator)
    if cursor is None or cursor.until <= site.state.now().timestamp():
        raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
    if cursor.session is not call.session:
        raise Refusal("INVALID_SESSION_ID", "Session expired or invalid")
    return page(site, call, cursor.found, locator, int(offset), cursor.size)
