# SPDX-License-Identifier: Apache-2.0
"""scripts/install: what it puts where, that it works from there, and that it can be undone."""
import json
import os
import subprocess

import harness
from harness import Skip, expect, test

SCRIPT = os.path.join(harness.SOURCE, "scripts", "install")


def script(*words, stage=None, path=harness.PATH):
    environment = {"PATH": path, "HOME": harness.home(), "LANG": "C.UTF-8"}
    if stage is not None:
        environment["DESTDIR"] = stage
    return subprocess.run([SCRIPT, *words], env=environment, capture_output=True, text=True,
                          check=False, timeout=60)


def prefix():
    with open(os.path.join(harness.BUILD, "meson-info", "intro-buildoptions.json"),
              encoding="utf-8") as stream:
        return next(one["value"] for one in json.load(stream) if one["name"] == "prefix")


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(place, name), folder)
                  for place, _, names in os.walk(folder) for name in names)


def touch(*path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8"):
        pass


def listed():
    with open(os.path.join(staged()[1], "share/openshell/installed-files"),
              encoding="utf-8") as stream:
        return stream.read().splitlines()


def staged():
    """Installs this build in a folder that has something already, once; returns that folder and
    where the prefix is in it."""
    if not hasattr(staged, "places"):
        if not os.access(os.path.join(harness.BUILD, "meson-logs"), os.W_OK):
            raise Skip("meson writes a log in the build, which belongs to another user")
        folder = harness.private_scratch()
        touch(folder + prefix(), "bin", "other")
        done = script("--build", harness.BUILD, stage=folder)
        expect(done.returncode == 0, done.stdout, done.stderr)
        staged.places, staged.said = (folder, folder + prefix()), done.stdout
    return staged.places


def run(*words, cwd=None):
    host = os.path.join(staged()[1], "bin", "openshell-host")
    return subprocess.run([host, *words], cwd=cwd or harness.scratch(), capture_output=True,
                          text=True, check=False, timeout=30 * harness.SLOWER,
                          env=harness.clean_environment(), stdin=subprocess.DEVNULL)


@test("an installed host finds its plugins and profiles from any folder, and runs a program")
def _works():
    result = run("plugins")
    expect(result.returncode == 0 and "failed" not in result.stdout, result)
    for name in ("network", "process"):
        expect(f"openshell/plugins/openshell-{name}.so" in result.stdout, result.stdout)
    expect("/../" not in result.stdout, result.stdout)
    result = run("--quiet", "--", "echo", "boxed")
    expect((result.returncode, result.stdout) == (0, "boxed\n"), result)
    for folder in (harness.scratch(), harness.home(), "/usr"):
        result = run("init", cwd=folder)
        expect(result.returncode == 0 and "claude-code" in result.stdout, result)


@test("it still does where its folder was moved to")
def _moved():
    folder = harness.private_scratch()
    moved = os.path.join(folder, "elsewhere")
    done = subprocess.run(["cp", "-a", staged()[1], moved], check=False)
    expect(done.returncode == 0, done)
    host = os.path.join(moved, "bin", "openshell-host")
    link = os.path.join(harness.scratch(), "openshell-host")
    os.symlink(host, link)
    for path in (host, link):
        result = subprocess.run([path, "--quiet", "--", "echo", "moved"], cwd=harness.scratch(),
                                capture_output=True, text=True, check=False, timeout=30,
                                env=harness.clean_environment(), stdin=subprocess.DEVNULL)
        expect((result.returncode, result.stdout) == (0, "moved\n"), result)


@test("every example, profile, man page and the completion is installed, and nobody else may write")
def _complete():
    files = files_below(staged()[1])
    for kind in ("examples", "profiles"):
        for name in os.listdir(os.path.join(harness.SOURCE, "data", kind)):
            if name.endswith(".yaml"):
                expect(f"share/openshell/{kind}/{name}" in files, f"{name} is not installed")
    for name in os.listdir(os.path.join(harness.SOURCE, "docs", "man")):
        expect(f"share/man/man{name[-1]}/{name}" in files, f"{name} is not installed")
    expect("share/openshell/examples/host.conf" in files, files)
    expect("share/bash-completion/completions/openshell-host" in files, files)
    for place, folders, names in os.walk(staged()[1]):
        for name in folders + names:
            mode = os.stat(os.path.join(place, name)).st_mode
            expect(mode & 0o022 == 0, f"others may write to {place}/{name}: {mode:o}")


@test("the list holds exactly what was installed")
def _list():
    mine = sorted(line[5:] for line in listed() if line.startswith("file "))
    have = [name for name in files_below(staged()[1]) if name != "bin/other"]
    expect(mine == have, set(mine) ^ set(have))
    expect("folder bin" not in listed() and "folder share" in listed(), listed())


@test("it says where a bin folder is not in PATH, what to type, and how to remove it; what an "
      "earlier version had and this one has not is removed")
def _again():
    folder, place = staged()
    expect(f"{prefix()}/bin" in harness.PATH.split(":"), "not the case that is meant")
    expect("not in PATH" not in staged.said and "--remove" in staged.said, staged.said)
    touch(place, "share/openshell/old.txt")
    with open(os.path.join(place, "share/openshell/installed-files"), "a",
              encoding="utf-8") as stream:
        stream.write("file share/openshell/old.txt\n")
    before = listed()
    done = script("--build", harness.BUILD, stage=folder, path="/usr/bin:/bin")
    expect(done.returncode == 0, done.stderr)
    expect(f"export PATH={prefix()}/bin:$PATH" in done.stdout, done.stdout)
    expect("share/openshell/old.txt" not in files_below(place), files_below(place))
    expect(sorted(listed() + ["file share/openshell/old.txt"]) == sorted(before), listed())


@test("--remove takes away what was installed and nothing else")
def _remove():
    folder, place = staged()
    touch(place, "share/openshell/mine.txt")
    done = script("--remove", "--prefix", prefix(), stage=folder)
    expect(done.returncode == 0 and "removed" in done.stdout, done)
    expect(files_below(place) == ["bin/other", "share/openshell/mine.txt"], files_below(place))
    expect(sorted(os.listdir(place)) == ["bin", "share"], os.listdir(place))
    done = script("--remove", "--prefix", prefix(), stage=folder)
    expect(done.returncode == 1 and "nothing is installed" in done.stderr, done)


@test("a list that leads out of the prefix is refused before anything is removed")
def _damaged():
    folder = harness.private_scratch()
    place = os.path.join(folder, "p")
    os.makedirs(os.path.join(place, "share/openshell"))
    victim = os.path.join(folder, "victim")
    inner = os.path.join(place, "inner")
    for line in ("file ../victim", "file share/../../victim", f"file {victim}", "folder ..",
                 "other x", "file"):
        for path in (victim, inner):
            with open(path, "w", encoding="utf-8"):
                pass
        with open(os.path.join(place, "share/openshell/installed-files"), "w",
                  encoding="utf-8") as stream:
            stream.write(f"file inner\n{line}\n")
        done = script("--remove", "--prefix", place)
        expect(done.returncode == 1 and "damaged" in done.stderr, line, done)
        expect(os.path.exists(victim) and os.path.exists(inner), line)


@test("an argument that it does not know installs nothing")
def _arguments():
    for words in (["--perfix", "/x"], ["/x"], ["--prefix"], ["--build", harness.BUILD, "--remove"]):
        done = script(*words)
        expect(done.returncode == 1 and done.stderr.startswith("install: "), words, done)
    done = script("--help")
    expect(done.returncode == 0 and "--remove" in done.stdout and "#" not in done.stdout, done)


harness.main()
