# SPDX-License-Identifier: Apache-2.0
"""Files that the user's tools run or obey outside the box: with real git, inside and outside."""
import json
import os
import signal
import subprocess
import time

import harness
import world
from harness import expect, test

POLICY = world.policy()
# Who writes in the box: as root somebody else than the host.
BOX_UID = 65530 if os.geteuid() == 0 else os.geteuid()
GIT = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.test", "GIT_COMMITTER_NAME": "t",
       "GIT_COMMITTER_EMAIL": "t@example.test", "GIT_CONFIG_COUNT": "2",
       "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
       "GIT_CONFIG_KEY_1": "protocol.file.allow", "GIT_CONFIG_VALUE_1": "always"}
IN_BOX = "".join(f"export {name}='{value}'\n" for name, value in GIT.items()) + "export HOME=/tmp\n"


def give(folder):
    """Makes everything below a folder that of the box's user."""
    for place, folders, names in os.walk(folder):
        for name in ["."] + folders + names:
            os.lchown(os.path.join(place, name), BOX_UID, BOX_UID)


def make(folder, name, text="", mode=0o644):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)
    return path


def git(folder, *arguments, check=True):
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True,
                          check=False, env=harness.clean_environment(**GIT), timeout=20)
    expect(not check or done.returncode == 0, arguments, done.stdout, done.stderr)
    return done


def repository(folder, name, *options):
    path = os.path.join(folder, name)
    git(folder, "init", "-q", "-b", "main", *options, path)
    if "--bare" not in options:
        make(path, "file", "one\n")
        git(path, "add", "file")
        git(path, "commit", "-qm", "one")
    return path


def tree(folder):
    """Every path below a folder with what it is, but for git's objects."""
    found = set()
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "objects"]
        for name in folders + names:
            path = os.path.join(place, name)
            found.add((os.path.relpath(path, folder), os.path.islink(path)))
    return found


def attacks(folder, marker, linked=False):
    """A script that tries every way to make git run `marker`'s hook by way of a repository."""
    lines = [f"cd '{folder}' || exit 9", "try() { (eval \"$2\") 2> /dev/null && echo \"$1\"; }",
             "mkdir -p evil/hooks; cp -r refs HEAD evil/ 2> /dev/null; mkdir -p evil/objects",
             f"printf '#!/bin/sh\\ntouch {marker}\\n' > evil/hooks/pre-commit",
             "chmod +x evil/hooks/pre-commit; printf '[core]\\n\\tpager = /evil\\n' > evil/config",
             "try commondir-write 'echo evil > commondir'",
             "try commondir-move 'echo evil > c && mv -f c commondir'",
             "try commondir-link 'ln -sf evil/HEAD commondir && test -h commondir'",
             "try commondir-remove 'rm -f commondir && test ! -e commondir && echo evil > commondir'",
             "try config-worktree 'cp evil/config config.worktree'",
             "try config-worktree-move 'mv -f evil/config config.worktree'"]
    if linked:  # git takes the rest from the repository that commondir names
        lines += ["try gitdir 'echo x >> gitdir'", "try gitdir-move 'echo x > g && mv g gitdir'"]
    else:
        lines += ["try config 'cat evil/config >> config'",
                  "try config-move 'cp evil/config c2 && mv -f c2 config'",
                  "try hook 'cp evil/hooks/pre-commit hooks'",
                  "try hooks-move 'mv hooks h2 && cp -r evil/hooks .'"]
    return "\n".join(lines + ["rm -rf evil c c2 g"]) + "\n"


def chain(*folders):
    """Every folder above, up to but not including the first."""
    top = folders[0]
    for folder in folders[1:]:
        while folder != top:
            yield folder
            folder = os.path.dirname(folder)


def run_in_box(folder, script, policy=POLICY, options=(), **keywords):
    return harness.run_host(["/bin/sh", "-c", IN_BOX + script], policy, options, cwd=folder,
                            **keywords)


def linked_layouts(folder):
    """Repositories of every layout below a folder: name → (git folder, folder to use it in)."""
    main = repository(folder, "main")
    bare = repository(folder, "store", "--bare")
    deep = repository(folder, os.path.join("a", "b", "c", "d", "e", "f", "deep"))
    separate = repository(folder, "work", "--separate-git-dir", os.path.join(folder, "apart"))
    git(main, "worktree", "add", "-q", os.path.join(folder, "linked"))
    above = repository(folder, "above")
    for name in ("lib/one", "info/two"):
        git(above, "submodule", "-q", "add", "--name", name, main, name)
    git(above, "commit", "-qm", "two")
    os.rename(repository(folder, "renamed") + "/.git", os.path.join(folder, "renamed", "meta"))
    make(folder, "renamed/.git", "gitdir: meta\n")
    link = repository(folder, "link")
    os.rename(link + "/.git", os.path.join(folder, "pointed-to"))
    os.symlink("../pointed-to", link + "/.git")
    return {"plain": (main + "/.git", main), "bare": (bare, bare), "deep": (deep + "/.git", deep),
            "separate": (os.path.join(folder, "apart"), separate),
            "worktree": (main + "/.git/worktrees/linked", os.path.join(folder, "linked")),
            "submodule": (above + "/.git/modules/info/two", above + "/info/two"),
            "gitfile": (os.path.join(folder, "renamed", "meta"), os.path.join(folder, "renamed")),
            "link": (os.path.join(folder, "pointed-to"), link)}


@test("git runs nothing of the box's outside, whatever the layout of a repository and its depth")
def _layouts():
    folder = harness.scratch()
    layouts = linked_layouts(folder)
    marker = os.path.join(harness.scratch(), "hook-ran")
    before = tree(folder)
    give(folder)
    script = ""
    for name, (place, _use) in layouts.items():
        script += f"echo '== {name}'\n" + "(" + attacks(place, marker, name == "worktree") + ")\n"
        for path in chain(folder, place):
            script += f"mv '{path}' '{path}.moved' 2> /dev/null && echo moved '{path}'\n"
    for name in ("linked", "work", "renamed", "link", "above/lib/one"):
        script += (f"(echo 'gitdir: /evil' > {name}/.git) 2> /dev/null && echo gitfile {name}\n"
                   f"rm -f {name}/.git 2> /dev/null && echo removed {name}\n")
    result = run_in_box(folder, script)
    expect(result.out.split("\n") == [f"== {name}" for name in layouts] + [""], result)
    expect(tree(folder) == before, tree(folder) ^ before)
    for _place, use in layouts.values():
        if os.path.exists(use + "/file"):
            make(use, "file", "two\n")
            git(use, "commit", "-qam", "two")
    expect(not os.path.exists(marker), "a hook of the box ran outside")


@test("a repository that is granted alone, or is the working directory, is found as well")
def _granted_alone():
    folder = harness.scratch()
    marker = os.path.join(folder, "hook-ran")
    plain, bare = repository(folder, "plain"), repository(folder, "bare.git", "--bare")
    module = repository(folder, "above")
    git(module, "submodule", "-q", "add", "--name", "x/y", plain, "sub")
    give(folder)
    for place in (plain + "/.git", bare, module + "/.git/modules/x", module + "/.git/modules"):
        before = tree(place)
        inside = place + "/y" if place.endswith("/x") else place
        inside = inside + "/x/y" if place.endswith("/modules") else inside
        named = place.endswith(".git")  # by the policy rather than as the working directory
        result = run_in_box(None if named else place, attacks(inside, marker),
                            world.policy(read_write=[place]) if named else POLICY)
        expect(result.out == "", place, result)
        expect(tree(place) == before, place, tree(place) ^ before)


@test("what a repository's configuration names is read-only, or cannot be made")
def _named():
    folder = harness.scratch()
    path = repository(folder, "r")
    for name in (".githooks/pre-commit", "tools/monitor.sh", "tools/clean.py", "shared.conf",
                 "cond.conf", "more/nested.conf", "shared/hook.sh", "plain", "tools/tar.sh",
                 "tools/redirected.sh", "tools/of-an-extension"):
        make(path, name, "# mine\n", 0o755)
    make(path, "docs/template", "# mine\n")
    git(path, "config", "tar.x.command", "tools/tar.sh")
    git(path, "config", "filter.y.clean", "tools/redirected.sh<%f")
    git(path, "config", "something.new.program", "tools/of-an-extension")
    git(path, "config", "commit.template", "docs/template")
    git(path, "config", "core.hooksPath", ".githooks")
    git(path, "config", "core.fsmonitor", "./tools/monitor.sh")
    git(path, "config", "filter.x.clean", "python3 tools/clean.py %f")
    with open(path + "/.git/config", "a", encoding="utf-8") as stream:
        stream.write('[Include] path = "../shared.co\\\nnf" ; a comment\n\tpath = ../absent.conf\n'
                     '[includeIf "gitdir:/elsewhere/"]\n\tPATH=../cond.conf\n')
    make(path, "shared.conf", "[include]\n\tpath = more/nested.conf\n")
    os.symlink("../../shared/hook.sh", path + "/.git/hooks/post-commit")
    os.symlink("../../shared/absent.sh", path + "/.git/hooks/post-merge")
    before = tree(folder)
    give(folder)
    script = "cd r\n"
    for name in (".githooks/pre-commit", ".githooks/post-commit", "tools/monitor.sh",
                 "tools/clean.py", "shared.conf", "cond.conf", "more/nested.conf",
                 "shared/hook.sh", "shared/absent.sh", "absent.conf", "tools/tar.sh",
                 "tools/redirected.sh", "tools/of-an-extension"):
        script += (f"(echo x >> {name}) 2> /dev/null && echo wrote {name}\n"
                   f"(echo x > n && mv -f n {name}) 2> /dev/null && echo moved {name}\n")
    script += ("echo x >> plain && echo x >> docs/template && echo y > tools/new && echo fine\n"
               "rm -f tools/new n; echo '# mine' > docs/template\n")
    result = run_in_box(folder, script)
    expect(result.out == "fine\n", result)
    expect(tree(folder) == before, tree(folder) ^ before)


@test("what a configuration names counts for every worktree, for a part of one, and from the home folder")
def _named_from_afar():
    folder, home = harness.scratch(), harness.scratch()
    path = repository(folder, "r")
    git(path, "worktree", "add", "-q", folder + "/linked")
    git(path, "config", "core.hooksPath", "part/hooks")
    apart = repository(folder, "apart", "--separate-git-dir", folder + "/store")
    git(apart, "config", "core.hooksPath", "part/hooks")
    git(path, "config", "extensions.worktreeConfig", "true")
    git(folder + "/linked", "config", "--worktree", "diff.external", "sh own.sh")
    make(folder, "linked/own.sh", "# mine\n")
    make(home, ".gitconfig", "[core]\n\teditor = ./tools/edit -w\n[include]\n\tpath = ~/more\n")
    make(home, "more", "[diff]\n\texternal = tools/diff\n")
    places = (path, folder + "/linked", apart)
    for place in places:
        for name in ("part/hooks/pre-commit", "tools/edit", "tools/diff", "tools/other"):
            make(place, name, "# mine\n", 0o755)
    give(folder)
    script = ("exec 2> /dev/null; for f in part/hooks/pre-commit part/hooks/new tools/edit tools/diff own.sh; do\n"
              "test -e $f -o -d ${f%/*} || continue; (echo x >> $f) && echo wrote $f; done; mv part p && echo moved; echo x >> tools/other\n"
              "exit 0\n")
    env = harness.clean_environment(HOME=home)
    for place in places:
        result = run_in_box(place, script, env=env)
        expect(result.out == "", place, result)
    result = run_in_box(folder, "".join(f"cd {place}\n" + script for place in places).replace(
        "exit 0\n", ""), env=env)
    expect(result.out == "", result)
    result = run_in_box(path + "/part", "exec 2> /dev/null; echo x > hooks/new && echo wrote; echo x > y\n"
                        "mv hooks h && echo moved; exit 0")
    expect(result.out == "", result)


@test("a hooks folder that does not exist yet, or is reached by links, cannot be made or changed")
def _hooks_folders():
    folder = harness.scratch()
    absent, linked, home, bare = (repository(folder, name) for name in ("a", "l", "h", "b"))
    git(absent, "config", "core.hooksPath", "made/later")
    make(linked, "infra/hooks/pre-commit", "# mine\n", 0o755)
    os.symlink("infra", linked + "/tools")
    git(linked, "config", "core.hooksPath", "tools/hooks")
    subprocess.run(["rm", "-r", home + "/.git/hooks"], check=True)
    git(bare, "config", "core.hooksPath", ".")
    make(bare, "pre-push", "# mine\n", 0o755)
    before = tree(folder)
    give(folder)
    result = run_in_box(
        folder,
        "exec 2> /dev/null\n"
        "mkdir -p a/made/later && echo x > a/made/later/pre-commit && echo 1; mkdir a/made && echo 2\n"
        "echo x >> l/infra/hooks/pre-commit && echo 3; rm l/tools && echo 4; mv l/infra l/i && echo 5\n"
        "mkdir h/.git/hooks && echo 6; echo x > h/.git/hooks/pre-commit && echo 7\n"
        "mv a/made a/x && echo 8; rmdir h/.git/hooks && echo 9; ln -s infra l/tools2 && rm l/tools2\n"
        "echo x >> b/pre-push && echo 10; echo x > b/pre-commit && echo 11; echo x >> b/file\n"
        "exit 0\n")
    expect(result.out == "", result)
    expect("writable although git takes hooks from it" in result.err, result)
    expect(tree(folder) == before, tree(folder) ^ before)


@test("another hard link of a protected file is read-only too, or a line says that it was not found")
def _hard_links():
    folder, elsewhere = harness.scratch(), harness.scratch()
    path = repository(folder, "r")
    make(path, ".git/hooks/pre-commit", "# mine\n", 0o755)
    make(folder, ".envrc", "# mine\n")
    os.makedirs(folder + "/x/y")
    os.link(path + "/.git/config", folder + "/x/config-copy")
    os.link(path + "/.git/hooks/pre-commit", folder + "/x/y/script")
    os.link(folder + "/.envrc", folder + "/x/environment")
    give(folder)
    result = run_in_box(folder, "for f in x/config-copy x/y/script x/environment; do\n"
                                "(echo x >> $f) 2> /dev/null && echo wrote $f; done; echo x > x/y/z")
    expect(result.out == "" and "by another name" not in result.err, result)
    os.link(folder + "/.envrc", elsewhere + "/away")
    result = run_in_box(folder, "true")
    expect("perhaps writable by another name" in result.err and ".envrc" in result.err, result)


WORK = """
set -e
cd r
echo two > two; git add two; git commit -qm two
git checkout -q -b topic; echo three > three; git add -A; git commit -qm three
echo dirty >> two; git stash -q; git stash pop -q; git checkout -q two
git checkout -q main; echo four > four; git add four; git commit -qm four
git rebase -q main topic; git checkout -q main; git merge -q topic
git tag v1; git branch -D topic > /dev/null; git fetch -q ../other main; git reset -q --hard v1
git worktree add -q ../tree v1; (cd ../tree; echo w > w; git add w; git commit -qm w; git status)
git worktree remove ../tree; git gc -q; git fsck > /dev/null; git status --porcelain
git push -q ../bare main; git clone -q ../bare ../cloned
cd ../bare; git log --oneline main > /dev/null; git fetch -q ../r main
git rev-parse --is-bare-repository
cd ../above/sub; echo five > five; git add five; git commit -qm five; cd ..; git add sub
git commit -qm five; git submodule status > /dev/null; git status --porcelain
cd ../work; echo six > six; git add six; git commit -qm six
"""


@test("git works in the box and outside, during the run and after it, and nothing is left behind")
def _normal_work():
    folder = harness.scratch()
    main, other = repository(folder, "r"), repository(folder, "other")
    repository(folder, "bare", "--bare")
    repository(folder, "work", "--separate-git-dir", os.path.join(folder, "apart"))
    above = repository(folder, "above")
    git(above, "submodule", "-q", "add", other, "sub")
    git(above, "commit", "-qm", "sub")
    git(main, "config", "extensions.worktreeConfig", "true")
    give(folder)
    running = harness.start_host(
        ["/bin/sh", "-c", IN_BOX + "touch ready; while [ ! -e go ]; do sleep 0.02; done\n" + WORK],
        POLICY, cwd=folder)
    harness.wait_until(lambda: os.path.exists(folder + "/ready"), 10, "the box is not up")
    expect(os.path.exists(main + "/.git/commondir"), "there is no placeholder")
    for place in (main, above, above + "/sub", folder + "/work"):
        expect(git(place, "status", "--porcelain").stdout == "", place)
        expect(git(place, "rev-parse", "--show-toplevel").stdout.strip() == place)
    git(main, "gc", "-q")
    expect(git(folder + "/bare", "rev-parse", "--is-bare-repository").stdout == "true\n")
    git(other, "commit", "--allow-empty", "-qm", "outside")
    give(folder)
    make(folder, "go")
    out, err = running.communicate(timeout=30)
    expect(running.returncode == 0 and out.split()[-1:] == [b"true"], out.decode(), err.decode())
    expect(not [path for path, _link in tree(folder)
                if path.endswith(("commondir", "config.worktree"))], tree(folder))
    for place in (main, above, above + "/sub", folder + "/work", folder + "/cloned"):
        expect(git(place, "status", "--porcelain").stdout == "", place)
        git(place, "fsck")
        make(place, "after", "x\n")
        git(place, "add", "after")
        git(place, "commit", "-qm", "after")


@test("git remote add works once the configuration or the policy opens git's configuration")
def _opened():
    folder = harness.scratch()
    path = repository(folder, "r")
    script = "cd r && git remote add origin ../x 2> /dev/null; git remote; echo x > .git/hooks/h; echo"
    give(folder)
    expect(run_in_box(folder, script).out == "\n", "it is open already")
    one = run_in_box(folder, script, options=["--set", "process.auto-executed-writable=git-config"])
    expect(one.out == "origin\n\n" and not os.path.exists(path + "/.git/hooks/h"), one)
    git(path, "remote", "remove", "origin")
    give(folder)
    two = run_in_box(folder, script, world.policy(read_write=[path + "/.git/config"]))
    expect(two.out == "origin\n\n" and not os.path.exists(path + "/.git/hooks/h"), two)
    expect("NOTICE" not in one.err + two.err, one, two)
    wrong = run_in_box(folder, "true", options=["--set", "process.auto-executed-writable=git-confg"])
    expect(wrong.code == 125 and "git-confg" in wrong.err and "git-hooks" in wrong.err, wrong)


@test("a grant of .envrc.d does not open .envrc, and one of .git opens neither hooks nor config")
def _grants_beside():
    folder = harness.scratch()
    path = repository(folder, "r")
    for name in (".envrc", ".envrc.d/x", ".vscode/tasks.json", ".vscode/cache/x", ".npmrc", "lib/.npmrc",
                 ".idea/a/kept", ".idea/a/x"):
        make(folder, name, "# mine\n")
    give(folder)
    policy = world.policy(read_only=[folder + "/.idea/a/kept"], read_write=[folder + "/.envrc.d", path + "/.git", folder + "/.vscode/cache",
                                      folder + "/lib/.npmrc"])
    result = run_in_box(
        folder, "for f in .envrc r/.git/config r/.git/hooks/x .vscode/tasks.json .npmrc .envrc.d/x "
                ".vscode/cache/x lib/.npmrc .idea/a/x .idea/y; do (echo x >> $f) 2> /dev/null && echo $f; done; "
                "mv .vscode v 2> /dev/null && echo moved; exit 0", policy)
    expect(result.out.split() == [".envrc.d/x", ".vscode/cache/x", "lib/.npmrc"], result)


@test("what is read-only inside a writable tree stays so below, whatever lies in it")
def _read_only_inside():
    folder = harness.scratch()
    make(folder, "closed/sub/.envrc", "# mine\n")
    repository(folder + "/closed/sub", "r")
    make(folder, "closed/sub/open/x/.envrc", "# mine\n")
    give(folder)
    policy = world.policy(read_only=[folder + "/closed"], read_write=[folder + "/closed/sub/open"])
    result = run_in_box(folder, "cd closed/sub; for f in new r/new r/.git/new open/x/.envrc open/new; "
                                "do (echo x > $f) 2> /dev/null && echo $f; done; exit 0", policy)
    expect(result.out.split() == ["open/new"], result)


@test("a table of names is read-only at any depth, as a file, a folder or a link")
def _table():
    folder = harness.scratch()
    files = (".mcp.json", "a/b/c/d/e/.claude/settings.json", ".husky/pre-commit", ".idea/x.xml",
             ".npmrc", ".yarnrc.yml", ".yarn/releases/yarn.cjs", ".gitmodules",
             ".pre-commit-config.yaml", ".config/fish/config.fish", ".ssh/config",
             ".config/autostart/x.desktop", ".cursor/mcp.json", "mise.toml", ".tool-versions",
             ".devcontainer/devcontainer.json", "x.code-workspace", ".gitconfig", ".zshenv",
             ".hg/hgrc", ".sl/config", ".jj/repo/config.toml", ".bzr/branch/branch.conf")
    for name in files:
        make(folder, name, "# mine\n")
    for name in ("a/fish", "autostart", "a/.github/workflows/ci.yml", ".yarn/cache/x", "b.workspace"):
        make(folder, name, "# mine\n")
    make(folder, "dotfiles/bashrc", "# mine\n")
    os.symlink("dotfiles/bashrc", folder + "/.bashrc")
    os.symlink("dotfiles/absent", folder + "/.profile")
    make(folder, ".claude/sub/file", "# mine\n")
    os.symlink("../../shared", folder + "/.claude/sub/linked")
    make(folder, "shared", "# mine\n")
    before = tree(folder)
    give(folder)
    result = run_in_box(
        folder, "exec 2> /dev/null; for f in " + " ".join(files) +
        " dotfiles/bashrc dotfiles/absent shared .claude/sub/new a/fish autostart a/.github/workflows/ci.yml .yarn/cache/x "
        "b.workspace; do (echo x >> $f) && echo $f; done\n"
        "rm .bashrc && echo removed; mv dotfiles d && echo moved; ln -sfn /x .profile && echo linked\n"
        "exit 0")
    expect(result.out.split() == ["a/fish", "autostart", "a/.github/workflows/ci.yml",
                                  ".yarn/cache/x", "b.workspace"], result)
    expect(tree(folder) == before, tree(folder) ^ before)


@test("thousands of dependency folders neither delay the start nor hide what is near; the rest is counted")
def _large_tree():
    folder = harness.scratch()
    for number in range(2500):
        place = f"{folder}/node_modules/p{number}/lib"
        os.makedirs(place)
        os.mknod(place + "/0.js")
        for name in range(1, 8):
            os.link(place + "/0.js", f"{place}/{name}.js")
    for number in range(300):
        os.makedirs(f"{folder}/src/m{number}")
    path = repository(folder, "src/m299/project")
    give(repository(folder, "node_modules/r"))
    give(folder + "/src")
    os.chmod(folder + "/node_modules", 0o777)
    script = (f"(echo x >> '{path}/.git/config') 2> /dev/null && echo wrote\n"
              "(echo x >> node_modules/r/.git/config) 2> /dev/null && echo wrote\n"
              "for i in 1 2 3 4 5 6 7 8 9; do mkdir -p node_modules/p$i/.vscode; done\n"
              "echo x > src/.envrc; git init -q src/m1/n; git init -q --bare src/m2/n; exit 0\n")
    began = time.monotonic()
    result = harness.run_recorded(["/bin/sh", "-c", IN_BOX + script], POLICY, ["--verbose"], cwd=folder)
    expect(time.monotonic() - began < 10, result)
    expect(result.out == "", result)
    lines = result.err.splitlines()
    said = [line for line in lines if "not searched for auto-executed files" in line]
    expect(len(said) == 1 and "dependency folders" in said[0] and "node_modules" in said[0], result)
    notice = [line for line in lines if "NOTICE" in line]
    expect(len(notice) == 1 and "/src/.envrc, " in notice[0], result)
    details = result.events("box.closed")[0]["payload"][2]
    expect({os.path.relpath(path, folder) for path in details["appeared"]} ==
           {"src/.envrc", "src/m1/n/.git/config", "src/m1/n/.git/hooks", "src/m2/n/config",
            "src/m2/n/hooks"}, details)


@test("what is new at the end is listed: repositories of any layout, files replaced from outside")
def _appeared():
    folder = harness.scratch()
    path = repository(folder, "r")
    make(folder, ".envrc", "# mine\n")
    give(folder)
    events = os.path.join(harness.scratch(), "events")
    running = harness.start_host(
        ["/bin/sh", "-c", IN_BOX + "git init -q --bare x/store; git init -q --separate-git-dir=s w\n"
         "git -C r worktree add -q ../t; mkdir -p r/.git/rebase-merge\n"
         "echo exec evil > r/.git/rebase-merge/git-rebase-todo; touch ready\n"
         "while [ ! -e go ]; do sleep 0.02; done; rm ready go; exit 0"], POLICY,
        ["--events", events], cwd=folder)
    harness.wait_until(lambda: os.path.exists(folder + "/ready"), 10, "the box is not up")
    git(path, "config", "replaced.from", "outside")
    make(folder, "go")
    err = running.communicate(timeout=20)[1].decode()
    notice = [line for line in err.splitlines() if "NOTICE" in line]
    expect(running.returncode == 0 and len(notice) == 1 and " more" in notice[0], err)
    with open(events, encoding="utf-8") as stream:
        closed = [event for event in map(json.loads, stream) if "box.closed" in event["topic"]]
    found = {os.path.relpath(path, folder) for path in closed[0]["payload"][2]["appeared"]}
    expect(found == {"x/store/config", "x/store/hooks", "s/config", "s/hooks", "w/.git", "t/.git",
                     "r/.git/config", "r/.git/worktrees/t/commondir", "r/.git/worktrees/t/gitdir",
                     "r/.git/rebase-merge/git-rebase-todo"}, found)


# How a program could lead the user's git into a repository that no name gives away.
HIDDEN = {
    "a .git file of more than 8 KiB":
        "(printf 'gitdir: ../.git/objects/ev'; head -c 9000 /dev/zero | tr '\\0' '\\n') > docs/.git",
    "a .git file whose folder has a line end in its name":
        "mv .git/objects/ev '.git/objects/e\nv'; printf 'gitdir: ../.git/objects/e\nv\n' > docs/.git",
    "a link to a repository among the objects":
        "rm -r docs; ln -s .git/objects/ev docs",
    "a link to a folder in one":
        "rm -r docs; mkdir -p .git/objects/ev/a/b; ln -s .git/objects/ev/a/b docs",
    "a link to a link to one":
        "rm -r docs; ln -s ../.git/info/l docs; mkdir -p .git/info; ln -s ../objects/ev .git/info/l; "
        "rm docs; ln -s .git/info/l docs",
    "a submodule named as a folder of git's, among submodules that are made a repository":
        "mkdir -p .git/modules/objects .git/modules/refs; touch .git/modules/HEAD; "
        "mv .git/objects/ev .git/modules/lfs; mv .git/modules/lfs/config c; mkdir .git/objects/ev; "
        "mv c .git/modules/lfs/config",
    "a .git that is a link to a file":
        "echo 'gitdir: ../.git/objects/ev' > .git/logs-x; ln -s ../.git/logs-x docs/.git",
}


@test("a repository that a program hides among git's own files is listed, and closed in the next run")
def _hidden_repository():
    for what, commands in HIDDEN.items():
        folder = harness.scratch()
        path = repository(folder, "r")
        make(path, "docs/file", "one\n")
        give(folder)
        events = os.path.join(harness.scratch(), "events")
        result = harness.run_host(
            ["/bin/sh", "-c", IN_BOX + """set -e; printf '#!/bin/sh\\n: > ran\\n' > p.sh; chmod +x p.sh
mkdir -p .git/objects/ev/objects .git/objects/ev/refs; echo 'ref: refs/heads/main' > .git/objects/ev/HEAD
printf "[core]\\n repositoryformatversion=0\\n bare=false\\n worktree=$PWD\\n fsmonitor=$PWD/p.sh\\n" \\
    > .git/objects/ev/config
""" + commands], POLICY, ["--events", events], cwd=path)
        expect(result.code == 0, what, result)
        with open(events, encoding="utf-8") as stream:
            closed = [event for event in map(json.loads, stream) if "box.closed" in event["topic"]]
        found = closed[0]["payload"][2].get("appeared", [])
        expect(any(name.endswith(("v/config", "lfs/config")) for name in found), what, found, result)
        expect("docs/.git" not in commands or any(name.endswith("docs/.git") for name in found), what,
               found)
        result = run_in_box(path, "exec 2> /dev/null; for f in .git/objects/e*v/config .git/modules/lfs/config p.sh docs/.git; do "
                                  "[ ! -f $f ] || (echo x >> \"$f\") && echo \"$f\"; done; exit 0")
        expect(not [name for name in result.out.split("\n") if os.path.isfile(os.path.join(path, name))],
               what, result)


@test("a working directory that is itself obeyed outside is said to be, unless the policy names it")
def _obeyed_workdir():
    folder = harness.scratch()
    path = repository(folder, "r")
    os.makedirs(path + "/.vscode/sub")
    os.makedirs(folder + "/.ssh")
    os.makedirs(folder + "/hooks")
    give(folder)
    for name, said in (("r/.git/hooks", True), ("r/.vscode", True), ("r/.vscode/sub", True), (".ssh", True),
                       ("r", False), ("hooks", False)):
        place = os.path.join(folder, name)
        result = harness.run_host(["true"], POLICY, cwd=place)
        expect(("auto-executed files can be made in it" in result.err) == said, name, result)
        result = harness.run_host(["true"], world.policy(read_write=[place]), cwd=place)
        expect("auto-executed files can be made in it" not in result.err, name, result)


@test("a worktree whose repository is not granted says what to grant")
def _worktree_hint():
    folder = harness.scratch()
    path = repository(folder, "main")
    git(path, "worktree", "add", "-q", folder + "/tree")
    give(folder)
    alone = run_in_box(folder + "/tree", "git status > /dev/null 2>&1 && echo works; exit 0")
    lines = [line for line in alone.err.splitlines() if path + "/.git" in line]
    expect(alone.out == "" and len(lines) == 1 and "read_write" in lines[0], alone)
    both = run_in_box(folder + "/tree", "git status > /dev/null && echo works; "
                      f"(echo x >> '{path}/.git/config') 2> /dev/null && echo wrote; exit 0",
                      world.policy(read_write=[path + "/.git"]))
    expect(both.out == "works\n" and "does not grant" not in both.err, both)
    settled = world.policy(read_only=[path + "/.git"])
    expect("does not grant" not in run_in_box(folder + "/tree", "true", settled).err)


@test("placeholders outlive neither the last box nor, by more than a run, a killed host")
def _placeholders():
    folder = harness.scratch()
    path = repository(folder, "r")
    subprocess.run(["rm", "-r", path + "/.git/hooks"], check=True)
    names = [path + "/.git/" + name for name in ("commondir", "config.worktree", "hooks")]
    give(folder)
    script = "touch ready-$0; while [ ! -e go-$0 ]; do sleep 0.02; done; cd r/.git\n" \
             "(echo x > commondir) 2> /dev/null && echo made; mkdir hooks/x 2> /dev/null && echo made\n" \
             "rm -f commondir 2> /dev/null && echo removed; exit 0"

    def start(name):
        running = harness.start_host(["/bin/sh", "-c", script, name], POLICY, cwd=folder)
        harness.wait_until(lambda: os.path.exists(f"{folder}/ready-{name}"), 10, "the box is not up")
        return running

    first, second = start("1"), start("2")
    make(folder, "go-1")
    expect(first.communicate(timeout=10)[0] == b"" and first.returncode == 0)
    expect(all(os.path.exists(name) for name in names), names)
    make(folder, "go-2")
    out, err = second.communicate(timeout=10)
    expect(out == b"" and not any(os.path.exists(name) for name in names), out, err)

    killed = start("3")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=10)
    expect(all(os.path.exists(name) for name in names), "nothing is left, what does this test?")
    git(path, "status")
    make(folder, "go-4")
    out, err = start("4").communicate(timeout=10)
    expect(out == b"" and not any(os.path.exists(name) for name in names), out, err)
    stubborn = start("5")
    for _ in range(2):
        stubborn.send_signal(signal.SIGTERM)
    stubborn.communicate(timeout=20)
    expect(not any(os.path.exists(name) for name in names), "the second SIGTERM left them")
    make(path, ".git/commondir", "")
    os.unlink(path + "/.git/commondir")


@test("what a repository of an earlier box names neither stalls the start nor leads out of the tree")
def _hostile_repository():
    folder, apart = harness.scratch(), harness.scratch()
    path = repository(folder, "r")
    outside = make(apart, "precious", "keep\n")
    config = "".join(f"[include]\n\tpath = ../loop{n}\n" for n in range(300))
    config += f"[core]\n\thooksPath = {apart}/later\n[include]\n\tpath = {apart}/new.conf\n"
    config += "[include]\n\tpath = config\n\tpath = ../pipe\n\tpath = /dev/zero\n\tpath = /proc/self/mem\n"
    with open(path + "/.git/config", "a", encoding="utf-8") as stream:
        stream.write(config)
    os.mkfifo(path + "/pipe")
    os.symlink("loop", folder + "/loop")
    os.symlink("../loop", path + "/.git/hooks/pre-commit")
    os.symlink(apart, folder + "/.vscode")
    os.symlink(outside, folder + "/.envrc")
    make(folder, "self/.git", "gitdir: .git\n")
    make(folder, "up/.git", "gitdir: /\n")
    make(folder, "pipe/.git/commondir", "../../../..\n")
    before = tree(folder), tree(apart)
    give(folder)
    began = time.monotonic()
    result = run_in_box(folder, "echo fine")
    expect(result.out == "fine\n" and time.monotonic() - began < 10, result)
    expect((tree(folder), tree(apart)) == before, result)


@test("a folder that cannot be listed is read-only as a whole, and named when it is new")
def _unreadable():
    folder = harness.scratch()
    repository(folder, "sub")
    make(folder, "empty/x")
    give(folder)
    hide = "chmod 0311 sub; mkdir new; cd new; git init -q; cd ..; chmod 0311 new"
    try:
        first = run_in_box(folder, hide)
        if harness.IS_ROOT:  # who lists what it likes
            expect("/new/.git/config" in first.err, first)
            return
        expect("NOTICE" in first.err and "/new" in first.err, first)
        second = run_in_box(folder, "chmod 755 sub; echo x >> sub/.git/config; "
                            "mv sub other; echo x > sub/.envrc", options=["--verbose"])
        expect("[core]" in open(folder + "/sub/.git/config", encoding="utf-8").read(), second)
        expect(not os.path.exists(folder + "/other"), second)
        expect("x\n" not in open(folder + "/sub/.git/config", encoding="utf-8"), second)
        expect(not os.path.exists(folder + "/sub/.envrc"), second)
        expect("read-only inside a writable tree" in second.err and "/sub" in second.err, second)
    finally:
        for name in ("sub", "new"):
            os.chmod(os.path.join(folder, name), 0o755)


@test("a tree in which protected files come and go delays a start at most, and never opens one")
def _churn():
    folder = harness.private_scratch()
    churn = subprocess.Popen(["sh", "-c", "while :; do mkdir -p a/.vscode b/.git/hooks; echo > a/.envrc; "
                                          "echo > a/.vscode/tasks.json; echo > b/.git/config; "
                                          "rm -rf a b; done"], cwd=folder, stderr=subprocess.DEVNULL)
    refused = 0
    for _ in range(25):
        done = run_in_box(folder, "cat /proc/self/mountinfo > /dev/null; echo ran")
        refused += done.code == 125
        expect(done.out == "ran\n" or "moved or removed while the box was being made" in done.err
               or "could not be made there: No such file" in done.err, done)
    churn.kill()
    churn.wait()
    expect(refused <= 5, refused)


@test("what a cherry-pick goes on with is listed when the box has made it")
def _sequencer():
    folder = harness.scratch()
    path = repository(folder, "r")
    give(folder)
    result = run_in_box(path, "mkdir .git/sequencer; echo x > .git/sequencer/opts; "
                        "echo x > .git/sequencer/todo")
    expect("/.git/sequencer/opts" in result.err and "/.git/sequencer/todo" in result.err, result)


harness.main()
