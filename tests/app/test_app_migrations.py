"""Migrations: applied once, whole or not at all, and never changed afterwards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from taskify import migrate
from taskify.errors import TaskifyError

if TYPE_CHECKING:
    from pathlib import Path

    from app.site import Own


def test_a_migration_that_fails_leaves_nothing_behind(own: Own, tmp_path: Path) -> None:
    for migration in migrate.read():
        shutil.copy(migration.path, tmp_path)
    bad = tmp_path / "0003_bad.sql"
    bad.write_text("CREATE TABLE half_done (id bigint);\nSELECT 1 / 0;\n")
    with pytest.raises(TaskifyError, match=r"migration '0003_bad.sql' failed") as caught:
        migrate.migrate(own.psql, own.database.url, migrate.read(tmp_path))
    assert "division by zero" in caught.value.why
    assert own.sql("SELECT to_regclass('half_done') IS NULL") == "t"
    bad.write_text("CREATE TABLE done (id bigint);\n")
    for applied in (["0003_bad.sql"], []):
        assert migrate.migrate(own.psql, own.database.url, migrate.read(tmp_path)) == applied
    own.sql("DROP TABLE done; DELETE FROM taskify_migrations WHERE name LIKE '0003%'")


def test_a_changed_migration_is_refused(own: Own, tmp_path: Path) -> None:
    for migration in migrate.read():
        shutil.copy(migration.path, tmp_path)
    with (tmp_path / "0001_schema.sql").open("a") as file:
        file.write("-- a thought that came later\n")
    with pytest.raises(TaskifyError, match=r"'0001_schema.sql' was changed after it was applied"):
        migrate.migrate(own.psql, own.database.url, migrate.read(tmp_path))


def test_a_missing_and_an_overtaken_migration_are_refused() -> None:
    files = migrate.read()
    digests = {file.name: file.digest for file in files}
    assert migrate.pending(files, {}) == files
    assert migrate.pending(files, digests) == []
    with pytest.raises(TaskifyError, match=r"'0009_later.sql' was applied and is not here"):
        migrate.pending(files, {**digests, "0009_later.sql": "0"})
    with pytest.raises(TaskifyError, match=r"'0001_schema.sql' comes before '0002_seed.sql'"):
        migrate.pending(files, {"0002_seed.sql": digests["0002_seed.sql"]})
