# SPDX-License-Identifier: Apache-2.0
"""Who the programs of a box are, what limits them, and what was prepared for them."""
import os
import resource
import shutil
import stat
import tempfile

import harness
import world
from harness import Skip, expect, test

STATUS = world.policy(read_only=["/proc"])


def status_of(result):
    expect(result.code == 0, result)
    return {name: value.split() for name, _, value in
            (line.partition(":") for line in result.out.splitlines()) if value}


def run_status(policy, **keywords):
    return status_of(harness.run_host(["cat", "/proc/self/status"], policy, **keywords))


def as_root(reason="only root becomes somebody else"):
    if not harness.IS_ROOT:
        raise Skip(reason)


def process(**keys):
    return world.policy(read_only=["/proc"]) + "process:\n" + "".join(
        f"  {key}: \"{value}\"\n" for key, value in keys.items())


@test("all four user and group ids are those of the policy, and no other group is left")
def _full_drop():
    as_root()
    status = run_status(process(run_as_user="1", run_as_group="65534"))
    expect(status["Uid"] == ["1"] * 4 and status["Gid"] == ["65534"] * 4, status)
    expect(status.get("Groups", []) == [], status)


@test("ids without an account are used as they are")
def _numeric():
    as_root()
    status = run_status(process(run_as_user="23456", run_as_group="34567"))
    expect(status["Uid"] == ["23456"] * 4 and status["Gid"] == ["34567"] * 4, status)


@test("supplementary groups are the listed ones")
def _groups():
    as_root()
    status = run_status(process(run_as_user="1"), options=["--set", "process.groups=bin;sys"])
    expect(sorted(status["Groups"]) == ["2", "3"], status)


@test("root is refused by name, by id and as a group")
def _root_refused():
    as_root()
    for keys in ({"run_as_user": "root"}, {"run_as_user": "0"},
                 {"run_as_user": "1", "run_as_group": "root"},
                 {"run_as_user": "1", "run_as_group": "0"}):
        result = harness.run_host(["true"], process(**keys))
        expect(result.code == 125, keys, result)


@test("root cannot be taken back, and no id can be changed")
def _regain():
    result = harness.run_python(
        "import os\n"
        "for call in (os.setuid, os.seteuid, os.setgid, os.setegid):\n"
        "    try: call(0); print('CHANGED')\n"
        "    except OSError: print('refused')\n"
        "try: os.setgroups([0]); print('CHANGED')\n"
        "except OSError: print('refused')\n", STATUS)
    expect(result.out.split() == ["refused"] * 5, result)


@test("every capability set is empty, the bounding and ambient ones too, and no_new_privs is set")
def _capabilities():
    status = run_status(STATUS)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect(int(status[name][0], 16) == 0, name, status)
    expect(status["NoNewPrivs"] == ["1"] and status["Seccomp"] == ["2"], status)


@test("a driver's pair of ids moves the account of the box")
def _driver_pair():
    as_root()
    environment = harness.clean_environment(OPENSHELL_SANDBOX_UID="4321", OPENSHELL_SANDBOX_GID="4322")
    for text in (STATUS, process(run_as_user="sandbox", run_as_group="sandbox")):
        status = run_status(text, env=environment)
        expect(status["Uid"] == ["4321"] * 4 and status["Gid"] == ["4322"] * 4, status)
    result = harness.run_host(["true"], STATUS, env=harness.clean_environment(OPENSHELL_SANDBOX_UID="4321"))
    expect(result.code == 125 and "OPENSHELL_SANDBOX_GID" in result.err, result)


@test("the user of an image is used where the policy leaves it open")
def _image_user():
    as_root()
    environment = harness.clean_environment(OPENSHELL_OCI_IMAGE_USER="daemon:bin")
    status = run_status(STATUS, env=environment)
    expect(status["Uid"] == ["1"] * 4 and status["Gid"] == ["2"] * 4, status)
    status = run_status(process(run_as_user="2", run_as_group="3"), env=environment)
    expect(status["Uid"] == ["2"] * 4 and status["Gid"] == ["3"] * 4, status)
    for value in ("root", "0:0", "daemon:", "daemon:root", ""):
        result = harness.run_host(["true"], STATUS, env=harness.clean_environment(
            OPENSHELL_OCI_IMAGE_USER=value))
        expect(result.code == 125, value, result)


@test("no program writes its memory to a core file")
def _core():
    result = harness.run_shell("ulimit -Hc; ulimit -Sc", STATUS)
    expect(result.out.split() == ["0", "0"], result)


@test("limits of the configuration hold in every program")
def _limits():
    result = harness.run_shell("ulimit -Sn; ulimit -Hn; ulimit -St", STATUS, options=[
        "--set", "process.limits=nofile=77:88;cpu=9"])
    expect(result.out.split() == ["77", "88", "9"], result)
    result = harness.run_python(
        "import os\n"
        "files = []\n"
        "try:\n"
        "    while True: files.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError as error: print(error.errno, len(files) < 32)\n", STATUS,
        options=["--set", "process.limits=nofile=32"])
    expect(result.out.split() == ["24", "True"], result)


@test("a limit that is none, or above the host's own, is refused before anything runs")
def _bad_limits():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for value in ("core=1", "files=3", "nofile", "nofile=5:4", f"nofile={hard + 1}"):
        result = harness.run_host(["true"], STATUS, options=["--set", f"process.limits={value}"])
        expect(result.code == 125 and "limits:" in result.err, value, result)


def pid_limit():
    with open("/proc/self/cgroup", encoding="utf-8") as stream:
        path = next((line.split(":", 2)[2].strip() for line in stream if line.startswith("0::")), "/")
    while True:
        try:
            with open(f"/sys/fs/cgroup{path}/pids.max", encoding="utf-8") as stream:
                if stream.read().strip() != "max":
                    return True
        except OSError:
            pass
        if path == "/":
            return False
        path = os.path.dirname(path)


@test("a required limit on processes is looked for, and missed before anything runs")
def _require_pid_limit():
    for options, environment in (
            (["--set", "process.require-pid-limit=true"], harness.clean_environment()),
            ([], harness.clean_environment(OPENSHELL_REQUIRE_RUNTIME_PID_LIMIT=""))):
        result = harness.run_host(["echo", "ran"], STATUS, options=options, env=environment)
        if pid_limit():
            expect(result.code == 0 and result.out == "ran\n", result)
        else:
            expect(result.code == 125 and "number of processes" in result.err, result)


@test("the box has a hostname, and a view of control groups, of its own")
def _names():
    with open("/proc/self/cgroup", encoding="utf-8") as stream:
        outside = stream.read()
    result = harness.run_shell("hostname || cat /proc/sys/kernel/hostname; cat /proc/self/cgroup",
                               STATUS)
    lines = result.out.splitlines()
    expect(lines and lines[0] != os.uname().nodename, result)
    expect(all(line.endswith(":/") for line in lines[1:]), outside, result)


@test("/dev holds the usual nodes and nothing of the machine's")
def _devices():
    result = harness.run_shell("ls /dev", STATUS)
    expect(set(result.out.split()) == {"fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr",
                                       "stdin", "stdout", "tty", "urandom", "zero"}, result)


@test("a writable path that is missing is made for the box's user, nested folders too")
def _made():
    as_root("an ordinary user's folders are its own anyway")
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir="/var/tmp")
    try:
        os.chmod(folder, 0o755)
        wanted = os.path.join(folder, "a", "b")
        result = harness.run_shell(f"echo x > {wanted}/file && cat {wanted}/file", world.policy(
            read_write=[wanted]) + "process:\n  run_as_user: \"1\"\n", options=["--verbose"])
        expect(result.code == 0 and result.out == "x\n", result)
        expect(os.stat(wanted).st_uid == 1, os.stat(wanted))
        expect(os.stat(os.path.dirname(wanted)).st_uid == 0, "the folder above was given away")
        expect("made" in result.err, result)
    finally:
        shutil.rmtree(folder)


@test("a writable path that is a symbolic link is refused, and nothing changes hands")
def _link():
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir="/var/tmp")
    try:
        link = os.path.join(folder, "link")
        os.symlink("/etc", link)
        before = os.stat("/etc")
        result = harness.run_host(["true"], world.policy(read_write=[link]))
        expect(result.code == 125 and "symbolic link" in result.err, result)
        after = os.stat("/etc")
        expect((before.st_uid, before.st_mode) == (after.st_uid, after.st_mode))
    finally:
        shutil.rmtree(folder)


@test("an existing writable path keeps its owner and its mode")
def _existing():
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir="/var/tmp")
    try:
        before = os.stat(folder)
        result = harness.run_host(["true"], world.policy(read_write=[folder]))
        expect(result.code == 0, result)
        after = os.stat(folder)
        expect((before.st_uid, before.st_gid, before.st_mode) ==
               (after.st_uid, after.st_gid, after.st_mode))
        expect(stat.S_IMODE(after.st_mode) == 0o700, after)
    finally:
        shutil.rmtree(folder)


BARE = """version: 1
filesystem_policy:
  include_workdir: true
"""


@test("with a network a policy that names no system folder still runs programs, and says so")
def _baseline():
    result = harness.run_host(["/usr/bin/env", "true"], BARE, ["--verbose"])
    expect(result.code == 0 and "readable beside what the policy names: " in result.err, result)
    for options in (["--set", "process.baseline=false"], ["--disable", "network"]):
        result = harness.run_host(["/usr/bin/env", "true"], BARE, options=options)
        expect(result.code == 127, result)


@test("the folder of the supervisor's own identity is empty in the box, whatever is granted")
def _hidden():
    folder = tempfile.mkdtemp(prefix="osh-e2e-", dir="/var/tmp")
    try:
        os.chmod(folder, 0o777)
        place = os.path.join(folder, "identity")
        os.mkdir(place)
        with open(os.path.join(place, "agent.sock"), "w", encoding="utf-8"):
            pass
        policy = world.policy(read_write=[folder])
        script = f"ls -A {place}; (echo x > {place}/x) 2> /dev/null || echo refused"
        result = harness.run_shell(script, policy)
        expect(result.out.splitlines()[0] == "agent.sock", result)
        for path in os.listdir(place):
            if path != "agent.sock":
                os.unlink(os.path.join(place, path))
        result = harness.run_shell(script + "; env | grep SPIFFE", policy, env=harness.clean_environment(
            OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET=f"unix://{place}/agent.sock"))
        expect(result.out == "refused\n", result)
        expect(os.listdir(place) == ["agent.sock"], os.listdir(place))
    finally:
        shutil.rmtree(folder)


@test("an identity folder that cannot be hidden is refused before anything runs")
def _cannot_hide():
    for value in ("tcp:127.0.0.1:1", "agent.sock", "/run/agent.sock", "/agent.sock"):
        result = harness.run_host(["echo", "ran"], STATUS, env=harness.clean_environment(
            OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET=value))
        expect(result.code == 125 and "ran" not in result.out, value, result)


@test("the environment is exactly what is documented")
def _environment():
    given = harness.clean_environment(
        OPENSHELL_SANDBOX_TOKEN="s3cret", OPENSHELL_ENDPOINT="https://gateway", PYTHONPATH="/x",
        http_proxy="http://evil", SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt",
        OPENSHELL_SANDBOX="name")
    plain = harness.run_host(["env"], world.policy(), env=given)
    result = harness.run_host(["env"], world.policy(), ["--set", "network.tls=always"], env=given)
    authority = set(result.out.splitlines()) - set(plain.out.splitlines())
    expect(plain.code == 0 and "/run/openshell" not in plain.out and "evil" not in plain.out, plain)
    expect(len(authority) >= 15 and all("/run/openshell/" in line for line in authority), authority)
    expect(set(plain.out.splitlines()) < set(result.out.splitlines()), plain, result)
    values = dict(line.split("=", 1) for line in result.out.splitlines())
    expect(result.code == 0 and "s3cret" not in result.out, result)
    proxies = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy"}
    bundles = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT",
               "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "NIX_SSL_CERT_FILE", "npm_config_cafile"}
    expect(len({values[name] for name in proxies}) == 1 and "evil" not in result.out, result)
    expect({values[name] for name in bundles} == {"/run/openshell/ca-bundle.pem"}, result)
    expect(values["NODE_EXTRA_CA_CERTS"] == values["DENO_CERT"] == "/run/openshell/openshell-ca.pem",
           result)
    expect(values["NO_PROXY"] == values["no_proxy"] and "127.0.0.0/8" in values["NO_PROXY"], result)
    expect(values["NODE_USE_ENV_PROXY"] == values["OPENSHELL_SANDBOX"] == "1", result)
    expect({"HOME", "USER", "LOGNAME", "SHELL", "PATH", "TERM", "LANG"} <= set(values), result)
    expect(not {"PYTHONPATH", "OPENSHELL_ENDPOINT", "OPENSHELL_SANDBOX_TOKEN"} & set(values), result)


JAVA = """
import java.security.KeyStore;
import javax.net.ssl.*;
class Trusted {
    public static void main(String[] arguments) throws Exception {
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        for (var manager : factory.getTrustManagers())
            for (var certificate : ((X509TrustManager) manager).getAcceptedIssuers())
                System.out.println(certificate.getSubjectX500Principal());
    }
}
"""


@test("Java trusts the authority of the run beside the system's, unless told not to")
def _java():
    if shutil.which("javac", path=harness.PATH) is None:
        raise Skip("there is no Java compiler here")
    folder = harness.scratch()
    with open(os.path.join(folder, "Trusted.java"), "w", encoding="utf-8") as stream:
        stream.write(JAVA)
    command = ["java", "-Xshare:auto", "Trusted.java"]
    always = ["--set", "network.tls=always"]
    result = harness.run_host(command, STATUS, cwd=folder, options=always)
    expect(result.code == 0 and "CN=OpenShell Sandbox CA" in result.out, result)
    result = harness.run_host(command, STATUS, cwd=folder,
                              options=[*always, "--set", "network.java=false"])
    expect(result.code == 0 and "OpenShell" not in result.out, result)


@test("variables that load code or belong to the supervisor cannot be passed on")
def _refused_variables():
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH", "OPENSHELL_TLS_KEY", "OPENSHELL_SANDBOX_TOKEN", "*"):
        result = harness.run_host(["true"], STATUS, options=["--set", f"process.pass-environment={name}"])
        expect(result.code == 125, name, result)
    result = harness.run_host(["env"], STATUS, options=["--set", "process.pass-environment=L*"],
                              env=harness.clean_environment(LD_PRELOAD="", LFS_SKIP="1"))
    expect("LD_PRELOAD" not in result.out and "LFS_SKIP=1" in result.out, result)


harness.main()
