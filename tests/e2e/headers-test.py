# SPDX-License-Identifier: Apache-2.0
"""The installed headers, each compiled alone, and what pkg-config says about them."""
import os
import re
import subprocess

import harness
from harness import expect, test

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror", "-fsyntax-only"]


def installed():
    """Installs the build into a scratch folder, once, and returns its prefix."""
    if not hasattr(installed, "prefix"):
        folder = harness.scratch()
        harness.install(folder)
        installed.prefix = folder
    return installed.prefix


def find(suffix):
    for folder, _, names in os.walk(installed()):
        for name in names:
            path = os.path.join(folder, name)
            if path.endswith(suffix):
                yield path


def flags(package):
    folder = os.path.dirname(next(find("pkgconfig/openshell-1.pc")))
    done = subprocess.run(["/usr/bin/pkg-config", "--cflags", package], check=True,
                          env={"PATH": harness.PATH, "PKG_CONFIG_PATH": folder},
                          capture_output=True, text=True)
    return done.stdout.split()


def compile_each(compiler, language, standard):
    headers = sorted(path for path in find(".h") if "/openshell-1/" in path)
    expect(len(headers) > 10, "few headers are installed:", headers)
    running = []
    for header in headers:
        # Twice: the guard must hold.
        text = f'#include "{header}"\n' * 2
        running.append((header, subprocess.Popen(
            [compiler, "-x", language, f"-std={standard}", *STRICT, *flags("openshell-1"), "-"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True), text))
        if len(running) == 2:
            finish(running)
    finish(running)


def finish(running):
    for header, process, text in running:
        errors = process.communicate(text, timeout=30)[1]
        expect(process.returncode == 0, f"{header} does not compile alone:", errors)
    running.clear()


@test("every installed header compiles alone as C11")
def _c():
    compile_each("gcc", "c", "c11")


@test("every installed header compiles alone as C++")
def _cxx():
    compile_each("g++", "c++", "c++17")


@test("every header in sdk/include and every helper header that another includes is installed")
def _complete():
    top = os.path.join(harness.SOURCE, "sdk/include/openshell")
    wanted = {os.path.relpath(os.path.join(folder, name), top)
              for folder, _, names in os.walk(top) for name in names if name.endswith(".h")}
    have = {path.split("/openshell-1/openshell/")[1] for path in find(".h")
            if "/openshell-1/openshell/" in path}
    expect(wanted <= have, "not installed:", wanted - have)


@test("no installed header includes one that is not installed")
def _closed():
    have = {path.split("/openshell-1/")[1] for path in find(".h") if "/openshell-1/" in path}
    for path in find(".h"):
        if "/openshell-1/" not in path:
            continue
        with open(path, encoding="utf-8") as stream:
            for name in re.findall(r'^#include "([^"]+)"', stream.read(), re.MULTILINE):
                beside = os.path.join(os.path.dirname(path.split("/openshell-1/")[1]), name)
                expect(name in have or os.path.normpath(beside) in have,
                       f"{path} includes {name}, which is not installed")


@test("openshell-1.pc needs GLib and GObject and nothing of the host")
def _pc():
    with open(next(find("pkgconfig/openshell-1.pc")), encoding="utf-8") as stream:
        text = stream.read()
    expect(re.search(r"^Requires: glib-2.0, gobject-2.0$", text, re.MULTILINE), text)
    expect("Libs:" not in text, text)


@test("the helper library links from its pkg-config file")
def _util():
    folder = os.path.dirname(next(find("pkgconfig/openshell-util-1.pc")))
    done = subprocess.run(["/usr/bin/pkg-config", "--cflags", "--libs", "openshell-util-1"],
                          check=True, env={"PATH": harness.PATH, "PKG_CONFIG_PATH": folder},
                          capture_output=True, text=True)
    program = ('#include <openshell/util/osh-buffer.h>\n#include <glib.h>\n'
               'int main(void) { return 0; }\n')
    built = subprocess.run(["gcc", "-x", "c", "-", "-o", os.path.join(harness.scratch(), "a.out"),
                            *done.stdout.split()], input=program, capture_output=True, text=True,
                           check=False)
    expect(built.returncode == 0, built.stderr)


harness.main()
