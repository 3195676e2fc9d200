# SPDX-License-Identifier: Apache-2.0
"""The reports of sanitizers: each process writes its own to a folder, where the harness looks."""
import os
import re
import subprocess

VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "G_SLICE")
MOST = 8000         # characters of a report

_folder = []


def begin(folder):
    """Makes whatever is started from now on write its reports to @folder, which is made."""
    os.mkdir(folder)
    os.chmod(folder, 0o1777)
    _folder.append(folder)
    # The host cannot be traced, which the leak check would have to do.
    for name, options in (("ASAN_OPTIONS", "detect_leaks=0"), ("UBSAN_OPTIONS", "print_stacktrace=1"),
                          ("TSAN_OPTIONS", "exitcode=66")):
        given = os.environ.get(name)
        os.environ[name] = ":".join(filter(None, (given, options, f"log_path={folder}/report")))
    # Without GLib's slices, in which memory changes hands unseen.
    os.environ["G_SLICE"] = "always-malloc"


def take(build):
    """The text of the reports since the last call, or nothing; @build is the build tree."""
    texts = []
    for name in sorted(os.listdir(_folder[0]) if _folder else ()):
        path = os.path.join(_folder[0], name)
        with open(path, encoding="utf-8", errors="replace") as stream:
            texts.append("a sanitizer reported:\n" + _with_names(stream.read(), build)[:MOST])
        os.unlink(path)
    return "\n".join(texts)


def _with_names(text, build):
    """@text with the functions of plugins, which are opened by descriptor: no path leads there."""
    files = {}
    found = set(re.findall(r"\((?:/proc/self/fd/)?\d+\+0x[0-9a-f]+\) \(BuildId: ([0-9a-f]+)\)", text))
    for folder, _, names in os.walk(os.path.join(build, "plugins")) if found else ():
        for name in names:
            if name.endswith(".so"):
                path = os.path.join(folder, name)
                notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True,
                                       check=False).stdout
                files.update((identity, path) for identity in found if identity in notes)

    def resolve(match):
        offset, identity = match.groups()
        if identity not in files:
            return match.group(0)
        # The call is before the address of the return.
        lines = subprocess.run(["addr2line", "-Cfpe", files[identity], hex(int(offset, 16) - 1)],
                               capture_output=True, text=True, check=False).stdout.strip()
        return f"{lines} ({os.path.basename(files[identity])}+{offset})"

    return re.sub(r"<null> <null> \((?:/proc/self/fd/)?\d+\+(0x[0-9a-f]+)\) \(BuildId: ([0-9a-f]+)\)",
                  resolve, text)
