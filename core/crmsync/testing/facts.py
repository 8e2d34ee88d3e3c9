"""Promises about what a connector says of itself, and how it connects."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from crmsync.errors import Denied, SettingsError
from crmsync.settings import connector_settings, load_settings
from crmsync.testing.bench import Promises

LIKE_A_SECRET = re.compile(r"(?i)(password|secret|token|private_key|api_key)(?!.*(_file|_path|_url|_id)$)")


class FactPromises(Promises):
    """Name, settings, simulator, connection."""

    def test_the_name_is_that_of_the_entry_point(self) -> None:
        """`System.name` equals the entry point's name, and core accepts the plugin's shapes."""
        assert self.plugins().system.name == self.connector

    def test_settings_come_from_the_environment(self) -> None:
        """Every setting can be given as an environment variable, and arrives as if it stood in the file."""

        async def run() -> tuple[BaseModel, BaseModel]:
            async with self.source() as source:
                model = self.plugins().system.settings
                given = model.model_validate(dict(source.settings))
                return given, _from_environment(self.connector, model, source.settings)

        given, loaded = asyncio.run(run())
        assert loaded == given

    def test_settings_never_print_a_secret(self) -> None:
        """Printing the settings, or an error about them, shows no password, secret, token or key."""

        async def run() -> None:
            async with self.source() as source:
                model = self.plugins().system.settings
                secrets = secrets_in(model, source.settings)
                settings = model.model_validate(dict(source.settings))
                printed = f"{settings!r} {settings} {settings.model_dump()!r} {_error(self.connector, source.settings)}"
                shown = [name for name, value in source.settings.items() if value in secrets and value in printed]
                assert not shown, f"{', '.join(shown)} can be read where settings are printed: declare it as SecretStr"

        asyncio.run(run())

    def test_the_simulator_starts_twice_at_once(self) -> None:
        """Two simulators run side by side and are reached with different settings."""
        simulate = self.plugins().system.simulate
        if simulate is None:
            pytest.skip("this connector has no simulator")

        async def run() -> None:
            async with AsyncExitStack() as stack:
                options: dict[str, Any] = {"port": 0, "records": 5, "seed": 1, "tls": False, "users": False, "big": 0}
                first = await stack.enter_async_context(simulate(**options))
                second = await stack.enter_async_context(simulate(**options))
                assert first.settings != second.settings, "both simulators are reached with the same settings"

        asyncio.run(run())

    def test_connect_closes_what_it_opened(self) -> None:
        """After the session ends no task runs on and no file or socket stays open."""

        async def run() -> None:
            async with self.source() as source:
                before = asyncio.all_tasks()
                async with self.connected(source):
                    pass
                await asyncio.sleep(0.05)
                left = asyncio.all_tasks() - before
                assert not left, f"connect left tasks running: {left}"
                gc.collect()

        gc.collect()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            asyncio.run(run())
            gc.collect()
        opened = [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
        assert not opened, f"connect left open: {'; '.join(opened)}"

    def test_wrong_credentials_are_denied(self) -> None:
        """With wrong credentials connecting, or the first question, raises Denied: no retry, no stopped object."""

        async def run() -> None:
            async with self.source() as source:
                if not source.wrong:
                    pytest.skip("the source names no wrong credentials")
                with pytest.raises(Denied):
                    async with self.connected(source, **source.wrong) as session:
                        await self.plugins().fields(session, source.truth.object)

        asyncio.run(run())


def _from_environment(connector: str, model: type[BaseModel], settings: Any) -> BaseModel:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "crmsync.toml")
        file.write_text(f'[connections.kit]\nconnector = "{connector}"\ndatabase = "kit.db"\n')
        texts = {key: one if isinstance(one, str) else json.dumps(one, default=str) for key, one in settings.items()}
        texts = {key: text.strip('"') for key, text in texts.items()}
        environ = {f"CRMSYNC_CONNECTIONS__KIT__SETTINGS__{key.upper()}": text for key, text in texts.items()}
        return connector_settings(load_settings(file, environ).connections["kit"], model, "kit")


def secrets_in(model: type[BaseModel], settings: Mapping[str, Any]) -> list[str]:
    """The values of settings that nobody may see."""
    return [value for key, value in settings.items() if isinstance(value, str) and value and _is_secret(model, key)]


def _is_secret(model: type[BaseModel], name: str) -> bool:
    one = model.model_fields.get(name)
    kinds = [one.annotation, *get_args(one.annotation)] if one is not None else []
    return SecretStr in kinds or SecretBytes in kinds or LIKE_A_SECRET.search(name) is not None


def _error(connector: str, settings: Any) -> str:
    try:
        return repr(_from_environment(connector, _Other, settings))
    except SettingsError as error:
        return str(error)


class _Other(BaseModel):
    """Knows none of the connector's settings."""
