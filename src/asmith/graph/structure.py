"""Questions of structure about the module graph. This file is the only door to networkx.

The graph has an edge from a module to each module that provides a symbol it imports; cycles are
allowed, since modules depend on interfaces only. networkx is imported when a question needs it:
a build that has nothing to do never asks one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import networkx as nx


def closure(edges: Mapping[str, frozenset[str]], roots: Iterable[str]) -> tuple[str, ...]:
    """Return the roots and all that they reach, sorted: what a link of the roots holds."""
    return reached(lambda node: edges.get(node, ()), roots)


def reached(following: Callable[[str], Iterable[str]], roots: Iterable[str]) -> tuple[str, ...]:
    """Return the roots and all that they reach, sorted; `following` is asked once a node."""
    seen: set[str] = set()
    todo = list(roots)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += following(node)
    return tuple(sorted(seen))


def graph(edges: Mapping[str, frozenset[str]]) -> nx.DiGraph[str]:
    """Return the module graph as networkx holds it."""
    import networkx as nx

    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(sorted(edges))
    made.add_edges_from((a, b) for a, bs in sorted(edges.items()) for b in sorted(bs))
    return made


def cone(edges: Mapping[str, frozenset[str]], changed: Iterable[str]) -> frozenset[str]:
    """Return the modules that link any of `changed`: itself and all that reach it."""
    import networkx as nx

    made = graph(edges)
    found: set[str] = set()
    for node in changed:
        if node in made:
            found |= {node, *nx.ancestors(made, node)}
    return frozenset(found)


def cycles(edges: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of modules that call each other in a circle, each sorted."""
    import networkx as nx

    groups = nx.strongly_connected_components(graph(edges))
    return tuple(sorted(tuple(sorted(g)) for g in groups if len(g) > 1))


def layers(edges: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the modules in levels, callees first; a circle shares one level."""
    import networkx as nx

    condensed = nx.condensation(graph(edges))
    found = []
    for generation in nx.topological_generations(condensed.reverse()):
        members = (m for node in generation for m in condensed.nodes[node]["members"])
        found.append(tuple(sorted(members)))
    return tuple(found)


def dot(edges: Mapping[str, frozenset[str]]) -> str:
    """Return the module graph in Graphviz's language."""
    lines = ["digraph modules {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f'  "{node}";' for node in sorted(edges)]
    lines += [f'  "{a}" -> "{b}";' for a in sorted(edges) for b in sorted(edges[a])]
    return "\n".join([*lines, "}"]) + "\n"
