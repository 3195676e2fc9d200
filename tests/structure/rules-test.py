# SPDX-License-Identifier: Apache-2.0
"""The documentation against the code: security rules and their citations, files and links that are
named, and the width of lines. Reads files only."""
import os
import re
import subprocess
import sys

SOURCE = os.environ["OSH_SOURCE"]
WIDTH = 100
RULES = 16


def tracked():
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                           "--exclude-standard"], cwd=SOURCE, capture_output=True, check=False)
    if done.returncode == 0:
        return [name for name in done.stdout.decode().split("\0")
                if name and os.path.isfile(os.path.join(SOURCE, name))]
    found = []
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = [name for name in folders if not name.startswith((".", "build"))]
        found += [os.path.relpath(os.path.join(folder, name), SOURCE) for name in names]
    return found


FILES = tracked()


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as stream:
        return stream.read()


def pages():
    return sorted(name for name in FILES
                  if name.endswith(".md") and not name.startswith("tests/"))


def security_rules():
    """The rules of SECURITY.md, number to name."""
    return {int(number): name for number, name
            in re.findall(r"^### Rule (\d+): (.+)$", read("SECURITY.md"), re.MULTILINE)}


def rules_are_whole():
    """SECURITY.md has sixteen rules, each with its files and its tests"""
    text = read("SECURITY.md")
    found = [int(number) for number in re.findall(r"^### Rule (\d+):", text, re.MULTILINE)]
    if found != list(range(1, RULES + 1)):
        yield f"the rules of SECURITY.md are {found}"
    for part in re.split(r"^### Rule ", text, flags=re.MULTILINE)[1:]:
        for word in ("- Enforced by ", "- Tests: "):
            if word not in part:
                yield f"rule {part.split(':')[0]} has no line \"{word.strip()}\""


def citations_match():
    """each citation of a security rule has the number and the name of SECURITY.md"""
    rules = security_rules()
    cited = 0
    for name in FILES:
        if not name.endswith((".c", ".h", ".py", ".md", ".build", ".yaml")) or (
                name in ("SECURITY.md", "tests/structure/rules-test.py")
                or name.startswith("tests/vectors/")):
            continue
        # A citation may go over the end of a line of a comment.
        text = re.sub(r"\s*\n[ \t]*[*#]?[ \t]*", " ", read(name))
        for match in re.finditer(r"\bsecurity rule (\d+)(, [^).:;]*)?", text, re.IGNORECASE):
            cited += 1
            wanted = rules.get(int(match.group(1)))
            if wanted is None or not (match.group(2) or "").startswith(f", {wanted}"):
                yield f"{name}: \"{match.group(0)}\" is not \"security rule {match.group(1)}, {wanted}\""
    if cited < 20:
        yield f"only {cited} citations were found"


def named_files_exist():
    """each file that SECURITY.md names is there"""
    names = {os.path.basename(name) for name in FILES}
    for found in sorted(set(re.findall(r"`([\w-]+\.(?:c|h|py))`", read("SECURITY.md")))):
        if found not in names:
            yield f"SECURITY.md names {found}, which is not there"


def links_lead_somewhere():
    """each link inside the documentation leads to a file and a heading that are there"""
    for name in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", read(name)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            page = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            full = os.path.join(SOURCE, page)
            if not os.path.exists(full):
                yield f"{name}: {target} is not there"
            elif anchor and page.endswith(".md"):
                headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
                known = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
                         for text in headings}
                if anchor not in known:
                    yield f"{name}: {page} has no heading #{anchor}"


def lines_fit():
    """no line of the documentation is longer than 100 columns, but rows of tables and examples"""
    for name in pages():
        fenced = False
        for number, line in enumerate(read(name).splitlines(), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            elif len(line) > WIDTH and not fenced and not line.lstrip().startswith("|"):
                yield f"{name}:{number}: {len(line)} columns"


def main():
    checks = [rules_are_whole, citations_match, named_files_exist, links_lead_somewhere, lines_fit]
    failed = 0
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        problems = list(check())
        for problem in problems:
            print(f"# {problem}")
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {check.__doc__}")
    return 1 if failed else 0


sys.exit(main())
