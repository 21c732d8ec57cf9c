"""Calls of modules/bad.asm; each must fail. Run by test_verify_bad.py in a pytest of its own."""
# ruff: noqa: ANN001, ANN201 -- they are the text that a test author writes

import contextlib

import pytest

PLAIN = (
    "write_constant undefined breakpoint clobbers_rbx clobbers_r15 leaves_direction "
    "pops_arguments leaves_mmx changes_rounding recurses unaligned jumps_wild quits uses_junk "
    "odd_boolean unbalanced calls_junk privileged aborts"
)


@pytest.mark.parametrize("name", PLAIN.split())
def test_plain(module, name):
    module[name]()


def test_read_beyond(module):
    module.read_beyond(b"abc", 3)


def test_read_far_beyond(module):
    module.read_beyond(b"abc", 1000)


def test_write_beyond(module):
    module.write_beyond(module.memory(16), 16)


def test_write_before(module):
    module.write_before(module.memory(16))


def test_write_before_guard(module):
    module.write_before(module.memory(16, guard="begin"))


def test_write_argument(module):
    module.write_argument(b"abc")


def test_read_null(module):
    module.read_null(None)


def test_keeps_pointer(module):
    module.keeps_pointer(b"abc")
    module.keeps_pointer(None)


@pytest.mark.asmith_limits(cpu=1)
def test_endless(module):
    module.endless()


@pytest.mark.asmith_limits(wall=0.3)
def test_asleep(module):
    module.asleep()


def test_divide(module):
    module.divide(1, 0)


def test_upper_half(module):
    module.trusts_upper_half(b"abc", 1)


def test_calls_strlen(module):
    module.calls_strlen(1)


def test_crash_swallowed(module):
    with contextlib.suppress(BaseException):
        module.read_null(None)
