# SPDX-License-Identifier: Apache-2.0
"""The events: the table of event.h, the headers event-NAME.h and their comments agree."""
import glob
import os
import re
import sys

import sentences

SOURCE = os.environ["OSH_SOURCE"]
INCLUDE = os.path.join(SOURCE, "sdk", "include", "openshell")
DEFINE = re.compile(r"^OSH_EVENT_DEFINE\((\w+), (\w+), (\w+)\)$", re.M)
TABLE = re.compile(r"^#define OSH_EVENT_(\w+)_MEMBERS\(MEMBER, DETAIL, FLAGGED\)((?:.*\\\n)*.*\n)", re.M)
ROW = re.compile(r"\b(MEMBER|DETAIL|FLAGGED)\((\w+), (\w+)(?:, \"([^\"]+)\")?\)")


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def families():
    """event-NAME.h → its text."""
    found = {os.path.basename(path): read(path) for path in glob.glob(os.path.join(INCLUDE, "event-*.h"))
             if not path.endswith("event-codec.h")}
    assert len(found) > 5, found
    return found


def topics():
    """The rows of event.h: SYMBOL → (symbol, Struct)."""
    rows = re.findall(r"^    X\((\w+), +(\w+), +(\w+), +(?:LOSSLESS|DENIAL|SAMPLED), +(?:TRUE|FALSE), +\w+\)",
                      read(os.path.join(INCLUDE, "event.h")), re.M)
    assert len(rows) > 20, rows
    return {symbol: (lower, struct) for symbol, lower, struct in rows}


def each_event_of_a_header_has_its_row_and_each_row_its_event():
    defined = {}
    for name, text in families().items():
        for symbol, lower, struct in DEFINE.findall(text):
            assert symbol not in defined, f"{symbol} is defined twice"
            defined[symbol] = lower, struct
            assert lower == symbol.lower() and struct.lower() == symbol.replace("_", "").lower(), \
                f"{name}: {symbol}, {lower} and {struct} are not one name"
    assert defined == topics(), f"{set(defined.items()) ^ set(topics().items())}"


def event_h_includes_each_family():
    included = set(re.findall(r'^#include "openshell/(event-\w+\.h)"', read(os.path.join(INCLUDE, "event.h")), re.M))
    assert included == set(families()), included ^ set(families())


def the_comment_of_an_event_names_its_members_and_no_others():
    for name, text in families().items():
        for symbol, rows in TABLE.findall(text):
            struct = topics()[symbol][1]
            comment = re.search(r"/\*\*\n \* OshEvent" + struct + r":\n(.*?)\*/", text, re.S)
            assert comment, f"{name}: OshEvent{struct} has no comment"
            said = re.findall(r"^ \* @(\w+):", comment.group(1), re.M)
            members = []
            for kind, _, member, _ in ROW.findall(rows):
                members += ([f"has_{member}"] if kind == "FLAGGED" else []) + [member]
            assert said == members + ["more"], f"{name}: OshEvent{struct} has {members}, its comment {said}"
            assert " * Since: " in comment.group(1), f"{name}: OshEvent{struct} says no Since"


def a_detail_that_may_be_absent_says_so():
    for name, text in families().items():
        for symbol, rows in TABLE.findall(text):
            comment = re.search(r"OshEvent" + topics()[symbol][1] + r":\n(.*?)\*/", text, re.S).group(1)
            for kind, ctype, member, key in ROW.findall(rows):
                nullable = f"@{member}: (nullable)" in comment
                expected = kind == "DETAIL" and ctype in ("STRING", "STRINGS")
                assert nullable == expected, f"{name}: {symbol}: @{member} is nullable: {expected}"
                assert kind == "MEMBER" or key == member.replace("_", "-"), f"{name}: {symbol}: {member} has the key {key}"


def payloads_of_the_topics_are_packed_and_unpacked_by_their_functions():
    """No publisher and no subscriber writes the tuple of a topic once more."""
    tuples = re.compile(r'"\(@?[&a-z{}()@]*(?:a\{sv\}|@a\{sv\})\)"')
    for top in ("host", "plugins"):
        for place, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in names:
                path = os.path.join(place, name)
                if not name.endswith(".c") or name.endswith("-test.c"):
                    continue
                found = tuples.search(read(path))
                assert not found, f"{os.path.relpath(path, SOURCE)}: {found.group()}"


TESTS = (each_event_of_a_header_has_its_row_and_each_row_its_event, event_h_includes_each_family,
         the_comment_of_an_event_names_its_members_and_no_others, a_detail_that_may_be_absent_says_so,
         payloads_of_the_topics_are_packed_and_unpacked_by_their_functions)

if __name__ == "__main__":
    sys.exit(sentences.run(TESTS))
