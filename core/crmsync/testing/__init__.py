"""The contract kit: subclass `ConnectorContract`, say how to reach a CRM to test with, and the tests are written.

    from crmsync.testing import ConnectorContract, Source

    class TestAcme(ConnectorContract):
        connector = "acme"

        @asynccontextmanager
        async def source(self):
            async with simulated() as (settings, truth):
                yield Source(settings=settings, truth=truth, wrong={"password": "wrong"})

`truth` edits records in the CRM behind the connector's back: see `Truth`. The source needs records for three pages.
Promises about writing are skipped, with the reason, where a connector does not write; what they need of a source is in
`Source`.
"""

import pytest

for _module in (
    "bench",
    "canonical",
    "carrying",
    "creating",
    "facts",
    "following",
    "losing",
    "reading",
    "refusing",
    "watching",
    "writer",
    "writing",
):
    pytest.register_assert_rewrite(f"crmsync.testing.{_module}")

from crmsync.testing.bench import Bench, Source, Truth  # noqa: E402 - pytest has to know before they are imported
from crmsync.testing.contract import ConnectorContract, WritingContract  # noqa: E402

__all__ = ["Bench", "ConnectorContract", "Source", "Truth", "WritingContract"]
