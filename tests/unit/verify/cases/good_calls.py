"""Calls of modules/good.asm, all right. Run by test_verify_good.py in a pytest of its own."""
# ruff: noqa: ANN001, ANN201, ANN202 -- they are the text that a test author writes

import ctypes
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

WORD = st.integers(0, 2**64 - 1)


def test_ints_are_signed(module):
    assert module.add_int(2, -3) == -1
    assert module.add_int(a=2**31 - 1, b=0) == 2**31 - 1


def test_narrow_arguments_keep_their_value_below_the_junk(module):
    assert module.widen(-128, 65535, True) == 65535 - 128 + 1


def test_upper_bits_of_a_narrow_result_are_ignored(module):
    assert (module.narrow(-1), module.narrow(200)) == (-1, -56)


def test_an_integer_out_of_range_never_reaches_the_module(module):
    with pytest.raises(ValueError, match=r"parameter 'a' of add_int takes int: .*, got 2147483648"):
        module.add_int(2**31, 0)
    with pytest.raises(ValueError, match=r"parameter 'b' of sum_bytes takes unsigned long: 0"):
        module.sum_bytes(b"", -1)
    with pytest.raises(TypeError, match=r"parameter 'b' of add_int takes int, got float 1\.5"):
        module.add_int(1, 1.5)


def test_the_number_of_arguments_is_checked(module):
    with pytest.raises(TypeError, match=r"int add_int\(int a, int b\): got 1 arguments"):
        module.add_int(1)
    with pytest.raises(TypeError, match="got 3 arguments"):
        module.add_int(1, 2, 3)


@given(st.binary(max_size=5000))
def test_bytes_are_read_to_their_last(module, data):
    assert module.sum_bytes(data, len(data)) == sum(data)


@given(st.lists(WORD))
def test_a_list_is_an_array(module, words):
    assert module.sum_words(words, len(words)) == sum(words) % 2**64


def test_memory_is_written_by_the_module(module):
    memory = module.memory(16)
    module.fill(memory, 15, -1)
    assert memory == b"\xff" * 15 + b"\xa5"


def test_memory_may_begin_at_a_guard_page(module):
    memory = module.memory(b"abc", guard="begin")
    assert memory.address % 4096 == 0
    assert module.sum_bytes(memory, 3) == sum(b"abc")


def test_a_bytearray_is_copied_back(module):
    array = bytearray(4)
    module.fill(array, 3, 65)
    assert array == b"AAA\0"


def test_bytes_cannot_be_written_to(module):
    with pytest.raises(TypeError, match=r"takes char \*, which the function may write to"):
        module.fill(b"abc", 3, 65)


def test_objects_of_ctypes_are_passed_as_they_are(module):
    array = ctypes.create_string_buffer(4)
    module.fill(array, 3, 66)
    assert array.value == b"BBB"


def test_a_struct_is_filled_by_pointer(module):
    memory = module.memory(2)
    buffer = module.buffer(data=memory, cap=2)
    assert [module.append(buffer, c) for c in b"ABC"] == [0, 0, -1]
    assert (buffer.len, memory) == (2, b"AB")
    assert module.sizeof("buffer") == ctypes.sizeof(buffer) == 24


def test_a_struct_of_another_type_is_refused(module):
    with pytest.raises(TypeError, match=r"takes struct buffer \*, got a struct point"):
        module.append(module.point(), 1)
    with pytest.raises(AttributeError, match="struct buffer has no field 'ln'; did you mean 'len'"):
        module.buffer(ln=1)


def test_the_seventh_argument_is_on_the_stack(module):
    assert module.nine(*range(1, 10)) == 8


def test_floats_and_integers_have_registers_of_their_own(module):
    assert module.scale(1.5, 2.0, -3) == -9
    assert math.isnan(module.scale(math.nan, 1.0, 1))
    with pytest.raises(ValueError, match="parameter 'b' of scale takes float"):
        module.scale(1.0, 1e300, 1)


def test_long_double_goes_through_x87(module):
    assert module.half(3.0) == 1.5


def test_structs_by_value(module):
    middle = module.middle(module.point(x=2, y=-4), {"x": 4, "y": 2})
    assert (middle.x, middle.y) == (3, -1)


def test_null_is_none(module):
    assert module.greet(False) is None
    assert module.string(module.greet(True)) == b"hello"
    assert module.read(module.greet(True), 2) == b"he"


def test_reading_a_wrong_address_is_an_error_and_no_crash(module):
    with pytest.raises(ValueError, match="only 0 of 4 bytes"):
        module.read(16, 4)
    with pytest.raises(ValueError, match="no byte 0"):
        module.string(module.memory(b"abc"))


def test_variadic_calls_count_vector_registers(module):
    assert module.count_vectors(1, 1.0, 2.0, 3) == 2
    assert module.second(1, -5) == -5


def test_a_python_function_can_be_called_back(module):
    seen = []

    def double(number, text):
        seen.append(module.string(text))
        return number * 2 + module.add_int(0, 0)

    assert module.apply(double, 4) == 9
    assert seen == [b"hello"]


def test_an_exception_of_a_callback_reaches_the_test(module):
    def fails(number, text):
        raise KeyError(number, text)

    with pytest.raises(KeyError):
        module.apply(fails, 1)
    assert module.add_int(1, 1) == 2


def test_a_string_parameter_gets_its_nul(module):
    assert module.length(b"abc") == 3
    assert module.length("\u00e9") == 2


def test_booleans(module):
    assert module.is_even(2) is True
    assert module.is_even(-1) is False


def test_extern_data_is_read_and_written(module):
    assert module.counter == 7
    assert module.next_counter() == 7
    assert module.counter == 8
    module.counter = -1
    assert module.next_counter() == -1
    assert list(module.table) == [1, 2, 3]
    with pytest.raises(TypeError, match="'table' is const"):
        module.table = [1, 2, 3]


def test_each_test_finds_the_data_as_it_was(module):
    assert module.counter == 7


def test_constants(module):
    assert module.BUFFER_MAX == 4096
    assert module.GREETING == "hi"
    assert module["BUFFER_MAX"] == 4096


def test_a_wrong_name_is_explained(module):
    with pytest.raises(AttributeError, match="no 'add_imt'; did you mean 'add_int'"):
        module.add_imt  # noqa: B018


def test_a_test_without_the_module_runs_too():
    assert True
