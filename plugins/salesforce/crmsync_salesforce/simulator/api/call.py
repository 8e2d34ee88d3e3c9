"""One request and one answer, free of any web framework so that composite requests can run others inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from crmsync import simulate
from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.sessions import Session
from crmsync_salesforce.simulator.writes import Manner

JSON = "application/json;charset=UTF-8"
CSV = "text/csv;charset=UTF-8"


_FLOAT_DIGITS = 15


def _number(text: str) -> float | Decimal:
    """A JSON number, with all its digits where a float has not room for them."""
    return float(text) if sum(map(str.isdigit, text)) <= _FLOAT_DIGITS else Decimal(text)


class Reply(simulate.Reply):
    """An answer; a body that is neither bytes nor None is sent as JSON."""

    content_type: str = JSON


class Call(simulate.Call, kw_only=True):
    """A request after routing and log-in."""

    version: str = ""
    session: Session | None = None

    @property
    def rights(self) -> Rights:
        """The user who calls."""
        if self.session is None:
            raise Refusal("INVALID_SESSION_ID", "Session expired or invalid")
        return self.session.rights

    @property
    def base(self) -> str:
        """The versioned path all resources lie under."""
        return f"/services/data/v{self.version}"

    @property
    def objects(self) -> str:
        """The versioned path of the objects."""
        return f"{self.base}/sobjects"

    @property
    def manner(self) -> Manner:
        """What the request headers say about the effect of writes."""
        rule = self.header("Sforce-Duplicate-Rule-Header").lower().replace(" ", "")
        return Manner(
            auto_assign=self.header("Sforce-Auto-Assign").lower() != "false",
            allow_duplicates="allowsave=true" in rule,
        )

    def json(self) -> Any:
        """The JSON body; raises JSON_PARSER_ERROR."""
        try:
            return json.loads(self.body, parse_float=_number)
        except ValueError as error:
            raise Refusal("JSON_PARSER_ERROR", f"Unexpected character in JSON body: {error}") from error

    def json_object(self) -> dict[str, Any]:
        """The JSON body when it is an object; raises JSON_PARSER_ERROR."""
        value = self.json()
        if not isinstance(value, dict):
            raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
        return value

    def inner(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Call:
        """A sub-request of this one, by the same user."""
        parts = urlsplit(url)
        return Call(
            method=method,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=headers,
            body=body,
            url=self.url,
            session=self.session,
        )
