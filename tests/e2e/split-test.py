# SPDX-License-Identifier: Apache-2.0
"""The split: each plugin stands alone, at build time and at run time."""
import os
import re
import socket
import subprocess

import harness
import world
from harness import Skip, expect, test

PLUGINS = {"process": "openshell-process.so", "network": "openshell-network.so"}


def library(name):
    path = os.path.join(harness.PLUGINS, name, PLUGINS[name])
    expect(os.path.exists(path), f"{PLUGINS[name]} was not built")
    return path


def symbols(path, *options):
    done = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}


def needed(path):
    done = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout)


@test("a plugin exports its entry and nothing else")
def _exports():
    for name in PLUGINS:
        expect(symbols(library(name), "--defined-only") == {"openshell_plugin_v1"},
               library(name), symbols(library(name), "--defined-only"))


@test("no plugin has an undefined symbol of ours: neither the host's nor another plugin's")
def _undefined():
    for name in PLUGINS:
        ours = {symbol for symbol in symbols(library(name), "--undefined-only")
                if symbol.lower().startswith(("osh", "openshell"))}
        expect(not ours, f"{name} wants", ours)
        expect(not [entry for entry in needed(library(name)) if "openshell" in entry],
               needed(library(name)))


@test("every undefined symbol of a plugin is in a library that the plugin names itself")
def _resolved():
    for name in PLUGINS:
        done = subprocess.run(["ldd", "-r", library(name)], capture_output=True, text=True,
                              check=False)
        if "undefined symbol: __tsan" in done.stdout + done.stderr:
            raise Skip("ThreadSanitizer's own symbols are in the executable alone")
        expect("undefined symbol" not in done.stdout + done.stderr and "not found" not in done.stdout,
               done.stdout, done.stderr)


@test("no plugin includes a header of another or of the host")
def _includes():
    top = os.path.join(harness.SOURCE, "plugins")
    rooms = [room for room in os.listdir(top) if os.path.isdir(os.path.join(top, room))]
    for room in rooms:
        for folder, _, names in os.walk(os.path.join(top, room)):
            for name in names:
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as stream:
                    for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', stream.read(), re.M):
                        beside = os.path.normpath(os.path.join(folder, header))
                        inside = beside.startswith(os.path.join(top, room) + "/")
                        expect(header.startswith("openshell/") or (inside and "/" not in header)
                               or (inside and os.path.exists(beside))
                               or os.path.exists(os.path.join(top, room, header))
                               or os.path.exists(os.path.join(harness.SOURCE, "sdk/util", header)),
                               f"{path} includes {header}")


NO_NETWORK = "\n".join(["version: 1", "filesystem_policy:", "  include_workdir: true",
                        "  read_only: [/usr, /bin, /sbin, /lib, /lib64, /etc]", ""])


@test("the process plugin alone: a box with no network at all, and the start line says so")
def _process_alone():
    result = harness.run_python(
        "import os, socket, sys\n"
        "names = [n for _, n in socket.if_nameindex()]\n"
        "s = socket.socket(); s.settimeout(3)\n"
        "try: s.connect(('10.77.0.1', 8080)); print('connected')\n"
        "except OSError as e: print('refused', type(e).__name__)\n"
        "sys.exit(5)\n", NO_NETWORK, options=["--disable", "network"])
    expect(result.code == 5, result)
    expect("refused" in result.out and "connected" not in result.out, result)
    expect("no network" in result.err, result)


@test("a policy with network rules is refused when the network plugin is disabled, or says so")
def _process_alone_with_rules():
    policy = os.path.join(harness.SOURCE, "data/examples/demo.yaml")
    result = harness.run_host(["curl", "-sS", "--max-time", "5",
                               f"http://{world.ADDRESS}:{world.API_PORT}/"], policy,
                              options=["--disable", "network"])
    expect(result.code != 0 and "hello" not in result.out, result)
    expect("network" in result.err, result)


PROXY = f"{world.OTHER_ADDRESS}:3128"
origins = world.World()


class Proxy:
    """The network plugin alone, listening for programs outside any box."""

    def __init__(self, policy, *options):
        self.process = harness.start_host(None, policy, [
            "--disable", "process", "--set", f"network.listen={PROXY}", *options])

    def __enter__(self):
        harness.wait_until(self._listens, 10, "the proxy does not listen")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(self.process.communicate())
        with socket.socket() as probe:
            return probe.connect_ex((world.OTHER_ADDRESS, 3128)) == 0

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.out, self.err = (text.decode() for text in self.process.communicate(timeout=15))


def through_proxy(url, *more):
    return subprocess.run(["curl", "-sS", "--max-time", "8", "-x", f"http://{PROXY}", *more, url],
                          capture_output=True, text=True, check=False, timeout=15,
                          env=harness.clean_environment())


@test("the network plugin alone: a proxy for programs outside any box, by policy and by program")
def _network_alone():
    allowed = f"http://{world.ADDRESS}:{world.API_PORT}/hello"
    with Proxy(world.policy(f"{world.ADDRESS}:{world.API_PORT}",
                            binaries=["/usr/bin/curl"])) as proxy:
        for more in ((), ("--proxytunnel",)):
            done = through_proxy(allowed, *more)
            expect(done.returncode == 0 and "world" in done.stdout, done)
        done = through_proxy(f"http://{world.ADDRESS}:{world.REFUSED_PORT}/", "-f")
        expect(done.returncode != 0, done)
        done = subprocess.run(
            [harness.PYTHON, "-I", "-c", f"import urllib.request as r; r.urlopen('{allowed}')"],
            capture_output=True, text=True, check=False, timeout=15,
            env=harness.clean_environment(http_proxy=f"http://{PROXY}"))
        expect(done.returncode != 0 and "403" in done.stderr, done)
    expect(proxy.process.returncode in (0, 143), proxy.process.returncode, proxy.err)
    expect(proxy.err.count("DENIED") == 2, proxy.err)
    expect(origins.refused.connections == 0, "the refused server was reached")


@test("clients of the network plugin alone trust its authority by the files of a folder")
def _authority_folder():
    secure, authority = origins.serve_https(harness.private_scratch())
    folder = harness.private_scratch()
    url = f"https://{world.ADDRESS}:{world.TLS_PORT}/hello"
    policy = world.policy({"host": world.ADDRESS, "port": world.TLS_PORT, "protocol": "rest",
                           "enforcement": "enforce", "access": "read-only"})
    bundle = os.path.join(folder, "ca-bundle.pem")
    for name in ("openshell-ca.pem", "ca-bundle.pem"):
        if os.path.exists(bundle):
            os.remove(bundle)
        before = len(secure.requests)
        with Proxy(policy, "--set", f"network.authority-folder={folder}",
                   "--set", f"network.upstream-ca={authority}") as proxy:
            path = os.path.join(folder, name)
            # The port can be connected to a moment before; what connects then waits.
            harness.wait_until(lambda: os.path.exists(bundle), 10, "no file of the authority")
            expect(os.stat(path).st_mode & 0o777 == 0o644, oct(os.stat(path).st_mode))
            done = through_proxy(url, "--cacert", path)
            expect(done.returncode == 0 and "world" in done.stdout, done)
            done = through_proxy(url, "--cacert", path, "-d", "x")
            expect('"error":"policy_denied"' in done.stdout, done)
            done = through_proxy(url)
            expect(done.returncode == 60, done)
        expect(secure.requests[before:] == ["GET /hello"], secure.requests[before:])
        expect("network.authority-folder" in proxy.err and "certificate-refused" in proxy.err, proxy.err)
    result = harness.run_host(None, policy, [
        "--disable", "process", "--set", f"network.listen={PROXY}",
        "--set", f"network.authority-folder={folder}/none"])
    expect(result.code == 125 and "network.authority-folder: cannot write" in result.err, result)


@test("the network plugin alone, without a policy, says that it refuses everything and nothing of a box")
def _alone_without_policy():
    with Proxy(None) as proxy:
        pass
    expect("no policy: everything is denied" in proxy.err, proxy.err)
    expect("working directory" not in proxy.err and "read-only" not in proxy.err, proxy.err)


@test("a port that is taken is said, with exit code 125")
def _port_taken():
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((world.OTHER_ADDRESS, 3128))
        holder.listen()
        result = harness.run_host(None, world.policy(f"{world.ADDRESS}:{world.API_PORT}"), [
            "--disable", "process", "--set", f"network.listen={PROXY}"])
    expect(result.code == 125 and "3128" in result.err, result)


harness.main()
