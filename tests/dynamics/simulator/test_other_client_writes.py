"""The vendor's own Python client writes to the environment unchanged, over https: rows, bulk messages and batches."""

from collections.abc import Iterator

import pytest
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org, Ref, Server
from dynamics.simulator.running import NOON, running
from dynamics.simulator.vendor import vendor_client


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Org(20, 7, clock=SetClock(NOON)), tls=True) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[DataverseClient]:
    with vendor_client(server) as client:
        yield client


def test_it_writes_rows_one_by_one(server: Server, client: DataverseClient) -> None:
    """Create, update with labels of choices, upsert by key, delete; refusals arrive with code and text."""
    made = client.records.create("contact", {"lastname": "Ωmega", "gendercode": "Female"})
    client.records.update("contact", made, {"jobtitle": "CTO"})
    row = server.org.get("contact", made) or {}
    assert (row["lastname"], row["gendercode"], row["jobtitle"]) == ("Ωmega", 2, "CTO")
    for title in ("a", "b"):
        item = UpsertItem(alternate_key={"new_marketingid": "O'Neil"}, record={"jobtitle": title})
        client.records.upsert("contact", [item])
    titles = {one["new_marketingid"]: one["jobtitle"] for one in server.org.records("contact")}
    assert titles["O'Neil"] == "b"
    client.records.delete("contact", made)
    assert server.org.get("contact", made) is None
    with pytest.raises(HttpError, match="Does Not Exist") as gone:
        client.records.update("contact", made, {"jobtitle": "x"})
    assert (gone.value.status_code, gone.value.details["service_error_code"]) == (404, "0x80040217")


def test_it_writes_rows_in_bulk(server: Server, client: DataverseClient) -> None:
    """Its lists go as CreateMultiple, UpdateMultiple, UpsertMultiple and a bulk deletion, whose job has an id."""
    ids = client.records.create("lead", [{"lastname": f"L{n}"} for n in range(5)])
    client.records.update("lead", ids, {"companyname": "Acme"})
    assert {(server.org.get("lead", one) or {})["companyname"] for one in ids} == {"Acme"}
    keys = [{"new_marketingid": f"B{n}"} for n in range(2)]
    client.records.upsert("lead", [UpsertItem(alternate_key=key, record={"lastname": "B"}) for key in keys])
    assert sum(1 for one in server.org.records("lead") if one["lastname"] == "B") == 2
    assert client.records.delete("lead", ids)
    assert not any(server.org.get("lead", one) for one in ids)
    with pytest.raises(HttpError, match="Do Not Exist"):
        client.records.update("lead", ids, {"companyname": "Gone"})


def test_it_writes_in_batches(server: Server, client: DataverseClient) -> None:
    """It reads the outcome of each part, names earlier rows in a change set, and sees one that failed as a whole."""
    batch = client.batch.new()
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "Acme"})
        bound = {"lastname": "Lee", "parentcustomerid_account@odata.bind": account}
        changes.records.create("contact", bound)
    batch.records.create("contact", {"lastname": "Alone"})
    done = batch.execute()
    assert [one.status_code for one in done.responses] == [204, 204, 204]
    first, second, _ = (str(one.entity_id) for one in done.responses)
    assert (server.org.get("contact", second) or {})["parentcustomerid"] == Ref("account", first)
    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.update("contact", second, {"jobtitle": "CTO"})
        changes.records.update("contact", second, {"gendercode": 99})
    batch.records.delete("contact", second)
    mixed = batch.execute(continue_on_error=True)
    assert [one.status_code for one in mixed.responses] == [400, 204]
    assert mixed.responses[0].error_code == "0x8004431a"
    assert server.org.get("contact", second) is None
