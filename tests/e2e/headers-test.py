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
        # Twice: the guard must hold. A file without a declaration is not C.
        text = f'#include "{header}"\n' * 2 + "extern int something;\n"
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


def compile_text(text, compiler="gcc", language="c", standard="c11", warnings=STRICT, more=()):
    """Compiles `text` against what is installed; returns the finished process."""
    return subprocess.run([compiler, "-x", language, f"-std={standard}", *warnings, *more,
                           *flags("openshell-1"), "-"], input=text, capture_output=True, text=True,
                          check=False, timeout=30)


@test("openshell.h has every stable header of a plugin and no draft")
def _umbrella():
    top = os.path.join(harness.SOURCE, "sdk/include/openshell")
    stable = {"openshell/" + os.path.relpath(os.path.join(folder, name), top)
              for folder, _, names in os.walk(top) for name in names
              if not folder.endswith("/draft")} - {"openshell/openshell.h", "openshell/session.h"}
    done = compile_text("#include <openshell/openshell.h>\n", more=["-M"])
    expect(done.returncode == 0, done.stderr)
    read = set(re.findall(r"/openshell-1/(openshell/\S+)", done.stdout))
    expect(read == stable | {"openshell/openshell.h"}, "differ:", read ^ stable)


PLUGIN = """
#include <openshell/openshell.h>
OSH_PLUGIN_MANIFEST("[plugin]\\nid=x\\nversion=1.0.0\\nabi=1.0\\nsummary=s\\nlicense=MIT\\n");
typedef struct { const OshHost *host; } Self;
static gboolean create(const OshHost *host, Self **ret_self, GError **error)
{ (void)error; *ret_self = g_new0(Self, 1); (*ret_self)->host = host; return TRUE; }
static void start(Self *self, OshReadyFunc ready, gpointer data) { (void)self; ready(data, NULL); }
static void stop(Self *self, gint64 deadline, OshDoneFunc done, gpointer data)
{ (void)self; (void)deadline; done(data); }
static void destroy(Self *self) { g_free(self); }
static gboolean get_interface(Self *self, const char *id, OshInterface *ret_interface)
{ (void)id; ret_interface->instance = self; return FALSE; }
"""
WHOLE = ("OSH_PLUGIN_DEFINE(Self, .create = create, .start = start, .stop = stop, .destroy = destroy,"
         " .get_interface = get_interface)\n")


@test("a function of another signature than OSH_PLUGIN_DEFINE asks for is an error, also without warnings")
def _signatures():
    done = compile_text(PLUGIN + WHOLE)
    expect(done.returncode == 0, done.stderr)
    for compiler in ("gcc", "clang"):
        done = compile_text(PLUGIN + WHOLE, compiler, warnings=["-w", "-fsyntax-only"])
        expect(done.returncode == 0, done.stderr)
        for name, good, bad in (("create", "Self **ret_self", "gpointer *ret_self"),
                                ("start", "start(Self *self", "start(char *self"),
                                ("stop", "gint64 deadline", "guint deadline"),
                                ("destroy", "destroy(Self *self)", "destroy(const OshHost *self)"),
                                ("get_interface", "OshInterface *ret", "OshHost *ret")):
            text = PLUGIN.replace(good, bad).replace("(*ret_self)->host = host;", "")
            expect(text != PLUGIN, name)
            text = text.replace("ret_interface->instance = self;", "")
            done = compile_text(text + WHOLE, compiler, warnings=["-fsyntax-only"])
            expect(done.returncode != 0 and re.search(r"error: .*incompatible", done.stderr),
                   f"{compiler} takes a wrong {name}:", done.stderr)


@test("a plugin in C++17 has typed functions, static facts and spans, without a warning")
def _cxx_plugin():
    text = PLUGIN + """
static const OshSpan keys[] = {OSH_SPAN_INIT("a"), OSH_SPAN_INIT("b")};
static const OshFact facts[] = {
    OSH_FACT_STRING_INIT("x.command", OSH_SPAN_INIT("GET")), OSH_FACT_INTEGER_INIT("x.n", 3),
    OSH_FACT_BOOLEAN_INIT("x.b", TRUE), OSH_FACT_STRINGS_INIT("x.keys", keys, 2)};
OshSpan first(void); OshSpan first(void) { return facts[0].name ? OSH_SPAN_LITERAL("x") : keys[0]; }
OSH_PLUGIN_DEFINE(Self, create, start, stop, destroy, get_interface)
"""
    done = compile_text(text, "g++", "c++", "c++17")
    expect(done.returncode == 0, done.stderr)
    done = compile_text(text.replace("gint64 deadline", "guint deadline"), "g++", "c++", "c++17")
    expect(done.returncode != 0 and "invalid conversion" in done.stderr, done.stderr)


@test("what is deprecated, or newer than allowed, is a warning by the versions that a plugin names")
def _versions():
    text = """
#include <openshell/version.h>
OSH_DEPRECATED_IN_1_0 void was(void);
OSH_DEPRECATED_IN_1_0_FOR(is) void was_for(void);
OSH_AVAILABLE_IN_1_0 void is(void);
void all(void);
void all(void) { was(); was_for(); is(); }
"""
    older = "OSH_ENCODE_VERSION(0,9)"
    for more, warned in (([], ["was", "use 'is' instead"]),
                         ([f"-DOSH_VERSION_MIN_REQUIRED={older}"], []),
                         ([f"-DOSH_VERSION_MIN_REQUIRED={older}", f"-DOSH_VERSION_MAX_ALLOWED={older}"],
                          ["not in the plugin ABI before 1.0"])):
        done = compile_text(text, warnings=["-Wall", "-fsyntax-only"], more=more)
        expect(done.returncode == 0 and done.stderr.count("warning:") == len(warned) and
               all(words in done.stderr for words in warned), more, done.stderr)
    done = compile_text(text, more=[f"-DOSH_VERSION_MAX_ALLOWED={older}"])
    expect(done.returncode != 0 and "must not be before" in done.stderr, done.stderr)


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
