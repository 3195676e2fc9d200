# SPDX-License-Identifier: Apache-2.0
"""Which contracts are stable and which are drafts: headers, ids and docs/abi.md agree."""
import os
import re
import sys

import sentences

SOURCE = os.environ["OSH_SOURCE"]
INCLUDE = os.path.join(SOURCE, "sdk", "include", "openshell")
ROW = re.compile(r"^\| `(ext/[a-z0-9/-]+\.h)` \| `([^`]+)` \|", re.M)
ID = re.compile(r"\bopenshell\.(?:draft\.)?[a-z0-9-]+/[0-9]+")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as stream:
        return stream.read()


# A header that only the header of its contract includes, and that would be too long in it.
PARTS = {"ext/draft/l7-rules.h": "ext/draft/l7-protocol.h"}


def contracts():
    """ext/….h → (its text, the ids that it defines)."""
    found = {}
    for place, _, names in os.walk(os.path.join(INCLUDE, "ext")):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), INCLUDE)
            text = read(INCLUDE, path)
            if path in PARTS:
                assert f'#include "openshell/{path}"' in read(INCLUDE, PARTS[path]), path
                continue
            found[path] = text, re.findall(r'^#define OSH_INTERFACE_[A-Z0-9_]+ "([^"]+)"', text, re.M)
    assert len(found) > 10, found
    return found


def a_header_of_a_contract_defines_one_id_that_says_whether_it_is_a_draft():
    for path, (text, ids) in contracts().items():
        name = os.path.basename(path)[:-2]
        prefix = "openshell.draft." if path.startswith("ext/draft/") else "openshell."
        assert len(ids) == 1, f"{path} defines {ids}"
        assert re.fullmatch(re.escape(prefix + name) + r"/[1-9][0-9]*", ids[0]), f"{path} defines {ids[0]}"
        head = " ".join(text.split("*/")[1].split())
        assert f'* {path}: "{ids[0]}"' in head, f"the first comment of {path} does not say {path} and {ids[0]}"


def the_table_of_contracts_is_what_the_headers_say():
    table = dict(ROW.findall(read("docs", "abi.md")))
    headers = {path: ids[0] for path, (_, ids) in contracts().items()}
    assert table == headers, f"docs/abi.md: {set(table.items()) ^ set(headers.items())}"


def a_stable_contract_includes_no_draft():
    for path, (text, _) in contracts().items():
        if not path.startswith("ext/draft/"):
            assert "/draft/" not in text, f"{path} is stable and names a draft"


def nothing_names_an_id_that_no_header_defines():
    """Manifests, tests and pages; an id of another revision, or of before a promotion, is stale."""
    defined = {ids[0] for _, ids in contracts().values()}
    names = {re.sub(r"openshell\.(draft\.)?|/.*", "", one) for one in defined}
    for top in ("host", "plugins", "sdk", "tests/plugins", "docs"):
        for place, _, files in os.walk(os.path.join(SOURCE, top)):
            for path in (os.path.relpath(os.path.join(place, name), SOURCE) for name in files):
                if not path.endswith((".c", ".h", ".md", ".build")) or path in EXEMPT:
                    continue
                for one in ID.findall(read(path)):
                    if re.sub(r"openshell\.(draft\.)?|/.*", "", one) in names:
                        assert one in defined, f"{path} names {one}"


def the_example_of_the_l7_contract_is_the_session_that_its_test_runs():
    def plain(text):
        return " ".join(re.sub(r"/\*.*?\*/|//[^\n]*|\(void\)\w+;", "", text, flags=re.S).split())

    example = read(INCLUDE, "ext/draft/l7-protocol.h").split("|[")[1].split("-->")[1].split("]|")[0]
    example = re.sub(r"^ \* ?", "", example, flags=re.M)
    run = plain(read("sdk", "tests", "l7-protocol-contract-test.c"))
    pieces = [plain(piece) for piece in re.split(r"\n(?=typedef|static)", example) if piece.strip()]
    assert len(pieces) == 3, pieces
    for piece in pieces:
        assert piece in run, f"the contract test does not run: {piece}"


# The manifest's grammar is tested with ids that are wrong.
EXEMPT = ("host/manifest/manifest-test.c",)

TESTS = (a_header_of_a_contract_defines_one_id_that_says_whether_it_is_a_draft,
         the_table_of_contracts_is_what_the_headers_say, a_stable_contract_includes_no_draft,
         nothing_names_an_id_that_no_header_defines,
         the_example_of_the_l7_contract_is_the_session_that_its_test_runs)

if __name__ == "__main__":
    sys.exit(sentences.run(TESTS))
