# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of a file of this folder: each is a function whose name is the sentence it proves."""
import traceback


def run(tests):
    """Prints TAP for `tests`; returns whether any failed."""
    print(f"1..{len(tests)}")
    failed = False
    for number, test in enumerate(tests, 1):
        words = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {words}")
        except Exception:  # pylint: disable=broad-except
            failed = True
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {words}")
    return failed
