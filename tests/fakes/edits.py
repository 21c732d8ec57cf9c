"""Random edits of a project's data: (random, data) -> data, or None where there is nothing to edit.

Whoever uses one checks the result with `data.valid`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fakes import data as datas
from fakes.data import SHAPE, Data, Function, Module, Requirement


def random_module(rng: random.Random, data: Data) -> Module:
    return rng.choice(sorted(data.modules.values(), key=lambda m: m.name))


def _with_words(rng: random.Random, data: Data, change: Callable[[str], str]) -> Data:
    module = random_module(rng, data)
    chosen = rng.choice(module.requirements)
    requirements = tuple(
        r._replace(words=change(r.words)) if r == chosen else r for r in module.requirements
    )
    return data.with_module(replace(module, requirements=requirements))


def requirement_of_code(rng: random.Random, data: Data) -> Data | None:
    number = rng.randrange(1000)
    return _with_words(rng, data, lambda w: re.sub(r"( and add \d+)?$", f" and add {number}", w))


def requirement_of_words(rng: random.Random, data: Data) -> Data | None:
    draft = rng.randrange(9)
    return _with_words(rng, data, lambda w: re.sub(r"^(as in \d, )?", f"as in {draft}, ", w))


def requirement_to_use_something(rng: random.Random, data: Data) -> Data | None:
    found = [f"use {c}" for c in data.constants] + [f"use t_shape.{f}" for f, _ in data.fields]
    found += [f"call {f.name}" for m in data.modules.values() for f in m.functions]
    word = rng.choice(found)
    return _with_words(rng, data, lambda w: f"{w.split(' and use LIMIT')[0]} and {word}")


def requirement_to_use_less(rng: random.Random, data: Data) -> Data | None:
    return _with_words(rng, data, lambda w: re.sub(r" and (use|call) [\w.]+$", "", w))


def prose(rng: random.Random, data: Data) -> Data | None:
    return data.with_module(replace(random_module(rng, data), note=rng.randrange(99)))


def wrapping(rng: random.Random, data: Data) -> Data | None:
    module = random_module(rng, data)
    return data.with_module(replace(module, wrapped=not module.wrapped))


def header_comment(rng: random.Random, data: Data) -> Data | None:
    return data.with_module(replace(random_module(rng, data), comment=rng.randrange(99)))


def order_of_uses(rng: random.Random, data: Data) -> Data | None:
    module = random_module(rng, data)
    return data.with_module(replace(module, uses=module.uses[::-1]))


def another_use(rng: random.Random, data: Data) -> Data | None:
    module = random_module(rng, data)
    lower = sorted({SHAPE, *list(data.modules)[: list(data.modules).index(module.name)]})
    use = rng.choice(lower)
    rest = tuple(u for u in module.uses if u != use)
    uses = rest if use in module.uses else (*module.uses, use)
    return data.with_module(replace(module, uses=uses))


def _with_function(rng: random.Random, data: Data, **changes: Any) -> Data:
    module = random_module(rng, data)
    chosen = rng.choice(module.functions)
    functions = tuple(f._replace(**changes) if f == chosen else f for f in module.functions)
    return data.with_module(replace(module, functions=functions))


def callers_clause(rng: random.Random, data: Data) -> Data | None:
    return _with_function(rng, data, at_least=rng.randrange(3))


def stack_clause(rng: random.Random, data: Data) -> Data | None:
    return _with_function(rng, data, stack=rng.choice([32, 48, 64]))


def waiver(rng: random.Random, data: Data) -> Data | None:
    return _with_function(rng, data, waiver=rng.choice(["", "a reason", "another one"]))


def new_function(rng: random.Random, data: Data) -> Data | None:
    module = random_module(rng, data)
    if len(module.functions) > 1:
        return None
    name = f"{module.name}_more"
    functions = (*module.functions, Function(name))
    more = (Requirement(2, name, f"add {rng.randrange(9)}"),) if rng.random() < 0.7 else ()
    requirements = (*module.requirements, *more)
    return data.with_module(replace(module, functions=functions, requirements=requirements))


def no_more_function(rng: random.Random, data: Data) -> Data | None:
    module = random_module(rng, data)
    if len(module.functions) == 1:
        return None
    requirements = tuple(r for r in module.requirements if r.function == module.name)
    changed = replace(module, functions=module.functions[:1], requirements=requirements)
    return data.with_module(changed)


def value_of_constant(rng: random.Random, data: Data) -> Data | None:
    name = rng.choice(sorted(data.constants))
    return replace(data, constants={**data.constants, name: rng.randrange(9)})


def new_constant(rng: random.Random, data: Data) -> Data | None:
    return replace(data, constants={**data.constants, f"N{rng.randrange(3)}": 7})


def new_field(rng: random.Random, data: Data) -> Data | None:
    name, place = f"more{rng.randrange(4)}", rng.randrange(len(data.fields) + 1)
    if name in dict(data.fields):
        return None
    fields = list(data.fields)
    fields.insert(place, (name, rng.choice(["uint64_t", "uint32_t"])))
    return replace(data, fields=tuple(fields))


def no_more_field(rng: random.Random, data: Data) -> Data | None:
    more = [f for f in data.fields if f[0].startswith("more")]
    if not more:
        return None
    gone = rng.choice(more)
    return replace(data, fields=tuple(f for f in data.fields if f != gone))


def type_of_field(rng: random.Random, data: Data) -> Data | None:
    chosen = rng.choice(data.fields)[0]
    ctype = rng.choice(["uint64_t", "int64_t", "uint32_t"])
    return replace(data, fields=tuple((n, ctype if n == chosen else c) for n, c in data.fields))


def file_of_tests(rng: random.Random, data: Data) -> Data | None:
    if not data.tests:
        return None
    name = rng.choice(sorted(data.tests))
    text = data.tests[name].split("#")[0] + f"# {rng.randrange(99)}\n"
    return replace(data, tests={**data.tests, name: text})


Edit = Callable[[random.Random, Data], Data | None]
ALL: list[Edit] = [
    requirement_of_code, requirement_of_code, requirement_of_words, requirement_to_use_something,
    requirement_to_use_less, prose, wrapping, header_comment, order_of_uses, another_use,
    callers_clause, stack_clause, waiver, new_function, no_more_function, value_of_constant,
    new_constant, new_field, no_more_field, type_of_field, file_of_tests,
]  # fmt: skip


def edited(rng: random.Random, data: Data, but: tuple[Edit, ...] = ()) -> tuple[str, Data]:
    """Return the name of a random edit (none of `but`) and the data after it, other data."""
    chosen = [change for change in ALL if change not in but]
    while True:
        change = rng.choice(chosen)
        made = change(rng, data)
        if made is not None and made != data and datas.valid(made):
            return change.__name__, made
