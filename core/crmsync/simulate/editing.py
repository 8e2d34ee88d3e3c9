"""What the control path does to single records, as another user of the simulated CRM would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from crmsync.simulate.acts import Body, read_object
from crmsync.simulate.calls import Call

Editing = Callable[[Any, str, list[str], Body], Body | None]
"""What one CRM can do beside: given the org, the method, an object's name, an id and more, and the body of the call.

None for what it cannot do.
"""


def edit_records(org: Any, call: Call, parts: list[str], more: Editing) -> Body:
    """Read, make or change records of the object that the parts of the path begin with, or do `more`.

    Raises KeyError for an object or record that is not there, and ValueError for what nobody can do.
    """
    name, identity, body = parts[0], "".join(parts[1:2]), read_object(call.body)
    if name not in org.state.tables:
        raise KeyError(name)
    if call.method == "GET":
        return _read(org, name, identity, call.query)
    if call.method == "POST" and not identity:
        return _make(org, name, body)
    if call.method == "PATCH":
        org.update(name, identity, body["values"], body.get("user"))
        return {"id": identity}
    done = more(org, call.method, [name, identity, *parts[2:]], body)
    if done is None:
        raise ValueError(f"records cannot be asked to {call.method} {'/'.join(parts)}")
    return done


def _make(org: Any, name: str, body: Body) -> Body:
    user, wanted = body.get("user"), body["values"]
    if isinstance(wanted, list):
        return {"ids": [org.create(name, one, user) for one in wanted]}
    return {"id": org.create(name, wanted, user)}


def _read(org: Any, name: str, identity: str, query: Mapping[str, str]) -> Body:
    """One record; without an id the count of an object and its first records, 50 unless `limit` says otherwise."""
    if not identity:
        most = int(query.get("limit", "50"))
        return {"count": org.count(name), "records": list(islice(org.records(name), most))}
    record: Body | None = org.get(name, identity)
    if record is None:
        raise KeyError(identity)
    return record
