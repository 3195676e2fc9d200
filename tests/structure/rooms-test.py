# SPDX-License-Identifier: Apache-2.0
"""Which folder uses which, read from the code and from the objects, held against docs/code-map.md."""
import functools
import json
import os
import re
import subprocess
import sys

import sentences

SOURCE = os.environ["OSH_SOURCE"]
BUILD = os.environ["OSH_BUILD"]
TREES = ("host", "plugins/process", "plugins/network", "plugins/l7-graphql", "plugins/l7-jsonrpc",
         "plugins/l7-rest", "plugins/l7-ws", "plugins/regex", "sdk")
INCLUDE = re.compile(r'^#include ["<]([^">]+\.h)[">]', re.M)


def read_map():
    """The table of docs/code-map.md: folder → folders that it may use."""
    rows = {}
    with open(os.path.join(SOURCE, "docs", "code-map.md"), encoding="utf-8") as stream:
        for line in stream:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("| `") and len(cells) == 3:
                rows[cells[0].strip("`")] = set(re.findall(r"`([^`]+)`", cells[2]))
    return rows


def sources():
    for tree in TREES:
        for place, folders, names in os.walk(os.path.join(SOURCE, tree)):
            folders[:] = [name for name in folders if name not in ("testdata", "include", "tests")]
            for name in names:
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(place, SOURCE), name


def is_test(name):
    """A test may use more than what it tests; so may what several tests share."""
    return bool(re.search(r"-test(-support)?\.[ch]$|^fixture-|-fixture\.[ch]$|^fake-|-test\.h$|-bench\.c$", name))


@functools.cache
def include_edges():
    """(folder, folder) → an include that makes it."""
    folder_of, edges = {}, {}
    for folder, name in sources():
        if name.endswith(".h"):
            assert name not in folder_of, f"two headers are called {name}"
            folder_of[name] = folder
    for folder, name in sources():
        if is_test(name):
            continue
        with open(os.path.join(SOURCE, folder, name), encoding="utf-8") as stream:
            for header in INCLUDE.findall(stream.read()):
                to = "sdk/include" if header.startswith("openshell/") else folder_of.get(os.path.basename(header))
                if to is not None and to != folder:
                    edges.setdefault((folder, to), f"{folder}/{name} includes {header}")
    return edges


def symbols(paths):
    """Of each object: names that it defines for others, and names that it takes from others."""
    output = subprocess.run(["nm", "-A", *paths], check=True, capture_output=True, text=True).stdout
    found = {path: (set(), set()) for path in paths}
    for line in output.splitlines():
        path, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        if name.startswith("osh_") and (kind == "U" or kind in "TDBRVW"):
            found[path][kind == "U"].add(name)
    return found


@functools.cache
def call_edges():
    """(folder, folder) → a call or a use that makes it."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as stream:
        commands = json.load(stream)
    objects, owner, edges = {}, {}, {}
    for command in commands:
        path = os.path.relpath(os.path.join(BUILD, command["file"]), SOURCE)
        place = os.path.join(BUILD, command["output"])
        if path.startswith(tuple(tree + "/" for tree in TREES)) and "/testdata/" not in path and \
                not is_test(os.path.basename(path)) and os.path.exists(place):
            objects[place] = path
    assert len(objects) > 200, f"{len(objects)} objects were found"
    found = symbols(list(objects))
    for place, (defined, _) in found.items():
        owner.update(dict.fromkeys(defined, os.path.dirname(objects[place])))
    for place, (_, wanted) in found.items():
        path = objects[place]
        folder = os.path.dirname(path)
        for name in wanted:
            to = owner.get(name, folder)
            if to != folder:
                edges.setdefault((folder, to), f"{path} uses {name}")
    return edges


def circle(edges):
    """The folders of a circle, or nothing."""
    after = {}
    for one, other in edges:
        after.setdefault(one, []).append(other)
    state, way = {}, []

    def visit(folder):
        state[folder] = "open"
        way.append(folder)
        for other in after.get(folder, ()):
            if state.get(other) == "open":
                return way[way.index(other):] + [other]
            found = visit(other) if other not in state else None
            if found:
                return found
        state[folder] = "done"
        way.pop()
        return None

    for folder in sorted(after):
        found = visit(folder) if folder not in state else None
        if found:
            return found
    return None


def every_folder_is_on_the_map():
    rows = read_map()
    missing = {folder for folder, _ in sources()} - set(rows)
    assert not missing, f"docs/code-map.md has no row for {sorted(missing)}"
    gone = {folder for folder in rows if not os.path.isdir(os.path.join(SOURCE, folder))}
    assert not gone, f"docs/code-map.md names {sorted(gone)}, which are not there"


def a_folder_includes_and_calls_only_what_the_map_allows():
    rows = read_map()
    wrong = [why for (one, other), why in sorted({**call_edges(), **include_edges()}.items())
             if other not in rows.get(one, ())]
    assert not wrong, "docs/code-map.md does not allow: " + "; ".join(wrong)


def the_map_allows_nothing_that_is_not_used():
    used = {**call_edges(), **include_edges()}
    stale = [(one, other) for one, others in read_map().items() for other in others
             if (one, other) not in used]
    assert not stale, f"docs/code-map.md allows what nothing uses: {stale}"


def there_is_no_circle_between_folders():
    for what, edges in (("includes", include_edges()), ("calls", call_edges()),
                        ("the map", [(one, other) for one, others in read_map().items() for other in others])):
        found = circle(edges)
        assert not found, f"{what}: {' -> '.join(found)}: {[edges[pair] for pair in zip(found, found[1:])] if isinstance(edges, dict) else ''}"


TESTS = (every_folder_is_on_the_map, a_folder_includes_and_calls_only_what_the_map_allows,
         the_map_allows_nothing_that_is_not_used, there_is_no_circle_between_folders)


if __name__ == "__main__":
    sys.exit(sentences.run(TESTS))
