"""The pytest plugin: tests of assembly modules, each in a process of its own.

It is present in every pytest run of an environment that has asmith. Without its options it adds
none but a fixture that says what is missing; whatever costs time is imported when it is needed.
Documentation: docs/reference/module-tests.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from asmith.verify.contract_json import Contract
    from asmith.verify.proxy import Module
    from asmith.verify.session import VerifySession

_session_key: pytest.StashKey[VerifySession] = pytest.StashKey()

_NOT_HERE = """\
error: this test calls a module, and pytest was started without one
why:  the module must be assembled and linked into a test library first
help: asmith build, or doit test:<module>, which start pytest with --asmith-library"""

_NOT_NAMED = """\
error: a test asked for 'module' when it was running already
why:  only tests that name it, or a fixture that does, get a process of their own
help: add 'module' to the parameters of the test or of the fixture"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the four options of module tests."""
    group = parser.getgroup("asmith", "tests of assembly modules")
    group.addoption("--asmith-library", metavar="FILE", help="the module as a shared library")
    group.addoption("--asmith-contract", metavar="FILE", help="its contract, as the build wrote it")
    group.addoption("--asmith-spec-examples", metavar="FILE", help="examples of its spec, as JSON")
    group.addoption("--asmith-result", metavar="FILE", help="where to write the result as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; with our options, prepare the run."""
    config.addinivalue_line(
        "markers",
        "asmith_limits(cpu, wall, memory, file, processes): limits of a module test: "
        "seconds of CPU and of wall time, bytes of memory and of a file, processes",
    )
    library, contract, examples, result = (
        config.getoption(f"--asmith-{name}")
        for name in ("library", "contract", "spec-examples", "result")
    )
    if result:
        from asmith.verify.summary import Summary

        config.pluginmanager.register(Summary(Path(result).absolute()), "asmith-summary")
    if not library:
        return
    if not contract:
        raise pytest.UsageError("--asmith-library needs --asmith-contract")
    from asmith.verify import quiet
    from asmith.verify.session import VerifySession

    config.stash[_session_key] = VerifySession(
        Path(library).absolute(), Path(contract).absolute(), config.rootpath
    )
    quiet.keep_files_in(Path(library).absolute().parent)
    if examples:
        _add_examples(config, Path(examples).absolute())


def _add_examples(config: pytest.Config, path: Path) -> None:
    """Let pytest collect the examples file; alone, unless test files were named too."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args.clear()
    if str(path) not in config.args:
        config.args.append(str(path))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the examples file as items of their own."""
    given = parent.config.getoption("--asmith-spec-examples")
    if not given or file_path != Path(given).absolute():
        return None
    from asmith.verify.example_items import ExampleFile

    collector: pytest.Collector = ExampleFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> None:
    """Quieten hypothesis before a test file that uses it is imported."""
    if isinstance(collector, pytest.Module) and _session_key in collector.config.stash:
        from asmith.verify import quiet

        quiet.quieten_hypothesis(collector.path, collector.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Run an item that calls the module in a process of its own."""
    session = item.config.stash.get(_session_key, None)
    if session is None or item.config.getoption("usepdb") or not _calls_module(item):
        return None
    from asmith.verify.items import run_item

    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in run_item(item, session):
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _calls_module(item: pytest.Item) -> bool:
    return "module" in getattr(item, "fixturenames", ()) or hasattr(item, "asmith_example")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a report where in the assembly its test failed."""
    report = yield
    if _session_key in item.config.stash and call.excinfo is not None:
        from asmith.verify.items import note_place

        note_place(report, call.excinfo.value)
    return report


def contract_of(config: pytest.Config) -> Contract:
    """Return the contract of a run that has a module."""
    return config.stash[_session_key].contract


def open_module(config: pytest.Config) -> Module:
    """Return a module for one test; fails the test if pytest was started without one."""
    session = config.stash.get(_session_key, None)
    if session is None:
        pytest.fail(_NOT_HERE, pytrace=False)
    if not session.isolated and not config.getoption("usepdb"):
        pytest.fail(_NOT_NAMED, pytrace=False)
    from asmith.errors import AsmithError

    try:
        return session.module()
    except AsmithError as error:
        pytest.fail(error.render(), pytrace=False)


# Each test that uses it runs in a process of its own, so "session" means "this test": it is fresh
# for each, and hypothesis may call one test many times with it.
@pytest.fixture(scope="session")
def module(request: pytest.FixtureRequest) -> Any:
    """Return the module under test: functions, data, constants and structs of its contract."""
    return open_module(request.config)
