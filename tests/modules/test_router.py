"""router through its contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

METHODS = range(7)


def found(module, path, method):
    """Return the result, the id and the Allow text of a request."""
    text = module.memory(len(path))  # ends at a guard page
    text[:] = path
    slice_ = {"data": text, "len": len(path)}
    request = module.http_request(method=method, path=slice_)
    route = module.route(id=0x5555, allow=None)
    result = module.route_find(request, route)
    return result, route.id, module.string(route.allow) if route.allow else None


def test_health(module):  # FR-001, FR-005
    for method in METHODS:
        reading = method in (module.METHOD_GET, module.METHOD_HEAD)
        expected = (
            (module.ROUTE_HEALTH, 0, None) if reading else (module.ROUTE_METHOD, 0, b"GET, HEAD")
        )
        assert found(module, b"/health", method) == expected


@given(st.integers(1, 2**63 - 1), st.integers(0, 30))
def test_a_task_by_its_number(module, number, zeros):  # FR-002, FR-003
    path = b"/api/tasks/" + b"0" * zeros + str(number).encode()
    assert found(module, path, module.METHOD_GET) == (module.ROUTE_TASK, number, None)
    assert found(module, path, module.METHOD_HEAD) == (module.ROUTE_TASK, number, None)
    assert found(module, path, module.METHOD_POST) == (module.ROUTE_METHOD, 0, b"GET, HEAD")


@pytest.mark.parametrize(
    "segment",
    [b"0", b"000", b"x", b"1x", b"-1", b"+1", b"1.0", b" 1", b"1?", b"9223372036854775808",
     b"18446744073709551616", b"99999999999999999999999", b"%31"],
)  # fmt: skip
def test_a_segment_that_is_no_number(module, segment):  # FR-002
    for method in METHODS:
        assert found(module, b"/api/tasks/" + segment, method) == (module.ROUTE_BAD_ID, 0, None)


@pytest.mark.parametrize(
    "path",
    [b"/", b"/healthy", b"/healt", b"/Health", b"/health/", b"/api/tasks", b"/api/tasks/",
     b"/api/tasks/1/", b"/api/tasks/1/2", b"/api/tasks//1", b"/api/tasks/x/1", b"/api/task/1",
     b"//api/tasks/1", b"api/tasks/1", b"/api/users"],
)  # fmt: skip
def test_every_other_path(module, path):  # FR-004
    for method in METHODS:
        assert found(module, path, method) == (module.ROUTE_NONE, 0, None)
