"""Count the rules of docs/rules.md, and fail on one that is missing, doubled, unknown or claims a test it has not.

A test proves a rule by its mark, ``@pytest.mark.rule("R-001")``; the ledger names that test. Both must agree.
``--open`` lists what is open, ``--update`` writes the tests that carry a mark into the ledger.
"""

import argparse
import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "docs" / "rules.md"
KNOWN = tuple(f"R-{number:03}" for number in range(1, 366))
ROW = re.compile(r"^\| (R-\w+) \| (\w+)(?: \(([^)]+)\))? \| ([^|]+) \| ([^|]*) \| ([^|]*) \|$")
STATES = ("proved", "lifted", "not ours", "open")
SHOWN = ("proved", "lifted")  # the states that need a test


@dataclass(frozen=True)
class Rule:
    """One line of the ledger."""

    id: str
    scope: str
    grade: str
    state: str
    what_for: str
    text: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        scope = f"{self.scope} ({self.grade})" if self.grade else self.scope
        state = f"{self.state}: {self.what_for}" if self.what_for else self.state
        tests = " ".join(f"`{test}`" for test in self.tests)
        return f"| {self.id} | {scope} | {state} | {self.text} | {tests} |"


def parse(line: str) -> Rule | None:
    """Read one line of the ledger; None if it is not a rule's."""
    match = ROW.match(line)
    if not match:
        return None
    ident, scope, grade, state, text, tests = (part or "" for part in match.groups())
    state, _, what_for = state.partition(": ")
    return Rule(ident, scope, grade, state, what_for, text, tuple(re.findall(r"`([^`]+)`", tests)))


def marked(root: Path) -> dict[str, tuple[str, ...]]:
    """Find the tests under root/tests that carry each rule's mark, by node id."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        node = path.relative_to(root).as_posix()
        for name, ids in _marks(ast.parse(path.read_text("utf-8")), node):
            for ident in ids:
                found[ident].append(name)
    return {ident: tuple(names) for ident, names in found.items()}


def _marks(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, list[str]]]:
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        name = f"{prefix}::{node.name}"
        ids = [ident for decorator in node.decorator_list for ident in _ids(decorator)]
        if isinstance(node, ast.ClassDef):
            yield from ((inner, [*ids, *more]) for inner, more in _marks(node, name))
        elif node.name.startswith("test"):
            yield name, ids


def _ids(decorator: ast.expr) -> list[str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.rule":
        return []
    return [str(ast.literal_eval(argument)) for argument in decorator.args]


def faults(rules: list[Rule], tests: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Say everything in which the ledger is wrong, one line each."""
    count = Counter(rule.id for rule in rules)
    yield from (f"{ident} is missing" for ident in KNOWN if not count[ident])
    yield from (f"{ident} is listed {times} times" for ident, times in count.items() if times > 1)
    yield from (f"{ident} is no rule" for ident in sorted({*count, *tests} - set(KNOWN)))
    for rule in rules:
        yield from _faults(rule, tests.get(rule.id, ()))


def _faults(rule: Rule, tests: tuple[str, ...]) -> Iterator[str]:
    if rule.state not in STATES:
        yield f"{rule.id}: {rule.state!r} is none of {', '.join(STATES)}"
    if rule.state in SHOWN and not rule.tests:
        yield f"{rule.id} is {rule.state}, and by no test"
    if rule.state == "open" and not rule.what_for:
        yield f"{rule.id} is open, and does not say what for"
    if rule.state == "not ours" and not rule.text:
        yield f"{rule.id} is not ours, and does not say why"
    yield from (f"{rule.id} claims {test}, which does not carry its mark" for test in rule.tests if test not in tests)
    yield from (f"{rule.id} does not name {test}, which carries its mark" for test in tests if test not in rule.tests)


def updated(rule: Rule, tests: tuple[str, ...]) -> Rule:
    """Give the rule the tests that carry its mark; an open rule that has one is closed by it."""
    if not tests or rule.state == "not ours":
        return replace(rule, tests=tests)
    closed = "lifted" if rule.state == "lifted" or rule.what_for == "to be lifted" else "proved"
    return replace(rule, state=closed, what_for="", tests=tests)


def summary(rules: list[Rule]) -> str:
    """Count by state and scope, as a small table, and what the open ones wait for."""
    scopes = sorted({rule.scope for rule in rules})
    count = Counter((rule.state, rule.scope) for rule in rules)
    lines = [f"{'':10}" + "".join(f"{scope:>6}" for scope in scopes) + f"{'all':>6}"]
    for state in STATES:
        numbers = [count[state, scope] for scope in scopes]
        lines.append(f"{state:10}" + "".join(f"{number:6}" for number in (*numbers, sum(numbers))))
    waiting = Counter(rule.what_for for rule in rules if rule.state == "open")
    lines += [f"  open: {what_for}, {number}" for what_for, number in sorted(waiting.items())]
    return "\n".join(lines)


def open_list(rules: list[Rule]) -> str:
    """List what is open, by what it is open for."""
    return "\n".join(
        f"{rule.id}  {rule.scope:4}  {rule.what_for:24}  {rule.text}"
        for rule in sorted(rules, key=lambda rule: (rule.what_for, rule.id))
        if rule.state == "open"
    )


def main() -> int:
    """Print the counts; 1 if the ledger is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", action="store_true", help="list the open rules, by what they are open for")
    parser.add_argument("--update", action="store_true", help="write the marked tests into the ledger")
    options = parser.parse_args()

    lines = LEDGER.read_text("utf-8").splitlines()
    tests = marked(ROOT)
    if options.update:
        lines = [str(updated(rule, tests.get(rule.id, ()))) if (rule := parse(line)) else line for line in lines]
        LEDGER.write_text("\n".join(lines) + "\n", "utf-8")
    rules = [rule for line in lines if (rule := parse(line))]
    print(summary(rules))
    if options.open:
        print(open_list(rules))
    wrong = list(faults(rules, tests))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
