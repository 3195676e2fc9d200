# SPDX-License-Identifier: Apache-2.0
"""Paths of a policy and of the host are compared by what they resolve to (security rule 3,
protected files).

Links, second mounts and hard links each give one file several paths: whatever is read-only, hidden
or the host's own by one of them is so by all. Each situation has its control, without which a test
would hold because nothing works.
"""
import os
import shutil
import subprocess
import tempfile

import harness
import world
from harness import expect, test

API = f"{world.ADDRESS}:{world.API_PORT}"
PLUGIN_DIRS = [word for name in ("process", "network")
               for word in ("--plugin-dir", os.path.join(harness.PLUGINS, name))]


class Place:
    """A folder outside of /tmp, which the policies grant, with `files` in it, for everybody."""

    def __init__(self, **files):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="osh-paths-", dir="/var/tmp"))
        os.chmod(self.top, 0o755)
        for name, text in files.items():
            self.write(name.replace("__", "/"), text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def at(self, *names):
        return os.path.join(self.top, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w", encoding="utf-8") as stream:
            stream.write(text)

    def read(self, name):
        with open(self.at(name), encoding="utf-8") as stream:
            return stream.read()

    def open_up(self, name):
        harness.open_up(self.at(name))


def policy(read_only=(), read_write=(), workdir=False, extra=""):
    text = world.policy(read_only=read_only, read_write=read_write, extra=extra)
    return text if workdir else text.replace("include_workdir: true", "include_workdir: false")


def inside(script, text, options=(), mounts="", cwd="/", env=None):
    """Runs the host where `mounts`, a shell script, has been run in a mount namespace of its own."""
    command = harness.host_command(["/bin/sh", "-c", script], text, options)
    if mounts:
        tool = ["/usr/bin/unshare", "--mount", "--propagation", "private"]
        if not harness.IS_ROOT:
            tool += ["--map-current-user", "--keep-caps"]
        command = [*tool, "/bin/sh", "-ec", f"{mounts}\nexec /usr/bin/setpriv --inh-caps=-all "
                   "--ambient-caps=-all \"$@\"", "sh", *command]
    done = subprocess.run(command, cwd=cwd, env=env or harness.clean_environment(), timeout=20,
                          check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return harness.Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                          done.stderr.decode("utf-8", "replace"), 0)


# --- Grants ---------------------------------------------------------------------------------------


@test("a link that an earlier run has left in a writable tree is followed by no spelling of the tree")
def _left_link():
    with Place(real__proj__file="", secret__key="SECRET\n") as place:
        place.open_up("real/proj")
        os.symlink("real", place.at("home"))        # in the middle, as /home -> /var/home
        os.symlink("home", place.at("twice"))       # to a link
        os.symlink("real/../twice/./", place.at("dots"))
        os.symlink(place.at("secret"), place.at("real/proj/ref"))
        for base, other in (("real", "home"), ("home", "real"), ("twice", "home/."),
                            ("dots", "twice"), ("home/", "dots")):
            result = inside(f"cat {place.at('real/proj/ref/key')} {place.at('secret/key')}", policy(
                [place.top + f"/{base}/proj/ref"], [place.top + f"//{other}/proj/"]))
            expect(result.code == 125 and "symbolic link" in result.err and
                   "SECRET" not in result.out, base, other, result)
        # and the working directory, given through a link, by itself and with the host in it
        for options, cwd in ((["--workdir", place.at("home/proj")], "/"),
                             (["--workdir", "../home/proj"], place.at("real")),
                             ([], place.at("twice/proj"))):
            result = inside("cat ref/key", policy([place.at("home/proj/ref")], workdir=True), options,
                            cwd=cwd)
            expect(result.code == 125 and "symbolic link" in result.err, options, result)
        os.unlink(place.at("real/proj/ref"))
        os.mkdir(place.at("real/proj/ref"))
        result = inside(f"cd {place.at('home/proj/ref')} && ls -a && ! touch x", policy(
            [place.at("home/proj/ref")], [place.at("twice/proj")]))
        expect(result.code == 0 and "Read-only" in result.err, result)


@test("nothing in a read-only folder becomes writable because something below it is protected")
def _pinned_in_read_only():
    with Place(proj__ref__sub__deep__x="", proj__ref__in__w__x="") as place:
        place.write("proj/ref/sub/deep/.envrc", "")
        place.write("proj/ref/in/w/.envrc", "")
        place.write("proj/ref/sub/policy.yaml",
                    policy([place.at("proj/ref")], [place.at("proj"), place.at("proj/ref/in/w")]))
        place.open_up("proj")
        result = inside(f"cd {place.at('proj/ref')}; for f in sub/new sub/deep/new sub/deep/x new "
                        "in/new in/w/.envrc; do (echo x > $f) 2> /dev/null && echo WROTE $f; done; "
                        "echo x > ../new && echo x > in/w/new && echo control", place.at("proj/ref/sub/policy.yaml"))
        expect(result.out.split() == ["control"], result)


@test("a folder of a read-only path cannot be moved out of any of the writable grants around it")
def _nested_writable():
    with Place(proj__a__w__d__ref__x="", proj__a__p__x="") as place:
        place.open_up("proj")
        script = (f"cd {place.at('proj')}; for f in a a/w a/w/d a/w/d/ref a/p; do "
                  "mv $f moved 2> /dev/null && echo MOVED $f; done; mkdir -p b/c; mv b moved && "
                  "echo control")
        text = policy([place.at("proj/a/w/d/ref")], [place.at("proj"), place.at("proj/a/w")])
        result = inside(script.replace(" a/p;", ";"), text)
        expect(result.out.split() == ["control"], result)
        shutil.rmtree(place.at("proj/moved"))
        # and the same of a file of the host's in the outer one
        place.write("proj/a/p/policy.yaml", policy((), [place.at("proj"), place.at("proj/a/w")]))
        place.open_up("proj")
        result = inside(script.replace(" a/w/d a/w/d/ref", ""), place.at("proj/a/p/policy.yaml"))
        expect(result.out.split() == ["control"], result)


@test("a mount below a read-only grant inside a writable one refuses writes")
def _mount_in_read_only():
    with Place(proj__ref__bound__x="", proj__ref__new__x="", elsewhere__x="") as place:
        place.open_up("proj")
        place.open_up("elsewhere")
        mounts = (f"mount --bind {place.at('elsewhere')} {place.at('proj/ref/bound')}\n"
                  f"mount -t tmpfs -o mode=777 none {place.at('proj/ref/new')}")
        script = ("for d in ref/bound ref/new ref .; do (echo x > $d/made) 2> /dev/null && "
                  "echo WROTE $d; done; ls ref/bound")
        for grants in (([place.at("proj/ref")], [place.at("proj")]), ([place.at("proj/ref")], [])):
            result = inside(script, policy(*grants, workdir=True), mounts=mounts,
                            cwd=place.at("proj"))
            expect(result.out.split() == ["WROTE", ".", "x"], result)
        control = inside(script, policy((), [place.at("proj")]), mounts=mounts, cwd=place.at("proj"))
        expect(control.out.count("WROTE") == 4, control)


@test("a folder that is mounted at two places is read-only by both when it is by one")
def _two_views():
    with Place(a__ref__x="", a__sub__ref__x="", b__x="", c__x="", a__other__x="") as place:
        place.open_up("a")
        mounts = (f"mount --bind {place.at('a')} {place.at('b')}\n"
                  f"mount --bind {place.at('a/sub')} {place.at('a/other')}\n"
                  f"mount --bind {place.at('a/ref')} {place.at('c')}")
        script = ("for f in {0}/ref/x {0}/sub/ref/x {0}/other/ref/x; do (echo x > $f) 2> /dev/null && "
                  "echo WROTE $f; done; mv {0}/sub/ref {0}/moved 2> /dev/null && echo MOVED; "
                  "rm -rf {0}/moved; echo x > {0}/other/new && echo control")
        # the hole named by the other mount; by a mount of the hole alone; inside the tree, where a
        # mount of a part of the tree shows it again
        for holes, tree in ((("b/ref", "b/sub/ref"), "a"), (("c", "a/other/ref"), "a"),
                            (("a/ref", "a/sub/ref"), "b"), (("a/ref", "a/sub/ref"), "a")):
            result = inside(script.format(place.at(tree)),
                            policy([place.at(hole) for hole in holes], [place.at(tree)]),
                            mounts=mounts if tree == "a" else mounts.replace(
                                place.at("a/other"), place.at("b/other")))
            expect(result.out.split() == ["control"], holes, tree, result)
        control = inside(script.format(place.at("a")), policy((), [place.at("a")]), mounts=mounts)
        expect(control.out.count("WROTE") == 3 and "MOVED" in control.out, control)


@test("a link that is left in one mount of a folder is not followed by a policy that names another")
def _link_by_view():
    with Place(a__sub__x="", b__x="", secret__key="SECRET\n") as place:
        place.open_up("a")
        os.symlink(place.at("secret"), place.at("a/sub/ref"))
        mounts = f"mount --bind {place.at('a/sub')} {place.at('b')}"
        result = inside(f"cat {place.at('b/ref/key')} {place.at('secret/key')}",
                        policy([place.at("b/ref")], [place.at("a")]), mounts=mounts)
        expect(result.code == 125 and "symbolic link" in result.err, result)
        control = inside(f"cat {place.at('secret/key')}", policy([place.at("b/ref")]), mounts=mounts)
        expect(control.out == "SECRET\n", control)


@test("a read-only file is so by each of its names in a writable tree")
def _hard_link():
    with Place(proj__file="text\n", proj__deep__x="", other__file="text\n") as place:
        os.link(place.at("proj/file"), place.at("proj/deep/name"))
        os.link(place.at("other/file"), place.at("proj/outside"))
        place.open_up("proj")
        script = ("for f in file deep/name outside; do (echo x > $f) 2> /dev/null && echo WROTE $f; "
                  "rm -f $f 2> /dev/null && echo REMOVED $f; done; mv deep moved 2> /dev/null && "
                  "echo MOVED; cat file deep/name outside; echo x > mine && echo control")
        result = inside(script, policy([place.at("proj/file"), place.at("other/file")], workdir=True),
                        cwd=place.at("proj"))
        expect(result.out.split() == ["text", "text", "text", "control"], result)
        control = inside(script, policy(workdir=True), cwd=place.at("proj"))
        expect(control.out.count("WROTE") == 3, control)


@test("what no box may see is not seen by another mount of it, nor is a control socket")
def _hidden_views():
    with Place(agent__agent_sock="", view__x="", sess__x="", work__x="") as place:
        os.rename(place.at("agent/agent_sock"), place.at("agent/agent.sock"))
        place.write("view/agent.sock", "")
        os.chmod(place.at("sess"), 0o700)
        mounts = (f"mount --bind {place.at('agent')} {place.at('view')}\n"
                  f"mount --bind {place.at('sess')} {place.at('work')}")
        hidden = harness.clean_environment(
            OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET=place.at("agent/agent.sock"))
        for grant in ("view", "agent"):
            for env in (hidden, None):
                result = inside(f"ls -A {place.at(grant)}", policy([place.at(grant)]), mounts=mounts,
                                env=env)
                expect(result.out.split() == ([] if env else ["agent.sock"]), grant, env, result)
        # the socket alone, mounted as a file
        result = inside(f"cat {place.at('view/agent.sock')}; test -c {place.at('view/agent.sock')}",
                        policy([place.at("view")]), env=hidden,
                        mounts=f"mount --bind {place.at('agent/agent.sock')} "
                        f"{place.at('view/agent.sock')}")
        expect(result.code == 0 and result.out == "", result)
        result = inside("echo RAN", policy([place.at("work")]), ["--set", "process.session="
                                                                 + place.at("sess/s.sock")], mounts)
        expect(result.code == 125 and "can see" in result.err, result)
        os.symlink(place.at("sess"), place.at("work/link"))
        result = inside("echo RAN", policy((), [place.at("work")]),
                        ["--set", "process.session=" + place.at("work/link/s.sock")])
        expect(result.code == 125 and "symbolic link" in result.err, result)


# --- The host's own files -------------------------------------------------------------------------


def copy_host(place, name):
    """The host at another place; a policy beside it is no part of these tests."""
    os.makedirs(os.path.dirname(place.at(name)), exist_ok=True)
    shutil.copy(harness.HOST, place.at(name))
    return place.at(name)


def run_copy(place, executable, script, text, options=(), env=None, cwd=None, mounts=""):
    before, harness.HOST = harness.HOST, executable
    try:
        return inside(script, text, [*PLUGIN_DIRS, *options], env=env, cwd=cwd or place.at("work"),
                      mounts=mounts)
    finally:
        harness.HOST = before


@test("the host's executable can be neither replaced nor changed nor moved away, by any of its names")
def _executable():
    with Place(work__x="") as place:
        copy_host(place, "work/bin/openshell-host")
        os.link(place.at("work/bin/openshell-host"), place.at("work/second"))
        # where it would look for its plugins
        os.makedirs(place.at("work/lib"))
        place.open_up("work")
        os.chmod(place.at("work/bin/openshell-host"), 0o777)
        script = ("for f in bin/openshell-host second; do (echo x >> $f) 2> /dev/null && echo WROTE $f; "
                  "mv $f old 2> /dev/null && echo MOVED $f; rm -f $f 2> /dev/null && echo GONE $f; "
                  "cp x new; mv -f new $f 2> /dev/null && echo REPLACED $f; done; "
                  "mv bin old 2> /dev/null && echo MOVED; echo x > bin/other && echo control")
        text = policy(workdir=True)
        result = run_copy(place, place.at("work/bin/openshell-host"), script, text)
        # the folder of its own plugins is not there, and could be made
        expect(result.code == 125 and "the plugin directory" in result.err and
               "does not exist" in result.err, result)
        missing = [line for line in result.err.split() if line.startswith(place.top)][0]
        os.makedirs(os.path.normpath(missing))
        place.open_up("work")
        os.chmod(place.at("work/bin/openshell-host"), 0o777)
        result = run_copy(place, place.at("work/bin/openshell-host"), script + (
            f"; (echo x > {missing}/evil.so) 2> /dev/null && echo PLANTED"), text)
        expect(result.out.split() == ["control"], result)


@test("a host that is started by a link which a program could turn is not started")
def _started_by_link():
    with Place(work__x="") as place:
        copy_host(place, "elsewhere/openshell-host")
        place.open_up("work")
        os.symlink(place.at("elsewhere/openshell-host"), place.at("work/run"))
        os.symlink(place.at("elsewhere/openshell-host"), place.at("run"))
        os.chmod(place.at("elsewhere/openshell-host"), 0o755)
        for executable in (place.at("work/run"), "./run", "../work/run"):
            result = run_copy(place, executable, "echo RAN", policy(workdir=True))
            expect(result.code == 125 and "symbolic link" in result.err and result.out == "",
                   executable, result)
        result = run_copy(place, place.at("run"), "echo RAN", policy(workdir=True))
        expect(result.out == "RAN\n", result)


@test("a library that the host has loaded, and a folder that it loads from, cannot be changed")
def _libraries():
    with Place(work__x="") as place:
        needed = subprocess.run(["ldd", harness.HOST], check=True, capture_output=True, text=True)
        (library,) = [line.split()[2] for line in needed.stdout.splitlines() if "libglib-2.0" in line]
        os.makedirs(place.at("work/lib"))
        shutil.copy(library, place.at("work/lib/libglib-2.0.so.0"))
        place.open_up("work")
        script = ("f=lib/libglib-2.0.so.0; (echo x >> $f) 2> /dev/null && echo WROTE; "
                  "(echo x > lib/libc.so.6) 2> /dev/null && echo MADE; mv lib old 2> /dev/null && "
                  "echo MOVED; mv $f old 2> /dev/null && echo MOVED; echo x > new && echo control")
        for value in (place.at("work/lib"), f"/usr/lib:{place.at('work/lib')}/", "lib", "./lib/../lib"):
            result = inside(script, policy(workdir=True), cwd=place.at("work"),
                            env=harness.clean_environment(LD_LIBRARY_PATH=value))
            expect(result.out.split() == ["control"], value, result)
        # one that is mounted where the system has it
        result = inside(script, policy(workdir=True), cwd=place.at("work"),
                        mounts=f"mount --bind {place.at('work/lib/libglib-2.0.so.0')} {library}")
        expect(result.out.split() == ["MADE", "control"], result)
        os.unlink(place.at("work/lib/libc.so.6"))
        # where a mount cannot help
        os.symlink("lib", place.at("work/link"))
        for value, words in ((f"/usr/lib:{place.at('work/none')}", "does not exist"),
                             (place.at("work/link"), "symbolic link"), (":/usr/lib", "writable"),
                             (place.at("work"), "writable")):
            result = inside(script, policy(workdir=True), cwd=place.at("work"),
                            env=harness.clean_environment(LD_LIBRARY_PATH=value))
            expect(result.code == 125 and words in result.err and result.out == "", value, result)


def system_library(name):
    """Where the dynamic linker finds it."""
    with open("/proc/self/maps", encoding="utf-8") as stream:
        folders = {os.path.dirname(line.split()[5]) for line in stream if "/libc.so.6" in line}
    for folder in (*folders, "/usr/lib", "/usr/lib64"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise harness.Skip(f"there is no {name}")


@test("a library that the host loads later cannot be changed before, and without it no program is "
      "identified")
def _later_library():
    library = system_library("libcrypto.so.3")
    world.World()
    connect = ("import socket, sys\n"
               f"s = socket.create_connection(('{world.ADDRESS}', {world.ECHO_PORT}))\n"
               "s.sendall(b'hello'); sys.stdout.write(s.recv(5).decode())\n")
    reach = policy(workdir=True).replace("network_policies", "unused") + (
        "network_policies:\n  a:\n    endpoints: [{host: %s, port: %d}]\n    binaries: [{path: "
        "/usr/bin/python3*}]\n" % (world.ADDRESS, world.ECHO_PORT))
    with Place(work__x="", none="") as place:
        os.makedirs(place.at("work/lib"))
        shutil.copy(library, place.at("work/lib/libcrypto.so.3"))
        place.open_up("work")
        script = ("f=lib/libcrypto.so.3; (echo x >> $f) 2> /dev/null && echo WROTE; mv $f old "
                  "2> /dev/null && echo MOVED; rm -f $f 2> /dev/null && echo REMOVED; "
                  "echo x > new && echo control; exec /usr/bin/python3 -c \"$CONNECT\"")
        script = f"CONNECT='{connect.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'; {script}"
        result = inside(script, reach, cwd=place.at("work"),
                        mounts=f"mount --bind {place.at('work/lib/libcrypto.so.3')} {library}")
        expect(result.out.split() == ["control", "hello"], result)
        # what cannot be loaded
        result = inside(script, reach, cwd=place.at("work"),
                        mounts=f"mount --bind {place.at('none')} {library}")
        expect("hello" not in result.out and "libcrypto could not be loaded" in result.err, result)


@test("nothing can be put into a folder of plugins, or in the place of one")
def _plugin_folder():
    with Place(work__plugins__x="", work__x="", view__x="") as place:
        place.open_up("work")
        os.chmod(place.at("work/plugins"), 0o755)
        script = ("(echo x > plugins/evil.so) 2> /dev/null && echo PLANTED; mv plugins old "
                  "2> /dev/null && echo MOVED; rm -rf plugins 2> /dev/null && echo REMOVED; "
                  "echo x > new && echo control")
        for folder in (place.at("work/plugins"), "plugins", place.at("work") + "//plugins/."):
            result = inside(script, policy(workdir=True), ["--plugin-dir", folder],
                            cwd=place.at("work"))
            expect(result.out.split() == ["control"], folder, result)
        # named by the configuration, and by another mount of it
        place.write("host.conf", f"[host]\nplugin-dirs = {place.at('view')}\n")
        result = inside(script, policy(workdir=True), ["--config", place.at("host.conf")],
                        cwd=place.at("work"),
                        mounts=f"mount --bind {place.at('work/plugins')} {place.at('view')}")
        expect(result.out.split() == ["control"], result)
        # a grant of the folder itself, and a link to it that the box could turn
        os.symlink("plugins", place.at("work/link"))
        for options, grants, words in (
                (["--plugin-dir", place.at("work/plugins")], [place.at("work/plugins")], "writable"),
                (["--plugin-dir", place.at("work/link")], [], "symbolic link")):
            result = inside(script, policy((), grants, workdir=True), options, cwd=place.at("work"))
            expect(result.code == 125 and words in result.err and result.out == "", result)


@test("a plugin that lies in a writable grant is refused by whatever path the grant is written")
def _plugin_in_grant():
    with Place(real__plugins__x="", view__x="") as place:
        shutil.copy(os.path.join(harness.PLUGINS, "process", "openshell-process.so"),
                    place.at("real/plugins"))
        os.symlink("real", place.at("link"))
        options = ["--plugin-dir", place.at("real/plugins")]
        for grant, mounts in (("real", ""), ("link/plugins", ""), ("link", ""),
                              ("view", f"mount --bind {place.at('real')} {place.at('view')}")):
            result = inside("echo RAN", policy((), [place.at(grant)]), options, mounts=mounts)
            expect(result.code == 125 and "could replace it" in result.err and result.out == "", grant,
                   result)
        os.chmod(place.at("real/plugins"), 0o755)
        control = inside("echo RAN", policy(), options)
        expect(control.out == "RAN\n", control)
        for mode in (0o770, 0o775, 0o757):
            os.chmod(place.at("real/plugins"), mode)
            done = subprocess.run([harness.HOST, *options, "plugins"], check=False, timeout=20,
                                  capture_output=True, text=True, env=harness.clean_environment())
            expect("can be written by its group or by others" in done.stdout, oct(mode), done.stdout)


@test("a policy is protected however it is named, also where a grant names it")
def _policy_file():
    with Place(work__sub__x="", view__x="") as place:
        path = place.at("work/sub/policy.yaml")
        script = (f"cd {place.at('work')}; (echo x >> sub/policy.yaml) 2> /dev/null && echo WROTE; "
                  "(echo x >> alias) 2> /dev/null && echo WROTE-ALIAS; test -e view/policy.yaml && (echo x >> "
                  "view/policy.yaml) 2> /dev/null && echo WROTE-VIEW; mv sub old 2> /dev/null && echo MOVED; "
                  "echo x > new && echo control")

        def write(text):
            place.write("work/sub/policy.yaml", text)
            if os.path.exists(place.at("work/alias")):
                os.unlink(place.at("work/alias"))
            os.link(path, place.at("work/alias"))
            os.makedirs(place.at("work/view"), exist_ok=True)
            place.open_up("work")
        plain = policy((), [place.at("work")])
        write(plain)
        os.symlink(place.at("work"), place.at("way"))
        place.write("host.conf", f"[host]\npolicy = {path}\n")
        view = f"mount --bind {place.at('work/sub')} {place.at('work/view')}"
        for text, options, mounts in (
                (path, [], ""), (place.at("way/sub/policy.yaml"), [], ""),
                ("/proc/self/root" + path, [], ""), (None, ["--config", place.at("host.conf")], ""),
                (path, [], view), (place.at("work/view/policy.yaml"), [], view)):
            result = inside(script, text, options, mounts=mounts)
            expect(result.out.split() == ["control"], text, options, mounts, result)
        for grants in ([place.at("work"), path], [place.at("work"), place.at("work/sub"), path],
                       [place.at("way")]):
            if grants == [place.at("way")]:
                os.unlink(place.at("way"))
                os.symlink(place.top, place.at("way"))
                grants = [place.at("way/work")]
            write(policy((), grants))
            result = inside(script, path)
            expect(result.out.split() == ["control"], grants, result)
        # a link that the box could turn for the next run
        os.symlink("sub/policy.yaml", place.at("work/link"))
        result = inside(script, place.at("work/link"))
        expect(result.code == 125 and "symbolic link" in result.err and result.out == "", result)


# --- What the host writes -------------------------------------------------------------------------


@test("an event log and a recording are written where the box cannot write and through no link")
def _outputs():
    with Place(work__sub__x="", safe__x="", view__x="") as place:
        place.open_up("work")
        os.symlink("safe", place.at("way"))
        os.symlink("way", place.at("twice"))
        os.symlink("work", place.at("grant"))
        os.symlink("victim", place.at("safe/link"))
        os.mkfifo(place.at("safe/fifo"), 0o600)
        for name, mode in (("first", 0o600), ("open", 0o644)):
            place.write("safe/" + name, "")
            os.chmod(place.at("safe", name), mode)
        os.link(place.at("safe/first"), place.at("safe/second"))
        view = f"mount --bind {place.at('work/sub')} {place.at('view')}"
        cases = (("work/out", "writable", ""), ("work/sub/out", "writable", ""),
                 ("grant/sub/out", "writable", ""), ("view/out", "writable", view),
                 ("way/out", "symbolic link", ""), ("twice/out", "symbolic link", ""),
                 ("safe/link", "symbolic link", ""), ("safe/fifo", "", ""),
                 ("safe/first", "hard link", ""), ("safe/open", "chmod 600", ""))
        before = sorted(os.listdir(place.at("safe"))), sorted(os.listdir(place.at("work/sub")))
        for option in ("--events", "--record"):
            for path, words, mounts in cases:
                # the grant as the policy writes it leads through a link itself
                result = inside("echo RAN", policy((), [place.at("grant/sub"), place.at("work")]),
                                [option, place.at(path)], mounts=mounts)
                expect(result.code == 125 and words in result.err and result.out == "", option, path,
                       result)
            relative = inside("echo RAN", policy(workdir=True), [option, "out"], cwd=place.at("work"))
            expect(relative.code == 125 and "writable" in relative.err, relative)
        expect((sorted(os.listdir(place.at("safe"))), sorted(os.listdir(place.at("work/sub")))) == before,
               os.listdir(place.at("safe")), os.listdir(place.at("work/sub")))
        for option in ("--events", "--record"):
            path = place.at("safe", option[2:])
            result = inside("echo RAN", policy((), [place.at("work")]), [option, path])
            expect(result.code == 0 and os.stat(path).st_size > 0 and
                   os.stat(path).st_mode & 0o777 == 0o600, result)


harness.main()
