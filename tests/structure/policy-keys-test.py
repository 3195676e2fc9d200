# SPDX-License-Identifier: Apache-2.0
"""The keys of a policy's endpoint stand in one table, and in the manual."""
import os
import re
import sys
import traceback

SOURCE = os.environ["OSH_SOURCE"]
TABLE = "host/policy/model/endpoint-key.c"
ROW = re.compile(r'^    \{"([a-z_.]+)", (SPECIAL|SWITCH|TEXT|BYTES|SECTION|DERIVED),([^}]*)\}', re.M)
# A check and the decision judge what a key means, so they may name it.
JUDGES = ("host/policy/check/", "host/policy/decide/")


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as stream:
        return stream.read()


def rows():
    """(name, type, rest of the row) of every key."""
    found = [match.groups() for match in ROW.finditer(read(TABLE))]
    assert len(found) > 20, f"{len(found)} rows were found in {TABLE}"
    return found


def sources():
    for tree in ("host/policy", "host/record", "host/reload"):
        for place, _, names in os.walk(os.path.join(SOURCE, tree)):
            for name in names:
                path = os.path.relpath(os.path.join(place, name), SOURCE)
                if name.endswith((".c", ".h")) and not name.endswith("-test.c"):
                    yield path


def a_key_that_its_row_describes_is_named_by_the_table_and_its_judges_alone():
    plain = [name for name, kind, rest in rows()
             if kind in ("SWITCH", "TEXT", "BYTES") and "ALONE" not in rest and "." not in name]
    assert plain, "no such row"
    wrong = [f"{path} names {name}" for path in sources() for name in plain
             if path != TABLE and not path.startswith(JUDGES) and f'"{name}"' in read(path)]
    # What is learned is written with it, as a person would.
    assert wrong == ["host/record/learn-write.c names allow_encoded_slash"], wrong


def every_key_is_in_the_manual():
    manual = read("docs/man/openshell-policy.5")
    missing = [name for name, kind, _ in rows()
               if kind != "DERIVED" and not re.search(rf"\b{re.escape(name.split('.')[-1])}\b", manual)]
    assert not missing, f"docs/man/openshell-policy.5 does not name {missing}"


TESTS = (a_key_that_its_row_describes_is_named_by_the_table_and_its_judges_alone, every_key_is_in_the_manual)


def main():
    print(f"1..{len(TESTS)}")
    failed = False
    for number, test in enumerate(TESTS, 1):
        words = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {words}")
        except Exception:  # pylint: disable=broad-except
            failed = True
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {words}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
