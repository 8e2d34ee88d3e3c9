"""What the tests of writing share: rows made over HTTP, their ids, and what the environment holds afterwards."""

from typing import Any

from dynamics.simulator.running import API, Answer, Client

NOWHERE = "11111111-2222-4333-8444-555555555555"
KIND = "Microsoft.Dynamics.CRM."


def write(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send a request to a path under the service."""
    return client.send(method, f"{API}{path}", body, **headers)


def made(answer: Answer) -> str:
    """The id of the row an answer tells of."""
    assert answer.status == 204, answer.body
    return answer.headers["OData-EntityId"].rpartition("(")[2][:-1]


def make(client: Client, set_name: str, **values: Any) -> str:
    """Make a row that must be taken, and return its id; `at` in a name stands for `@odata.bind`."""
    return made(write(client, "POST", set_name, values))


def held(client: Client, table: str, identity: str, *names: str) -> list[Any]:
    """Some columns of a row as the environment holds them."""
    row = client.org.get(table, identity) or {}
    return [row.get(name) for name in names]


def refusals(client: Client, method: str, path: str, *bodies: Any) -> list[tuple[int, str]]:
    """Status and code of what is said to each of these bodies."""
    answers = [write(client, method, path, body) for body in bodies]
    return [(answer.status, answer.code if answer.status >= 400 else "") for answer in answers]
