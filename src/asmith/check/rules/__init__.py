"""The rules: one module each, whose docstring is the rule's documentation.

A rule module has `ID`, `LEVEL`, `PROFILES` (profile -> severity; absent means that the rule does
not apply) and a pure generator `check(subject)`. The table below is the registry; a rule is
imported when the first check or explanation asks for it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from asmith.check.inputs import Level, Profile
    from asmith.model.finding import Finding, Severity

_MODULES = (
    "elf001_missing_export",
    "elf002_unnamed_export",
    "elf003_extent_of_export",
    "elf004_import_outside_uses",
    "elf005_writable_code",
    "elf006_absolute_address",
    "elf007_text_relocation",
    "elf008_executable_stack",
    "elf009_direct_external_call",
    "elf010_relro_section",
    "src001_literal_offset",
    "src003_redefined_name",
    "src004_banner",
    "abi001_stack_balance",
    "abi002_caller_frame",
    "abi003_callee_saved",
    "abi004_alignment",
    "abi005_direction_flag",
    "abi006_control_words",
    "abi007_mmx",
    "abi008_red_zone",
    "abi009_vzeroupper",
    "abi010_x87_stack",
    "abi011_overrun",
    "abi012_trial",
    "flw001_falls_off",
    "flw002_jump_out",
    "flw003_computed_jump",
    "flw004_unreachable",
    "flw005_table_bound",
    "mem001_read_only",
    "mem002_alignment",
    "val001_undefined",
    "val002_argument",
    "val003_result",
    "val004_upper_half",
    "con001_requires",
    "con002_pointer_type",
    "con003_stack_bound",
    "con004_isa",
    "con005_privileged",
    "con006_unchecked",
    "con007_leak",
    "con008_after_release",
    "con009_no_field",
    "con010_class",
    "con011_callback",
    "lnk001_no_provider",
    "lnk002_two_providers",
    "lnk003_contracts_disagree",
    "lnk004_values_disagree",
    "lnk005_no_stamp",
    "lnk006_not_in_library",
    "ext001_header_differs",
    "ext002_not_exported",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, loaded. `doc` is Markdown; its first line is `title`."""

    id: str
    level: Level
    profiles: Mapping[Profile, Severity]
    check: Callable[[Any], Iterator[Finding]]
    title: str
    doc: str


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return all rules, in the order of the table."""
    return tuple(_load(name) for name in _MODULES)


def explain(rule_id: str) -> str:
    """Return the documentation of a rule as Markdown; raises `UsageError` for an unknown id."""
    for rule in all_rules():
        if rule.id == rule_id.upper():
            return f"# {rule.id}: {rule.doc}"
    known = [rule.id for rule in all_rules()]
    raise UsageError(
        f"no rule '{rule_id}'{did_you_mean(rule_id.upper(), known)}",
        help=f"the rules are {', '.join(known)}",
    )


def _load(name: str) -> Rule:
    module = import_module(f"{__name__}.{name}")
    doc = (module.__doc__ or "").strip() + "\n"
    title = doc.split("\n", 1)[0].rstrip(".")
    return Rule(module.ID, module.LEVEL, module.PROFILES, module.check, title, doc)
