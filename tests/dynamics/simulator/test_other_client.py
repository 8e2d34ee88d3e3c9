"""The vendor's own Python client reads from the environment unchanged, over https: rows, pages, metadata."""

from collections.abc import Iterator
from typing import Any

import pytest
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org, Server
from dynamics.simulator.running import NOON, running
from dynamics.simulator.vendor import vendor_client

MANY = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Org(MANY, 7, clock=SetClock(NOON), page_size=25), tls=True) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[DataverseClient]:
    with vendor_client(server) as client:
        yield client


def test_it_reads_one_row_and_all_pages_of_many(server: Server, client: DataverseClient) -> None:
    """It finds the entity set by metadata, follows every link, and tells a row that is not there."""
    everybody: list[Any] = list(client.records.list("contact", select=["contactid", "fullname"]))
    assert len({one["contactid"] for one in everybody}) == MANY
    sizes = [len(list(page)) for page in client.records.list_pages("contact", select=["contactid"], page_size=20)]
    assert sizes == [20, 20, 20]
    identity = everybody[0]["contactid"]
    row = client.records.retrieve("contact", identity, select=["fullname"])
    assert row is not None
    assert row["fullname"] == (server.org.get("contact", identity) or {})["fullname"]
    assert client.records.retrieve("contact", "7f1c2d3e-0000-4000-8000-000000000001") is None


def test_its_query_builder_is_understood(server: Server, client: DataverseClient) -> None:
    """Filters, orders, counts, expansions and formatted values as it writes them."""
    client.records.create("contact", {"lastname": "O'Neil & Söhne", "numberofchildren": 3, "gendercode": 2})
    named = col("lastname").contains("neil") & (col("lastname") == "O'Neil & Söhne")
    built = (
        client.query.builder("contact").select("lastname", "gendercode", "numberofchildren")
        .where((col("numberofchildren") >= 3) & named)
        .order_by("lastname", descending=True).include_formatted_values().count().expand("ownerid")
    )  # fmt: skip
    found: list[Any] = list(built.execute())
    assert [one["numberofchildren"] for one in found] == [3]
    assert found[0]["gendercode@OData.Community.Display.V1.FormattedValue"] == "Female"
    assert found[0]["ownerid"]["fullname"] == "# crmsync full"
    with pytest.raises(HttpError, match="Could not find a property"):
        client.records.list("contact", select=["nothing"])
    assert server.statistics.requests


def test_it_reads_the_schema(client: DataverseClient) -> None:
    """Tables, columns, relationships and alternate keys arrive as it expects them."""
    info = client.tables.get("contact")
    assert info is not None
    assert info["entity_set_name"] == "contacts"
    assert {"contact", "lead"} <= {one["LogicalName"] for one in client.tables.list(filter="IsPrivate eq false")}
    columns = {one["LogicalName"]: one for one in client.tables.list_columns("lead")}
    assert columns["subject"]["AttributeType"] == "String"
    related = client.tables.list_table_relationships("contact")
    assert "contact_customer_accounts" in {one["SchemaName"] for one in related}
    assert [one.key_attributes for one in client.tables.get_alternate_keys("contact")] == [["new_marketingid"]]
    assert client.tables.get_relationship("contact_customer_accounts") is not None
