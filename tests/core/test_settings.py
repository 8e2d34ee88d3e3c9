"""Settings come from three sources, and an error says which key of which source is wrong and never shows a secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, field_validator

from crmsync.errors import SettingsError
from crmsync.model import Condition
from crmsync.settings import (
    ConnectionSettings,
    FieldSettings,
    ObjectSettings,
    Settings,
    WhereSettings,
    connector_settings,
    load_settings,
)

DOCUMENT = Path(__file__).parents[2] / "docs/configuration.md"
ACME = "CRMSYNC_CONNECTIONS__ACME__"
FILE = """
[connections.acme]
connector = "x"
database = "acme.db"
pause = 60
[connections.acme.settings]
client_id = "abc"
client_secret = "from the file"
[connections.acme.objects]
where.Lead = [{field = "Region", value = "EMEA"}, {field = "Rank", op = "in", value = [1, 2]}]
"""


class Inner(BaseModel):
    pin: SecretStr = SecretStr("")
    size: int = 1


class Acme(BaseModel):
    client_id: str
    client_secret: SecretStr
    ca_file: Path | None = None
    tags: list[str] = []
    inner: Inner = Inner()

    @field_validator("client_secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 5:
            raise ValueError(f"{value.get_secret_value()} is too short")
        return value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crmsync.toml"
    path.write_text(FILE)
    return path


def acme(settings: Settings) -> Acme:
    return connector_settings(settings.connections["acme"], Acme, "acme")


def refusal(file: Path, text: str | None = None, **environ: str) -> str:
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        acme(load_settings(file, environ))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


def test_a_file_is_read(file: Path) -> None:
    one = load_settings(file, {}).connections["acme"]
    assert (one.connector, one.database, one.pause) == ("x", file.parent / "acme.db", 60)
    assert [test.condition() for test in one.objects.where["Lead"]] == [
        Condition(field="Region", op="=", value="EMEA"),
        Condition(field="Rank", op="in", value=(1, 2)),
    ]


def test_the_environment_wins_over_secrets_and_those_over_the_file(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    secret = folder / "crmsync_connections__acme__settings__client_secret"
    secret.write_text("from the folder\n")
    (folder / "crmsync_connections__acme__settings__client_id").write_text("from the folder")
    (folder / "other").write_text("of another program")
    environ = {"CRMSYNC_SECRETS_DIR": str(folder), ACME + "SETTINGS__CLIENT_ID": "from the environment"}
    found = acme(load_settings(file, environ))
    assert (found.client_id, found.client_secret.get_secret_value()) == ("from the environment", "from the folder")


def test_the_folder_secrets_beside_the_file_is_the_default(file: Path) -> None:
    folder = file.parent / "secrets"
    folder.mkdir()
    (folder / "crmsync_connections__acme__settings__client_secret").write_text("from the folder")
    assert acme(load_settings(file, {})).client_secret.get_secret_value() == "from the folder"


def test_a_file_is_not_needed_where_the_environment_says_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {ACME + "CONNECTOR": "x", ACME + "DATABASE": "a.db", ACME + "MATCH": '["email"]', "CRMSYNC_LOG": "json"}
    settings = load_settings(None, environ)
    assert settings.log == "json"
    assert settings.connections["acme"].match == ["email"]
    assert settings.connections["acme"].database == tmp_path / "a.db"


def test_the_environment_names_the_file(file: Path) -> None:
    assert load_settings(None, {"CRMSYNC_SETTINGS": str(file)}).connections["acme"].pause == 60


def test_texts_that_look_like_numbers_stay_texts(file: Path) -> None:
    """A password of digits is a password; only what the connector's model wants as a list or number becomes one."""
    given = {"CLIENT_SECRET": "12345678", "CLIENT_ID": "007", "TAGS": '["a"]', "INNER__PIN": "0000", "INNER__SIZE": "5"}
    found = acme(load_settings(file, {f"{ACME}SETTINGS__{key}": text for key, text in given.items()}))
    assert (found.client_id, found.client_secret.get_secret_value(), found.tags) == ("007", "12345678", ["a"])
    assert (found.inner.pin.get_secret_value(), found.inner.size) == ("0000", 5)


def test_relative_paths_start_at_the_file(file: Path) -> None:
    assert acme(load_settings(file, {ACME + "SETTINGS__CA_FILE": "ca.pem"})).ca_file == file.parent / "ca.pem"


def test_a_variable_finds_a_connection_whose_name_it_cannot_spell(file: Path) -> None:
    file.write_text(FILE.replace("connections.acme", "connections.Acme-Prod"))
    one = load_settings(file, {"CRMSYNC_CONNECTIONS__ACME_PROD__PAUSE": "7"}).connections["Acme-Prod"]
    assert one.pause == 7
    found = connector_settings(one, Acme, "Acme-Prod")
    assert found.client_id == "abc"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {ACME + "PAUSE": "soon"},
            rf"acme\.pause \(environment variable {ACME}PAUSE\).*valid number.*'soon'",
        ),
        (
            {ACME + "PAUSEE": "5"},
            rf"acme\.pausee \(environment variable {ACME}PAUSEE\).*did you mean pause\?",
        ),
        ({ACME + "MATCH": "phone"}, rf"connections\.acme\.match \(environment variable {ACME}MATCH\).*valid list"),
        (
            {"CRMSYNC_CONECTIONS__ACME__PAUSE": "5"},
            r"conections \(environment variable .*did you mean connections\?",
        ),
        ({"CRMSYNC_LOG": "yaml"}, r"log \(environment variable CRMSYNC_LOG\).*'console' or 'json'"),
        ({ACME + "SETTINGS__CLIENT_SECRT": "x"}, r"acme\.settings\.client_secrt .*did you mean client_secret"),
        ({ACME + "SETTINGS__TAGS": "a"}, rf"settings\.tags \(environment variable {ACME}SETTINGS__TAGS\).*valid list"),
        ({"CRMSYNC_SECRETS_DIR": "nowhere"}, r"secrets directory nowhere .* does not exist"),
    ],
)
def test_an_error_names_the_variable(file: Path, environ: dict[str, str], said: str) -> None:
    assert re.search(said, refusal(file, **environ))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pause = 60", "pause = -1", r"acme\.pause \(crmsync\.toml\): input should be greater .* 0, not -1"),
        ("pause = 60", "puase = 60", r"acme\.puase \(crmsync\.toml\) is unknown; did you mean pause\?"),
        ('connector = "x"', "", r"acme\.connector is missing: set it in crmsync\.toml, as environment variable"),
        ("client_id", "client_idd", r"acme\.settings\.client_idd \(crmsync\.toml\) is unknown; did you mean"),
        ('client_id = "abc"', "", rf"settings\.client_id is missing.*{ACME}SETTINGS__CLIENT_ID or as secret file"),
        ("value = [1, 2]", "value = 1", r"where\.Lead\.1 \(crmsync\.toml\): the operator \"in\" takes a list"),
        ('op = "in"', 'op = "IN"', r"where\.Lead\.1\.op \(crmsync\.toml\): input should be '=', "),
        ("acme.db", "postgresql://h/d", r"connections\.acme\.database \(crmsync\.toml\): the path of an SQLite file"),
        ("connections.acme", "connections.'a b'", r"'a b' cannot name a connection"),
        ("[connections.acme]", "[connections.acme", r"is not valid TOML"),
    ],
)  # fmt: skip
def test_an_error_names_the_file(file: Path, old: str, new: str, said: str) -> None:
    assert re.search(said, refusal(file, FILE.replace(old, new)))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (None, tmp_path / "other.toml"):
        with pytest.raises(SettingsError, match=r"There is no settings file .*crmsync init"):
            load_settings(path, {})


def test_variables_of_other_programs_do_not_matter(file: Path) -> None:
    others = {"CRMSYNC_TRACE_HOOKS": "1", "CRMSYNC_BENCHMARK": "1", "HOME": "h"}
    assert load_settings(file, others).model_dump() == load_settings(file, {}).model_dump()


def test_two_connections_do_not_share_a_database(file: Path) -> None:
    said = refusal(file, FILE + '[connections.b]\nconnector = "x"\ndatabase = "acme.db"\n')
    assert "'acme' and 'b' share a database" in said


def test_no_secret_is_printed(file: Path) -> None:
    settings = load_settings(file, {ACME + "SETTINGS__INNER__PIN": "hush hush"})
    one = settings.connections["acme"]
    shown = f"{settings!r} {settings} {one!r} {settings.model_dump()} {one._sources} {acme(settings)!r}"
    assert not re.search("from the file|hush", shown)


@pytest.mark.parametrize(
    "environ",
    [
        {ACME + "SETTINGS__CLIENT_SECRET": "hush"},  # the connector's own validator echoes it
        {ACME + "SETTINGS__CLIENT_SECRET": "hush hush", ACME + "SETTINGS__TAGS": "wrong"},
        {ACME + "SETTINGS__CLIENT_SECRETT": "hush hush"},
        {ACME + "CLIENT_SECRET": "hush hush"},
        {ACME + "SETTINGS__INNER": "hush hush"},
    ],
)
def test_no_secret_is_in_an_error(file: Path, environ: dict[str, str]) -> None:
    assert "hush" not in refusal(file, **environ)


@pytest.mark.rule("R-004")
def test_a_short_pause_is_allowed_and_has_a_price() -> None:
    def remarks(pause: float) -> list[str]:
        return ConnectionSettings(connector="x", database=Path("x.db"), pause=pause).remarks

    assert remarks(300) == remarks(3600) == []
    assert remarks(60) == ["A pause of 60 seconds costs up to 4,320 API calls a day; the usual 300 cost 864."]


def test_settings_can_be_made_without_any_source() -> None:
    """A program may bring its own: the environment is not asked."""
    values: dict[str, Any] = {
        "connections": {"a": {"connector": "x", "database": "a.db", "settings": {"client_id": "i"}}}
    }
    with pytest.raises(SettingsError, match=r"connections\.a\.settings\.client_secret is missing"):
        connector_settings(Settings.model_validate(values).connections["a"], Acme, "a")


@pytest.mark.parametrize("model", [Settings, ConnectionSettings, FieldSettings, ObjectSettings, WhereSettings])
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    text = DOCUMENT.read_text("utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in text] == []


def test_the_documented_example_is_valid(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    (tmp_path / "crmsync.toml").write_text(found[1])
    assert load_settings(tmp_path / "crmsync.toml", {}).connections
