"""A session: one project as one run sees it, and what it knows of every step.

`status` is the single decision of asmith: whether a step's result still holds, in which slot, and
if not, why. `plan`, `why`, doit and the run itself ask nothing else.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from asmith.abi import include
from asmith.dataclass import dataclass, field
from asmith.errors import UsageError, did_you_mean
from asmith.graph import dirty, structure
from asmith.graph.trace import SYMBOLS, stamp_of
from asmith.host import signature
from asmith.model.names import Digest, InterfaceName, ModuleName, digest_bytes, digest_of
from asmith.model.plan import Reason, Step, StepKind, Why
from asmith.model.stamp import render_stamp
from asmith.project import workspace as workspaces
from asmith.run import inputs, layout, view
from asmith.run.asking import Asking
from asmith.run.events import nobody
from asmith.run.status import Status
from asmith.run.tools import Tools
from asmith.store import index, listings, shared
from asmith.store.answers import Store
from asmith.store.state import Entry, Slot, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, MutableMapping
    from pathlib import Path

    from asmith.errors import AsmithError
    from asmith.host.workers import Workers
    from asmith.model.record import Stamp
    from asmith.project.config import Product
    from asmith.run.events import Event, Observer
    from asmith.run.jobs import Job, Made
    from asmith.run.known import Known, Node
    from asmith.run.linked import Linked
    from asmith.run.view import Module

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One run's knowledge of one project. Not thread-safe but for `guard`ed sections."""

    root: Path
    workspace: workspaces.Workspace
    state: State
    store: Store
    modules: MutableMapping[ModuleName, Module]
    known: Known | None = None  # what holds of the modules that are not looked at
    active: frozenset[ModuleName] = frozenset()  # the modules that are looked at, if `known`
    region: frozenset[Step] = frozenset()  # the steps that may have to run, if `known`
    outside: int = 0  # steps that hold because of what is known
    listings: index.Listings = field(default_factory=dict)
    tools: Tools = field(default_factory=Tools)
    force: bool = False  # overwrite texts that were edited by hand
    asks: bool = True  # call generators
    stop: Callable[[], bool] = lambda: False  # asked before each step
    asking: Asking = field(default_factory=Asking)  # of generators, in this run
    problems: dict[ModuleName, AsmithError] = field(default_factory=dict)  # cannot be answered
    in_review: frozenset[ModuleName] = frozenset()  # held, since a person has the word
    failures: dict[Step, AsmithError] = field(default_factory=dict)
    bug: Exception | None = None  # the first that a step met and nobody expected
    executed: list[Step] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)  # objects found changed from outside
    observer: Observer = nobody
    workers: Workers | None = None  # copies of this process that do jobs
    guard: threading.RLock = field(default_factory=threading.RLock)
    _known: dict[Step, Status] = field(default_factory=dict)  # of single modules and interfaces
    _joint: dict[Step, Status] = field(default_factory=dict)  # of links and tests
    _linked: dict[Step, tuple[ModuleName, ...]] = field(default_factory=dict)
    _called: dict[ModuleName, frozenset[InterfaceName]] = field(default_factory=dict)
    _made: dict[tuple[ModuleName, str], tuple[Module, Any]] = field(default_factory=dict)
    _digests: dict[str, index.Seen] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, *, state: State | None = None) -> Session:
        """Read a project, all of it."""
        names = listings.listings(str(root))  # before anything is read: what comes later is new
        workspace = workspaces.load(root)
        return cls(
            root,
            workspace,
            state or State(root / layout.STATE),
            Store(root / layout.KEPT, shared.configured(workspace.config.store)),
            view.look_at_all(workspace),
            listings=names,
        )

    def tell(self, event: Event) -> None:
        """Tell the observer of an event; one at a time, from whatever thread."""
        with self.guard:
            self.observer(event)

    def perform(self, job: Job) -> Made:
        """Do a job, in another process where there is one for that."""
        if self.workers is None:
            return job.perform(self.workspace)
        made: Made = self.workers.run(job)
        return made

    def looked_at(self) -> tuple[ModuleName, ...]:
        """Return the modules that are looked at: all, or those that changed files touch."""
        return tuple(self.modules if self.known is None else sorted(self.active))

    def seen_modules(self) -> dict[ModuleName, Module]:
        """Return the modules that are looked at."""
        return {name: self.modules[name] for name in self.looked_at()}

    def settled(self, step: Step) -> bool:
        """Tell whether a step holds because nothing touches it."""
        return self.known is not None and step not in self.region

    def node(self, name: ModuleName) -> Node | None:
        """Return what is known of a module that nothing touches."""
        return None if self.known is None or name in self.active else self.known.nodes[name]

    def sees(self, name: ModuleName) -> tuple[InterfaceName, ...]:
        """Return the interfaces that a module may name something of, sorted."""
        return tuple(self.workspace.visible_interfaces(name))

    def library(self, name: InterfaceName) -> str:
        """Return the library that implements an interface, or an empty text."""
        if self.known is not None:
            return self.known.libraries[name]
        library = self.workspace.interfaces[name].library
        return "" if library is None else library.name

    # ---- the view --------------------------------------------------------------------------------

    def named(self, name: str) -> Module:
        """Return the module that a user named; raises `UsageError` if there is none."""
        if name not in self.modules:
            raise UsageError(
                f"there is no module '{name}'{did_you_mean(name, tuple(self.modules))}",
                help="asmith graph shows the modules",
            )
        return self.modules[ModuleName(name)]

    def hold(self, names: Collection[ModuleName]) -> None:
        """Keep modules on their base for the rest of the session."""
        for name in names:
            self._replace(name, view.look(self.workspace, name, held=True))

    def look_again(self, name: ModuleName) -> None:
        """Read one module again, after its draft came or went."""
        self._replace(name, view.look(self.workspace, name, held=self.modules[name].held))

    def catch_up(self, name: ModuleName) -> None:
        """Read one module again if an editor saved its text or record meanwhile."""
        module = self.modules[name]
        used = {
            layout.source(name): module.source and self.text_digest(module),
            layout.record(name): module.record_digest,
        }
        now = {path: seen and seen[1] for path in used for seen in (self.surely(path),)}
        if module.draft or now != used:
            self.look_again(name)
        else:
            self.forget(*self.steps_of(name))

    def _replace(self, name: ModuleName, module: Module) -> None:
        """Take another view of a module, and forget what followed from the one before."""
        if module != self.modules[name]:
            self.modules[name] = module
            if self._called.pop(name, None) != self.called(module):
                self._linked.clear()
        self.forget(*(Step(k, name) for k in StepKind if k is not StepKind.LINK))

    def forget(self, *steps: Step) -> None:
        """Decide anew on steps whose inputs or results are others now, and on all that links."""
        for step in steps:
            self._known.pop(step, None)
        self._joint.clear()

    def edges(self, product: Product | None = None) -> dict[str, frozenset[str]]:
        """Return the module graph: each module and the modules that provide its imports."""
        return {name: self.callees(name, product) for name in self.modules}

    def callees(self, name: str, product: Product | None) -> frozenset[str]:
        """Return the modules that provide what a module imports, in a product or (None) a test."""
        bound = (self.workspace.provider(i, product) for i in self.calls(ModuleName(name)))
        return frozenset(m for m in bound if m is not None and m != name)

    def calls(self, name: ModuleName) -> frozenset[InterfaceName]:
        """Return the interfaces whose functions or data a module's object refers to."""
        if name not in self._called:
            node = self.node(name)
            self._called[name] = frozenset(node.calls) if node else self.called(self.modules[name])
        return self._called[name]

    def called(self, module: Module) -> frozenset[InterfaceName]:
        """Return the interfaces whose functions or data a module's object refers to.

        Before there is an answer these are all that its spec uses. A held module's are those of
        its last good object, whatever an edit of its text says today.
        """
        kept = self._last_good(Step(StepKind.ASSEMBLE, module.name))
        if kept is not None and kept.entry is not None:
            names = kept.entry.facts["imports"]
            return frozenset(InterfaceName(n.partition(".")[0]) for n in names)
        if module.imports is None:
            return frozenset(u.interface for u in self.workspace.specs[module.name].uses)
        return frozenset(e.interface for e in module.imports.values() if e.kind in SYMBOLS)

    def linked(self, step: Step) -> tuple[ModuleName, ...]:
        """Return the modules that a link or test step links, sorted."""
        with self.guard:
            if step not in self._linked:
                self._linked[step] = self._link(step)
            return self._linked[step]

    def _link(self, step: Step) -> tuple[ModuleName, ...]:
        if self.known is not None and step.kind is StepKind.LINK:
            nodes = self.known.nodes
            if all(self.calls(m) == frozenset(nodes[m].calls) for m in self.active):
                return self.known.products[step.subject].modules
        if step.kind is StepKind.LINK:
            product = self.workspace.config.products[step.subject]
            roots: list[str] = list(product.roots)
            bound = (self.workspace.provider(i, product) for i in product.offers)
            roots += [m for m in bound if m is not None]
            reached = structure.reached(lambda m: self.callees(m, product), roots)
            return tuple(ModuleName(m) for m in reached)
        found = structure.reached(lambda m: self.callees(m, None), [step.subject])
        # The module under test stands for its interface, whatever else implements it.
        own = self.workspace.specs[ModuleName(step.subject)].implements
        rivals = set(self.workspace.implementers(own)) - {step.subject}
        return tuple(ModuleName(m) for m in found if m not in rivals)

    def stamp(self, module: Module) -> Stamp:
        """Return the stamp that a module's object must carry."""
        assert module.trace is not None
        assert module.imports is not None
        return stamp_of(module.name, module.trace, module.imports)

    def include_text(self, module: Module) -> str:
        """Return the generated include of a module: what its text names of its contracts."""
        assert module.imports is not None
        entries = [e for e in module.imports.values() if e.kind not in SYMBOLS]
        externs = [e.nasm for e in module.imports.values() if e.kind in SYMBOLS]
        return include.render(entries, externs=externs)

    # ---- the steps -------------------------------------------------------------------------------

    def steps_of(self, name: ModuleName) -> tuple[Step, ...]:
        """Return the steps of one module, without its links."""
        kinds = [StepKind.GENERATE, StepKind.ASSEMBLE, StepKind.CHECK]
        if self.once(self.modules[name], "tested", lambda: inputs.has_tests(self, name)):
            kinds.append(StepKind.TEST)
        return tuple(Step(k, name) for k in kinds)

    def all_steps(self) -> tuple[Step, ...]:
        """Return every step of the project in the order in which a full build meets them."""
        order = list(StepKind)
        if self.known is not None:
            return tuple(sorted(self.region, key=lambda s: (order.index(s.kind), s.subject)))
        by_module = [s for n in sorted(self.modules) for s in self.steps_of(n)]
        links = [Step(StepKind.LINK, p) for p in self.workspace.config.products]
        compares = self.comparisons(self.modules)
        return tuple(
            sorted([*by_module, *compares, *links], key=lambda s: (order.index(s.kind), s.subject))
        )

    def comparisons(self, modules: Iterable[ModuleName]) -> tuple[Step, ...]:
        """Return the steps that hold what modules use of libraries against the real headers."""
        return tuple(Step(StepKind.COMPARE, i) for i in self.externals(modules))

    def externals(self, modules: Iterable[ModuleName]) -> tuple[InterfaceName, ...]:
        """Return the interfaces of libraries that the specs of modules use, sorted."""
        if (product := self._unchanged(modules)) is not None:
            return tuple(sorted(product.externals()))
        found: set[InterfaceName] = set()
        for name in modules:
            node = self.node(name)
            if node is not None:
                found.update(node.externals)
            else:
                used = {u.interface for u in self.workspace.specs[name].uses}
                found |= {i for i in used if self.library(i)}
        return tuple(sorted(found))

    def libraries_of(self, modules: Iterable[ModuleName]) -> frozenset[str]:
        """Return the names of the libraries that objects of modules refer to."""
        if self.known is not None and (product := self._unchanged(modules)) is not None:
            return product.libraries(self.known.libraries)
        called = {interface for name in modules for interface in self.calls(name)}
        known = (self.library(i) for i in called if i in self.workspace.interfaces)
        return frozenset(known) - {""}

    def _unchanged(self, modules: Iterable[ModuleName]) -> Linked | None:
        """Return the product that links just these, if nobody calls or uses anything else now."""
        if self.known is None:
            return None
        for product in self.known.products.values():
            if product.modules is modules and all(
                frozenset(node.calls) == self.calls(m) and node.externals == self.externals([m])
                for m in self.active
                for node in (self.known.nodes[m],)
            ):
                return product
        return None

    def status(self, step: Step) -> Status:
        """Return what is known of a step now."""
        with self.guard:
            known = self._joint if step.kind in (StepKind.LINK, StepKind.TEST) else self._known
            if step not in known:
                known[step] = self._held_by(step) or self._decide(step)
            return known[step]

    def _held_by(self, step: Step) -> Status | None:
        """Return the last good result of a step that nothing touches."""
        if not self.settled(step):
            return None
        if step.kind is StepKind.GENERATE:
            return Status()
        entry = self.state.entries.get((Slot.BASE, str(step)))
        return None if entry is None else Status(Slot.BASE, entry)

    def _decide(self, step: Step) -> Status:
        if step.kind is StepKind.GENERATE:
            module = self.modules[ModuleName(step.subject)]
            return Status(reasons=module.stale if module.waiting else ())
        if (kept := self._last_good(step)) is not None:
            return kept
        try:
            wanted = inputs.of(self, step)
        except inputs.Blocked as blocked:
            why = Reason(Why.UPSTREAM, str(blocked.step), blocked.detail)
            return Status(reasons=(why,), blocked_by=blocked.step)
        for slot in Slot:
            entry = self.state.entries.get((slot, str(step)))
            if entry and entry.inputs == wanted and not self.damaged(slot, entry):
                return Status(slot, entry)
        entry = self.state.entries.get((Slot.BASE, str(step)))
        reasons = dirty.step_reasons(
            wanted,
            entry.inputs if entry else None,
            damaged=self.damaged(Slot.BASE, entry) if entry else (),
            interrupted=str(step) in self.state.interrupted,
        )
        return Status(reasons=reasons)

    def _last_good(self, step: Step) -> Status | None:
        """Return the last good result of a held module, whatever its inputs are today."""
        if not step.of_module or not self.modules[ModuleName(step.subject)].held:
            return None
        entry = self.state.entries.get((Slot.BASE, str(step)))
        if entry is None or self.damaged(Slot.BASE, entry):
            if step.kind is StepKind.TEST and self.modules[ModuleName(step.subject)].base_stale:
                return Status()  # today's spec asks of it what it was not made for
            return None  # its last good text is made anew; stamps tell whether it still fits
        return Status(Slot.BASE, entry)

    def damaged(self, slot: Slot, entry: Entry) -> tuple[str, ...]:
        """Return the outputs of an entry that are missing or were changed from outside."""
        read = ((n, digest) for n, digest in entry.outputs.items() if layout.is_read(n))
        paths = ((layout.output(slot, name), digest) for name, digest in read)
        return tuple(path for path, digest in paths if self.digest(path) != digest)

    def output(self, step: Step, name: str) -> str:
        """Return the path of an output of a step whose result holds."""
        slot = Slot.BASE if self.settled(step) else self.status(step).slot
        assert slot is not None, step
        return layout.output(slot, name)

    # ---- files -----------------------------------------------------------------------------------

    def digest(self, path: str) -> Digest | None:
        """Return the digest of a file's bytes (None: there is none); read once while unchanged."""
        seen = self.seen(path)
        return None if seen is None else Digest(seen[1])

    def seen(self, path: str, *, afresh: bool = False) -> index.Seen | None:
        """Return a file's stat data, digest and the time of both; read once while unchanged."""
        there = f"{self.root}/{path}"
        known = self._digests.get(path)
        if known is None or afresh or known[0] != signature.of(there):
            known = index.read(there)
            if known is None:
                return None
            self._digests[path] = known
        return known

    def surely(self, path: str) -> index.Seen | None:
        """Return what `seen` does; read again if a later change might not show in stat data."""
        seen = self.seen(path)
        if seen is not None and index.trusted(seen[0], seen[2]) is signature.SPOILT:
            seen = self.seen(path, afresh=True)
        return seen

    def outdated(self) -> list[str]:
        """Return the sources that are no longer what was read, and objects that were damaged."""
        sources = self.workspace.sources.items()
        return [*self.damage, *(p for p, d in sources if self.digest(p) != d)]

    def text_digest(self, module: Module) -> Digest:
        """Return the digest of a module's text."""
        return self.once(module, "text", lambda: digest_bytes(module.source or b""))

    def include_digest(self, module: Module) -> Digest:
        """Return the digest of a module's include."""
        return self.once(
            module, "include", lambda: digest_bytes(self.include_text(module).encode())
        )

    def stamp_digest(self, module: Module) -> Digest:
        """Return the digest of a module's stamp."""
        return self.once(
            module, "stamp", lambda: digest_of("stamp", render_stamp(self.stamp(module)).decode())
        )

    def once(self, module: Module, what: str, make: Callable[[], T]) -> T:
        """Return what follows from a module and the workspace alone, made once for one view."""
        known = self._made.get((module.name, what))
        if known is None or known[0] is not module:
            known = self._made[module.name, what] = (module, make())
        found: T = known[1]
        return found
