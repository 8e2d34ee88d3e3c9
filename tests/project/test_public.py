"""The public door: what `import crmsync` promises, and nothing that merely leaked through it."""

import types

import crmsync


def test_the_public_names_are_those_that_are_declared() -> None:
    public = {
        name
        for name, value in vars(crmsync).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert sorted(public - {"annotations"}) == sorted(name for name in crmsync.__all__ if not name.startswith("__"))


def test_the_declared_names_are_sorted_and_once() -> None:
    names = list(crmsync.__all__)
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=str.casefold) or names == sorted(names)


def test_what_is_public_is_explained() -> None:
    for name in crmsync.__all__:
        value = getattr(crmsync, name)
        if isinstance(value, type | types.FunctionType):
            assert value.__doc__, f"crmsync.{name} has no docstring"
