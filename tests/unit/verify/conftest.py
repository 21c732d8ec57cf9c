from __future__ import annotations

import pytest
from verify_project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose modules are built."""
    return Project(tmp_path_factory.mktemp("verify") / "project")
