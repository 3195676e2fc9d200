# SPDX-License-Identifier: Apache-2.0
"""The public headers: each symbol has a comment that names it, and each comment names a symbol.

A comment is `/** NAME: text */`, or begins with a line ` * NAME:`; the names of both kinds are read
here, since the API reference is made from them.
"""
import os
import re
import sys

import sentences

SOURCE = os.environ["OSH_SOURCE"]
INCLUDE = os.path.join(SOURCE, "sdk", "include", "openshell")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
DOCUMENTS = re.compile(r"/\*\*\s+(?:\* )?([A-Za-z_][A-Za-z0-9_]*):", re.S)
DECLARES = (
    re.compile(r"^#define (OSH_[A-Z0-9_]+|osh_[a-z0-9_]+)", re.M),
    re.compile(r"^(osh_[a-z0-9_]+)\(", re.M),
    re.compile(r"^static inline [^;{}]*?\b(osh_[a-z0-9_]+)\(", re.M),
    re.compile(r"^\} (\w+);", re.M),
    re.compile(r"^struct _(\w+) \{", re.M),
    re.compile(r"^typedef [^;{}]*\(\*(\w+)\)\(", re.M),
    re.compile(r"^typedef (?:struct _)?\w+ (\w+);", re.M),
    re.compile(r"^extern [^;]*?\b(\w+);", re.M),
)
# Rows and pieces of the table of events, which the tests of the events hold together; the interface
# ids, which tests/structure/contracts-test.py does; what defines a plugin inside its macro.
EXEMPT = re.compile(r"OSH_EVENT_|OSH_TOPIC_|OSH_INTERFACE_|OSH_PLUGIN_TYPES_|osh_event_|OshEvent")
FUNCTION = re.compile(r"^(?:static inline .*\n)?(osh_[a-z0-9_]+)\(([^;{}]*?)\)\n?[;{]", re.M)


def headers():
    """path → its text."""
    found = {}
    for place, _, names in os.walk(INCLUDE):
        for name in names:
            path = os.path.join(place, name)
            with open(path, encoding="utf-8") as stream:
                found[os.path.relpath(path, INCLUDE)] = stream.read()
    assert len(found) > 20, found
    return found


def declared(text):
    code = COMMENT.sub("", text)
    return {name for pattern in DECLARES for name in pattern.findall(code)}


def every_public_symbol_has_a_comment_that_names_it():
    missing = []
    for path, text in headers().items():
        documented = set(DOCUMENTS.findall(text))
        # A fact's name is documented by the sentence above it.
        documented |= set(re.findall(r"\*/\n#define (OSH_FACT_[A-Z0-9_]+) ", text))
        missing += [f"{path}: {name}" for name in sorted(declared(text) - documented)
                    if not EXEMPT.match(name)]
    assert not missing, f"{len(missing)} without a comment: " + ", ".join(missing)


def every_comment_names_a_symbol_of_its_header():
    wrong = []
    for path, text in headers().items():
        # An event's struct and functions are made by macros.
        wrong += [f"{path}: {name}" for name in DOCUMENTS.findall(text)
                  if name not in declared(text) and not EXEMPT.match(name)]
    assert not wrong, "comments name what is not there: " + ", ".join(wrong)


def a_comment_of_a_function_names_no_parameter_that_it_does_not_have():
    wrong = []
    for path, text in headers().items():
        code = COMMENT.sub("", text)
        parameters = {name: set(re.findall(r"(\w+)\s*(?:,|$)", " ".join(part.split())))
                      for name, part in FUNCTION.findall(code)}
        for comment in COMMENT.findall(text):
            name = DOCUMENTS.match(comment)
            if name and name.group(1) in parameters:
                wrong += [f"{path}: {name.group(1)}: @{one}"
                          for one in re.findall(r"^ \* @(\w+):", comment, re.M)
                          if one not in parameters[name.group(1)]]
    assert not wrong, "comments name parameters that are not there: " + ", ".join(wrong)


TESTS = (every_public_symbol_has_a_comment_that_names_it, every_comment_names_a_symbol_of_its_header,
         a_comment_of_a_function_names_no_parameter_that_it_does_not_have)

if __name__ == "__main__":
    sys.exit(sentences.run(TESTS))
