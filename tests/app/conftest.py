"""The server under test: --base-url or TASKIFY_BASE_URL, or else one that the session starts."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from app.background import Background
from app.site import HEALTH, Own, Site, address_of, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.wire import Client


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--base-url", help="the Taskify to test, for example http://127.0.0.1:8080")


@pytest.fixture(scope="session")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    url = request.config.getoption("--base-url") or os.environ.get("TASKIFY_BASE_URL")
    if url:
        parts = urlsplit(url)
        assert parts.scheme == "http", f"'{url}' is no http URL"
        assert parts.hostname, f"'{url}' names no host"
        yield Site((parts.hostname, parts.port or 80), None)
        return
    own = Own(tmp_path_factory.mktemp("taskify"))
    try:
        yield Site(address_of(own.server), own)
    finally:
        statuses = own.stop()
    assert set(statuses) == {0}, f"the servers ended with these statuses: {statuses}"


@pytest.fixture
def own(site: Site) -> Own:
    """Give the server and database that the session started."""
    if site.own is None:
        pytest.skip("needs a server and a database of its own: run without --base-url")
    return site.own


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with site.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def server_survives(site: Site) -> Iterator[None]:
    """After each test the server is the same process, and answers with its database."""
    yield
    if site.own is not None:
        assert site.own.server.status() is None, "the server ended"

    def is_well() -> bool:
        with site.connect() as connection:
            return connection.ask(HEALTH).status == 200

    within(6.0, is_well)


@pytest.fixture(scope="session", autouse=True)
def background(request: pytest.FixtureRequest, site: Site) -> Iterator[Background | None]:
    """Begin with what takes seconds of waiting, so that it waits beside the other tests."""
    wanted = any("measured" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if site.own is None or not wanted:
        yield None
        return
    with ThreadPoolExecutor(max_workers=4) as pool:
        yield Background(site.own, pool)
