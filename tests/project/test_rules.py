"""The ledger of rules agrees with the tests, and the program that says so notices when it does not."""

from pathlib import Path

import pytest

import rules

GOOD = rules.Rule("R-001", "SF", "", "proved", "", "It holds", ("tests/test_a.py::test_it",))
MARKS = {"R-001": ("tests/test_a.py::test_it",)}


def others() -> list[rules.Rule]:
    return [rules.Rule(ident, "SF", "", "open", "later", "It will hold", ()) for ident in rules.KNOWN[1:]]


def test_the_ledger_has_no_fault() -> None:
    lines = rules.LEDGER.read_text("utf-8").splitlines()
    ledger = [rule for line in lines if (rule := rules.parse(line))]
    assert list(rules.faults(ledger, rules.marked(rules.ROOT))) == []


def test_a_line_survives_reading_and_writing() -> None:
    for line in rules.LEDGER.read_text("utf-8").splitlines():
        if line.startswith("| R-"):
            assert str(rules.parse(line)) == line


@pytest.mark.parametrize(
    ("ledger", "tests", "fault"),
    [
        ([], {}, "R-001 is missing"),
        ([GOOD, GOOD], MARKS, "R-001 is listed 2 times"),
        ([GOOD, rules.Rule("R-999", "SF", "", "open", "later", "", ())], MARKS, "R-999 is no rule"),
        ([GOOD], {**MARKS, "R-998": ("tests/test_a.py::test_b",)}, "R-998 is no rule"),
        ([GOOD], {}, "R-001 claims tests/test_a.py::test_it, which does not carry its mark"),
        ([GOOD], {"R-001": (*GOOD.tests, "t::u")}, "R-001 does not name t::u, which carries its mark"),
        ([rules.Rule("R-001", "SF", "", "lifted", "", "", ())], {}, "R-001 is lifted, and by no test"),
        ([rules.Rule("R-001", "SF", "", "open", "", "", ())], {}, "R-001 is open, and does not say what for"),
        ([rules.Rule("R-001", "SF", "", "not ours", "", "", ())], {}, "R-001 is not ours, and does not say why"),
        ([rules.Rule("R-001", "SF", "", "maybe", "", "", ())], {}, "R-001: 'maybe' is none of"),
    ],
)
def test_a_fault_is_named(ledger: list[rules.Rule], tests: dict[str, tuple[str, ...]], fault: str) -> None:
    assert [line for line in rules.faults(ledger + others(), tests) if line.startswith(fault)]


def test_marks_are_found_on_functions_methods_and_classes(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        "import pytest\n"
        "@pytest.mark.rule('R-001', 'R-002')\nasync def test_f(): ...\n"
        "@pytest.mark.rule('R-003')\ndef helper(): ...\n"
        "@pytest.mark.rule('R-004')\nclass TestC:\n    @pytest.mark.rule('R-005')\n    def test_m(self): ...\n"
    )
    method = ("tests/test_a.py::TestC::test_m",)
    function = ("tests/test_a.py::test_f",)
    assert rules.marked(tmp_path) == {"R-001": function, "R-002": function, "R-004": method, "R-005": method}


def test_an_open_rule_is_closed_by_its_test_and_only_by_it() -> None:
    lifted = rules.Rule("R-001", "SF", "", "open", "to be lifted", "No limit", ())
    assert rules.updated(lifted, ("t::a",)).state == "lifted"
    assert rules.updated(others()[0], ("t::a",)).state == "proved"
    assert rules.updated(others()[0], ()).state == "open"
