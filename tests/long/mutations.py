# SPDX-License-Identifier: Apache-2.0
"""Small mistakes planted in the code, one by one: a test notices each of them."""
import contextlib
import ctypes
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["OSH_SOURCE"]
BUILD = os.environ["OSH_BUILD"]
AREAS = os.path.join(SOURCE, "tests", "long", "mutations")
SEED = 1  # the short form takes the same rows every time, some of each area
BUILD_SECONDS = 120
TEST_SECONDS = 90
LIBC = ctypes.CDLL(None)
CLONE_NEWNS = 0x20000        # unshare(2)
MS_NOSUID, MS_NODEV = 2, 4   # mount(2)
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


class Area:
    """A file of tests/long/mutations. ROWS: (file, text that stands there once, text in its place[,
    tests]); TESTS: the tests of a row that names none. Tests are names of `meson test`, separated by
    spaces, quick ones first; "e2e-life/word" is those of its sentences with that word ("_" is a
    blank). UNNOTICED: {(file, text): why no test can notice it}; such a row counts as not noticed."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location("mutations_" + self.name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.rows = [(*row[:3], (row[3] if len(row) > 3 else module.TESTS).split())
                     for row in module.ROWS]
        self.excused = getattr(module, "UNNOTICED", {})
        self.planted = self.noticed = 0


class Copy:
    """A copy of the source tree and of its build, in which ninja has nothing to do at first."""

    def __init__(self, folder):
        self.source = os.path.join(folder, "tree")
        self.build = os.path.join(self.source, os.path.basename(BUILD))
        names = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached",
                                "--others", "--exclude-standard"], cwd=SOURCE, check=True,
                               capture_output=True).stdout.split(b"\0")
        for name in filter(None, map(os.fsdecode, names)):
            place = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # deleted, and git does not know yet
                shutil.copy2(os.path.join(SOURCE, name), place)
        subprocess.run(["cp", "-a", BUILD, self.build], check=True)
        with open(os.path.join(BUILD, "meson-info", "intro-tests.json"), encoding="utf-8") as stream:
            self.tests = {test["name"]: test for test in json.load(stream)}
        with open(os.path.join(BUILD, "meson-info", "intro-targets.json"), encoding="utf-8") as stream:
            self.targets = {target["id"]: target for target in json.load(stream)}
        self.environment = self._environment(folder)
        self.scratch = os.path.join(folder, "tmp")
        os.mkdir(self.scratch)
        os.chmod(self.scratch, 0o1777)
        os.chmod(folder, 0o711)
        self.good = set()  # tests that have passed without a mistake

    @staticmethod
    def _environment(folder):
        """What ninja runs with: a compiler that is quick, and warns of nothing that is planted."""
        tools = os.path.join(folder, "tools")
        os.mkdir(tools)
        for name in ("cc", "gcc", "clang"):
            real = shutil.which(name)
            if real is None:
                continue
            with open(os.path.join(tools, name), "w", encoding="utf-8") as stream:
                stream.write(f'#!/bin/sh\nexec {real} "$@" -w -O0 -U_FORTIFY_SOURCE\n')
            os.chmod(os.path.join(tools, name), 0o755)
        return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CCACHE_DISABLE": "1"}

    def _there(self, text):
        """@text, an argument or a path of the true build, as it is in the copy."""
        return text.replace(BUILD, self.build).replace(SOURCE, self.source)

    def _needed(self, name):
        """What ninja has to make before test @name can run."""
        test = self.tests[name]
        if name.startswith("e2e-"):
            wanted = [target for target in self.targets.values() if target["type"] == "shared module"
                      or target["name"] in ("openshell-host", "outer-world", "attempt", "box-client")]
        else:
            wanted = [self.targets[identity] for identity in test["depends"]]
            wanted += [t for t in self.targets.values() if test["cmd"][0] in t["filename"]]
        return sorted({os.path.relpath(path, BUILD) for target in wanted
                       for path in target["filename"]})

    def make(self, name):
        """Whether what test @name needs could be built."""
        return run(["ninja", "-C", self.build, "--quiet", *self._needed(name)], self.environment,
                   self.source, BUILD_SECONDS)

    def passes(self, words):
        """Whether test @words (a name, perhaps with a part of its sentences) passes."""
        name, _, sentence = words.partition("/")
        test = self.tests[name]
        command = [self._there(word) for word in test["cmd"]]
        if sentence:
            command.append(sentence.replace("_", " "))
        environment = {key: self._there(value) for key, value in test["env"].items()}
        folder = self._there(test["workdir"]) if test["workdir"] else self.build
        # A test that notices a mistake may abort: what it leaves goes with the copy.
        environment["TMPDIR"] = self.scratch
        return run(command, {**os.environ, **environment}, folder, TEST_SECONDS)


def hide_shared_folders():
    """Gives this process folders of its own where tests leave files besides TMPDIR, if it may."""
    if LIBC.unshare(CLONE_NEWNS) == 0 and \
            LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0:
        for folder in ("/var/tmp", "/dev/shm"):
            if os.getcwd().startswith(folder):  # TMPDIR is there
                continue
            source = os.open(SOURCE, os.O_PATH | os.O_CLOEXEC)
            LIBC.mount(b"tmpfs", folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=1777")
            if not os.path.exists(SOURCE):
                os.makedirs(SOURCE)
                LIBC.mount(f"/proc/self/fd/{source}".encode(), SOURCE.encode(), None,
                           MS_BIND | MS_REC, None)
            os.close(source)


def run(command, environment, folder, seconds):
    """Whether @command ended with 0 in time. What it started ends with it."""
    with subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          preexec_fn=hide_shared_folders, start_new_session=True) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def verdict(copy, row):
    """The test that noticed the mistake of @row, or why there is none. Returns: (noticed, words)."""
    path, old, new, tests = row
    place = os.path.join(copy.source, path)
    with open(place, encoding="utf-8") as stream:
        text = stream.read()
    if text.count(old) != 1:
        return False, f"the text stands there {text.count(old)} times"
    for words in tests:
        if words.split("/")[0] not in copy.tests:
            return False, f"there is no test {words}"
        if words not in copy.good:
            if not copy.make(words.split("/")[0]) or not copy.passes(words):
                return False, f"{words} fails without a mistake"
            copy.good.add(words)
    try:
        with open(place, "w", encoding="utf-8") as stream:
            stream.write(text.replace(old, new))
        for words in tests:
            if not copy.make(words.split("/")[0]):
                return False, "it does not compile"
            if not copy.passes(words):
                return True, words
        return False, "was not noticed"
    finally:
        with open(place, "w", encoding="utf-8") as stream:
            stream.write(text)


def order(areas):
    """The rows of all areas in turn, those of each in an order that the seed makes."""
    queues = []
    for area in areas:
        rows = list(area.rows)
        random.Random(SEED).shuffle(rows)
        queues.append([(area, row) for row in rows])
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop(0)


def main():
    deadline = time.monotonic() + int(sys.argv[1])
    chosen = os.environ.get("OSH_MUTATIONS", "")  # of these areas alone, or whose file has the word
    areas = [Area(os.path.join(AREAS, name)) for name in sorted(os.listdir(AREAS))
             if name.endswith(".py")]
    if chosen and chosen in [area.name for area in areas]:
        areas = [area for area in areas if area.name == chosen]
    elif chosen:
        for area in areas:
            area.rows = [row for row in area.rows if chosen in row[0] + row[1]]
    failed = False
    for row in (row for area in areas for row in area.rows):
        with open(os.path.join(SOURCE, row[0]), encoding="utf-8") as stream:
            times = stream.read().count(row[1])
        if times != 1:
            print(f"STALE   {row[0]}: {row[1]!r} stands there {times} times")
            failed = True
    with tempfile.TemporaryDirectory(prefix="osh-mutations-") as folder:
        copy = Copy(folder)
        for number, (area, row) in enumerate(order(areas)):
            if number >= len(areas) and time.monotonic() > deadline:
                break
            began = time.monotonic()
            noticed, words = verdict(copy, row)
            area.planted += 1
            area.noticed += noticed
            excuse = area.excused.get(row[:2])
            failed |= not noticed and excuse is None
            took = f"{time.monotonic() - began:.1f} s"
            print(f"{'noticed' if noticed else 'MISSED '} {row[0]}: {row[1]!r} -> {row[2]!r}: {words}"
                  f"{'' if noticed or excuse is None else ' (' + excuse + ')'}, {took}", flush=True)
    for area in areas:
        print(f"{area.name}: {area.noticed} of {area.planted} noticed, of {len(area.rows)} known")
    print(f"{sum(a.noticed for a in areas)} of {sum(a.planted for a in areas)} noticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
