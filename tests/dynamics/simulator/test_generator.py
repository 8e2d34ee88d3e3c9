"""The data an environment begins with: the same for the same seed, consistent, and enough of it quickly."""

from collections import Counter

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org, Ref
from dynamics.simulator.running import NOON

RECORDS = 400


def org(seed: int = 7, big: int = 0) -> Org:
    return Org(RECORDS, seed, clock=SetClock(NOON), big_account=big)


def test_the_same_seed_makes_the_same_data() -> None:
    """Every table is the same for one seed, and another seed makes other people."""
    one, two = org(), org()
    for table in one.state.tables:
        assert list(one.records(table)) == list(two.records(table)), table
    assert one.user("full").client_secret == two.user("full").client_secret
    assert [row["fullname"] for row in org(8).records("contact")] != [row["fullname"] for row in one.records("contact")]


def test_rows_fit_together_and_into_their_columns() -> None:
    """References lead to rows of their targets, texts fit, choices are among the options, stamps are in order."""
    made = org()
    for table in made.state.tables.values():
        columns = table.entity.columns
        for row in table.by_id.values():
            for name, value in ((name, value) for name, value in row.items() if value is not None):
                column = columns[name]
                if isinstance(value, Ref):
                    assert value.id in made.state.tables[value.table].by_id, (table.entity.name, name)
                    assert value.table in {target.table for target in column.targets}
                elif column.length:
                    assert len(str(value)) <= column.length, (table.entity.name, name)
                elif column.type in {"Picklist", "State", "Status"}:
                    assert value in {option.value for option in column.options}, (table.entity.name, name)
            assert row.get("createdon", "") <= row.get("modifiedon", "")
            assert row["createdon"] <= "2026-05-04T12:00:00Z" if "createdon" in row else True


def test_there_is_as_much_as_was_asked_for() -> None:
    """Contacts beside those of the big account, which has its own; some share an address, some have none."""
    made = org(big=300)
    assert made.count("contact") == RECORDS + 300
    sizes = Counter(row["parentcustomerid"].id for row in made.records("contact") if row["parentcustomerid"])
    big, count = sizes.most_common(1)[0]
    assert (count, (made.get("account", big) or {})["name"]) == (300, "Colossal Holdings")
    addresses = [row["emailaddress1"] for row in made.records("contact")]
    assert None in addresses
    assert len(set(addresses)) < len(addresses) - addresses.count(None)
    assert all(made.count(table) for table in ("lead", "opportunity", "connection", "campaign", "list", "listmember"))


def test_versions_rise_row_by_row() -> None:
    """Every row has a version of its own, and a table knows them in their order."""
    made = org()
    assert made.count("contact") == RECORDS
    versions = [row["versionnumber"] for row in made.state.tables["contact"].changed(0)]
    assert versions == sorted(versions)
    assert len(set(versions)) == RECORDS
