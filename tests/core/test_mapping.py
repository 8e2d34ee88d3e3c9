"""Fields become columns and columns fields, at no cost a record where nothing has to be left out."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from crmsync.model import BOTH_WAYS, PULL_ONLY, Direction, Field, FieldMap, Page, Route
from crmsync.plugins.mapping import map as mapped


def route(*pairs: tuple[str, str], push: bool = True) -> Route:
    ways = BOTH_WAYS if push else PULL_ONLY
    maps = tuple(FieldMap(field=Field(name=name), column=column, directions=ways) for name, column in pairs)
    return Route(object="Lead", entity="person", maps=maps)


def test_a_page_is_only_renamed_where_every_column_is_mapped() -> None:
    page = Page(columns=("Id", "Email"), rows=[("1", "a@x")], mark="m", calls=2)
    found = mapped(page, route(("Email", "email"), ("Id", "crm_id")), Direction.PULL)
    assert (found.columns, found.mark, found.calls) == (("crm_id", "email"), "m", 2)
    assert found.rows is page.rows


def test_what_the_route_does_not_map_is_left_out() -> None:
    page = Page(columns=("Id", "Secret", "Email"), rows=[("1", "s", "a@x")])
    assert mapped(page, route(("Id", "crm_id"), ("Email", "email")), Direction.PULL).rows == [("1", "a@x")]
    assert mapped(page, route(("Id", "crm_id")), Direction.PULL).rows == [("1",)]
    assert mapped(page, route(), Direction.PULL).rows == [()]


def test_the_first_of_two_fields_for_one_column_wins() -> None:
    page = Page(columns=("Id", "Phone", "Mobile"), rows=[("1", "p", "m")])
    maps = route(("Id", "crm_id"), ("Phone", "phone"), ("Mobile", "phone"))
    assert mapped(page, maps, Direction.PULL).records() == [{"crm_id": "1", "phone": "p"}]
    back = Page(columns=("crm_id", "phone"), rows=[("1", "p")])
    assert mapped(back, maps, Direction.PUSH).records() == [{"Id": "1", "Phone": "p"}]


def test_nothing_is_pushed_that_may_only_be_pulled() -> None:
    page = Page(columns=("email",), rows=[("a@x",)])
    assert mapped(page, route(("Email", "email"), push=False), Direction.PUSH).columns == ()


def test_a_row_refused_later_leaves_the_argument_alone() -> None:
    page = Page(columns=("Id",), rows=[("1",)])
    mapped(page, route(("Id", "crm_id")), Direction.PULL).skip(("1",), "bad")
    assert page.skipped == []


@given(st.lists(st.sampled_from("ABCDEFGH"), unique=True), st.permutations("ABCDEFGH"))
def test_out_and_back_is_the_identity_on_mapped_fields(columns: list[str], order: list[str]) -> None:
    page = Page(columns=tuple(columns), rows=[tuple(f"{name}1" for name in columns)])
    maps = route(*((name, name.lower() * 2) for name in order[:6]))
    before = deepcopy(page)
    there = mapped(page, maps, Direction.PULL)
    back = mapped(there, maps, Direction.PUSH)
    assert page == before
    assert back.records() == [{name: f"{name}1" for name in columns if name in order[:6]}]
