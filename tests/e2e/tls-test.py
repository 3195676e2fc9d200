# SPDX-License-Identifier: Apache-2.0
"""TLS of inspected connections: trust, revocation, resumption, ALPN, client certificates; and of
those that are left alone, the name in the ClientHello."""
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import harness
import world
from harness import PYTHON, Skip, expect, test

origins = world.World()
FOLDER = harness.private_scratch()
secure, AUTHORITY = origins.serve_https(FOLDER)

NAME = "origin.test"
MUTUAL_PORT = 8446
ALPN_PORT = 8447
GROUP_PORT = 8448
NGINX_PORT = 8449
HTTPS = f"https://{world.ADDRESS}:{world.TLS_PORT}"
BUNDLE = "/run/openshell/ca-bundle.pem"
AUTHORITY_FILE = "/run/openshell/openshell-ca.pem"
LIST = "http://crl.openshell.internal/run.crl"
CURL = ["curl", "-sS", "--max-time", "10"]
UNAWARE = ["env", "-i"]
JAVA = "/usr/bin/java"
NODE = "/usr/bin/node"
NGINX = "/usr/sbin/nginx"
OPENSSL = "/usr/bin/openssl"


def rest(port, host=world.ADDRESS, **keys):
    return {"host": host, "port": port, "protocol": "rest", "enforcement": "enforce",
            "access": "read-only", **keys}


POLICY = world.policy(rest(world.TLS_PORT), rest(world.TLS_PORT, NAME), rest(MUTUAL_PORT),
                      rest(ALPN_PORT), rest(GROUP_PORT), rest(NGINX_PORT))


def run(command, policy=POLICY, options=(), **keywords):
    return harness.run_recorded(command, policy,
                                ["--set", f"network.upstream-ca={AUTHORITY}", *options], **keywords)


def python(script, policy=POLICY, **keywords):
    return run([PYTHON, "-I", "-c", script], policy, **keywords)


def proxy_words(kind):
    """Shell words before curl's own; the address of the proxy is known inside the box."""
    return ["sh", "-c", f'exec curl -sS --max-time 10 {kind} "${{http_proxy#http://}}" "$@"', "curl"]


# How a client comes to the data plane: captured, CONNECT, SOCKS.
TRANSPORTS = ([*UNAWARE, *CURL, "--cacert", BUNDLE], CURL,
              proxy_words("--noproxy '' --socks5-hostname"))


class TlsServer:
    """One handshake and one answer for each connection; keeps what was negotiated."""

    def __init__(self, port, context):
        self.context, self.seen, self.failed = context, [], 0
        self.listener = socket.create_server((world.ADDRESS, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(10)
        try:
            connection = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            self.failed += 1
            return
        self.seen.append((connection.version(), connection.selected_alpn_protocol(),
                          connection.session_reused, connection.getpeercert(True) is not None))
        try:
            while connection.recv(65536):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            pass
        connection.close()


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(FOLDER, "server.pem"), os.path.join(FOLDER, "server.key"))
    return context


def openssl(*words):
    subprocess.run([OPENSSL, *words], cwd=FOLDER, check=True, capture_output=True, timeout=30)


# --- Revocation ---------------------------------------------------------------------------------

VERIFY = f"""
set -e
fetch() {{ curl -sS --max-time 8 "$@"; }}
fetch -o list.crl WORDS {LIST}
fetch -o again.crl WORDS {LIST}
cmp list.crl again.crl && echo same
openssl crl -inform DER -in list.crl -noout -text | grep -c 'No Revoked Certificates'
openssl crl -inform DER -in list.crl -out list.pem
openssl s_client -connect {world.ADDRESS}:{world.TLS_PORT} -servername {NAME} -CAfile {BUNDLE} \
    </dev/null 2>/dev/null | openssl x509 -out leaf.pem
openssl x509 -in leaf.pem -noout -ext crlDistributionPoints | grep URI
openssl x509 -in {AUTHORITY_FILE} -noout -ext crlDistributionPoints | grep URI
openssl verify -crl_check_all -CRLfile list.pem -CAfile {AUTHORITY_FILE} leaf.pem
fetch -o /dev/null -w '%{{http_code}}\\n' WORDS -X POST {LIST}
fetch -o /dev/null -w '%{{http_code}}\\n' WORDS http://crl.openshell.internal/
"""


@test("a program finds the revocation list of the run's authority where its certificates say, by "
      "proxy variables, captured, in a tunnel and by SOCKS, and no policy is asked")
def _revocation():
    uri = f"URI:{LIST}"
    for words in ("", "--noproxy '*'", "-p", 'socks5h://"${http_proxy#http://}"'):
        if words.startswith("socks5h"):
            words = "-x " + words
        result = run(["sh", "-c", VERIFY.replace("WORDS", words)])
        lines = [line.strip() for line in result.out.splitlines()]
        expect(result.code == 0 and lines == ["same", "1", uri, uri, "leaf.pem: OK", "405", "404"],
               words, result)
        hosts = [event["payload"][1] for event in result.events("network.allowed")]
        expect("crl.openshell.internal" not in hosts and not result.denials(), result.recorded)


GIVEN = f"""
openssl s_client -connect {world.ADDRESS}:{world.TLS_PORT} -servername {NAME} -CAfile {BUNDLE} \
    </dev/null 2>/dev/null | openssl x509 -out leaf.pem
openssl x509 -in leaf.pem -noout -ext crlDistributionPoints 2>/dev/null | grep -o 'URI:.*' || echo none
curl -sS --max-time 8 {LIST} | openssl crl -inform DER -out list.pem
openssl verify -crl_check -CRLfile list.pem -CAfile {AUTHORITY_FILE} leaf.pem 2>&1 | tail -1
"""


@test("the list of an authority that is given from files is there too, and certificates name none "
      "where that authority may not sign lists")
def _given_authority():
    for usage, lines in (("keyCertSign,cRLSign", [f"URI:{LIST}", "leaf.pem: OK"]),
                         ("keyCertSign", ["none", "error leaf.pem: verification failed"])):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "given.key", "-out", "given.pem", "-days", "30", "-subj", "/CN=Given",
                "-addext", f"keyUsage=critical,{usage}")
        result = run(["sh", "-c", GIVEN], options=[
            "--set", f"network.authority-certificate={FOLDER}/given.pem",
            "--set", f"network.authority-key={FOLDER}/given.key"])
        expect(result.out.splitlines() == lines, result)


JAVA_CLIENT = """
import java.net.*;
import java.security.*;
import java.security.cert.*;
import java.util.*;
import javax.net.ssl.*;
public class Check {
    public static void main(String[] words) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new java.io.FileInputStream("/run/openshell/ca-bundle.p12"), null);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
        parameters.setRevocationEnabled(true);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(new CertPathTrustManagerParameters(parameters));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        HttpsURLConnection c = (HttpsURLConnection) new URL(words[0]).openConnection();
        c.setSSLSocketFactory(context.getSocketFactory());
        System.out.println(c.getResponseCode());
    }
}
"""


@test("Java with revocation on finds the list where the certificate says, and trusts it")
def _java():
    if not os.path.exists(JAVA):
        raise Skip("no java here")
    folder = harness.scratch()
    with open(os.path.join(folder, "Check.java"), "w", encoding="ascii") as stream:
        stream.write(JAVA_CLIENT)
    command = [JAVA, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Dcom.sun.security.enableCRLDP=true",
               "Check.java", f"https://{NAME}:{world.TLS_PORT}/hello"]
    result = run(command, cwd=folder, timeout=60)
    expect(result.code == 0 and result.out.split() == ["200"], result)
    # That it was looked for at all.
    command[3] = "-Dcom.sun.security.enableCRLDP=false"
    result = run(command, cwd=folder, timeout=60)
    expect(result.code != 0 and "revocation" in result.err, result)


# --- Handshakes ---------------------------------------------------------------------------------

RESUMED = """
import socket, ssl
context = ssl.create_default_context()
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context.minimum_version = context.maximum_version = version
    session = None
    for n in range(2):
        s = socket.create_connection(('{address}', {port}), 8)
        s = context.wrap_socket(s, server_hostname='{address}', session=session)
        s.sendall(b'GET /r HTTP/1.1\\r\\nHost: {address}:{port}\\r\\n\\r\\n')
        s.recv(65536)
        print(s.version(), s.session_reused)
        session = s.session
        s.close()
"""


@test("both legs of a second connection are resumed, by TLS 1.2 and by TLS 1.3")
def _resumed():
    result = python(RESUMED.format(address=world.ADDRESS, port=ALPN_PORT))
    expect(result.out.split() == ["TLSv1.2", "False", "TLSv1.2", "True",
                                  "TLSv1.3", "False", "TLSv1.3", "True"], result)
    expect([reused for _, _, reused, _ in alpn.seen] == [False, True, True, True], alpn.seen)
    alpn.seen.clear()
    # The same with a server that has TLS 1.2 alone.
    alpn.context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        result = python(RESUMED.format(address=world.ADDRESS, port=ALPN_PORT))
    finally:
        alpn.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    expect([(version, reused) for version, _, reused, _ in alpn.seen] ==
           [("TLSv1.2", False)] + [("TLSv1.2", True)] * 3, alpn.seen)


OFFERS = """
import socket, ssl
for names in ([], ['http/1.1'], ['h2', 'http/1.1'], ['h2']):
    context = ssl.create_default_context()
    if names: context.set_alpn_protocols(names)
    try:
        s = context.wrap_socket(socket.create_connection(('{address}', {port}), 8),
                                server_hostname='{address}')
        print(s.selected_alpn_protocol())
        s.sendall(b'GET /a HTTP/1.1\\r\\nHost: {address}:{port}\\r\\nConnection: close\\r\\n\\r\\n')
        print(s.recv(65536).split(b'\\r')[0].decode())
    except ssl.SSLError as error:
        print(str(error).partition(' (')[0])
"""

alpn = TlsServer(ALPN_PORT, server_context())
alpn.context.set_alpn_protocols(["h2", "http/1.1"])


@test("the application protocol is one that program, plugin and server share; without one the "
      "program gets no_application_protocol and the server hears nothing")
def _alpn():
    alpn.seen.clear()
    result = python(OFFERS.format(address=world.ADDRESS, port=ALPN_PORT))
    expect(result.out.splitlines() ==
           ["None", "HTTP/1.1 200 OK", "http/1.1", "HTTP/1.1 200 OK", "http/1.1",
            "HTTP/1.1 200 OK", "[SSL] tlsv1 alert no application protocol"], result)
    expect([name for _, name, _, _ in alpn.seen] == [None, "http/1.1", "http/1.1"], alpn.seen)
    [failed] = result.events("network.failed")
    expect("ALPN" in failed["payload"][4], failed)


@test("a client that has to say ClientHello twice gets through: inspected, and where TLS is left "
      "alone")
def _retried():
    context = server_context()
    context.set_ecdh_curve("secp384r1")
    TlsServer(GROUP_PORT, context)
    words = ["sh", "-c", f"printf 'GET /g HTTP/1.1\\r\\nHost: {world.ADDRESS}:{GROUP_PORT}\\r\\n\\r\\n' | "
             f"(cat; sleep 1) | openssl s_client -quiet -msg -groups P-521:P-384 -connect "
             f"{world.ADDRESS}:{GROUP_PORT} -CAfile \"$1\" -verify_return_error -no_ign_eof", "sh"]
    for policy, authority in ((POLICY, BUNDLE),
                              (world.policy(f"{NAME}:{GROUP_PORT}", f"{world.ADDRESS}:{GROUP_PORT}",
                                            read_only=[AUTHORITY]), AUTHORITY)):
        result = run([*words, authority], policy)
        expect("HTTP/1.1 200 OK" in result.out and
               len(re.findall(r">>> TLS 1\.[23], Handshake \[length \w+\], ClientHello",
                              result.out + result.err)) == 2, result)
        expect("FAILED" not in result.err and not result.denials(), result)


# --- Certificates -------------------------------------------------------------------------------

def client_pair():
    """A certificate by the test's own authority, for clients, and its key."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "client.key", "-out", "client.csr", "-subj", "/CN=client of the test")
    openssl("x509", "-req", "-in", "client.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30",
            "-CAcreateserial", "-out", "client.pem")
    return os.path.join(FOLDER, "client.pem"), os.path.join(FOLDER, "client.key")


@test("a server that wants a client certificate gets the configured one where it is named, and "
      "nothing where it is not")
def _client_certificate():
    certificate, key = client_pair()
    context = server_context()
    context.load_verify_locations(AUTHORITY)
    context.verify_mode = ssl.CERT_REQUIRED
    server = TlsServer(MUTUAL_PORT, context)
    given = ["--set", f"network.client-certificate={certificate}", "--set",
             f"network.client-key={key}", "--set"]
    url = f"https://{world.ADDRESS}:{MUTUAL_PORT}/m"
    for words in TRANSPORTS:
        result = run([*words, url], options=[*given, f"network.client-certificate-hosts={world.ADDRESS}"])
        expect(result.code == 0 and result.out == "ok", result)
    expect([seen[3] for seen in server.seen] == [True] * 3, server.seen)
    result = run([*CURL, "-i", url], options=[*given, "network.client-certificate-hosts=other.test"])
    # TLS 1.3 tells a client so after its handshake.
    expect("ok" not in result.out and "the server wants a client certificate" in result.err, result)
    # Others may read it: a key is a secret.
    os.chmod(key, 0o644)
    result = run(["true"], options=[*given, f"network.client-certificate-hosts={world.ADDRESS}"])
    os.chmod(key, 0o600)
    expect(result.code != 0 and "client.key" in result.err, result)
    result = run(["true"], options=given[:-1])
    expect(result.code != 0 and "client-certificate-hosts is not set" in result.err, result)


@test("nginx that requires a client certificate serves the program whose proxy has one")
def _nginx():
    if not os.path.exists(NGINX):
        raise Skip("no nginx here")
    certificate, key = client_pair()
    folder = harness.private_scratch()
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="ascii") as stream:
        stream.write(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {world.ADDRESS}:{NGINX_PORT} ssl;
    ssl_certificate {FOLDER}/server.pem; ssl_certificate_key {FOLDER}/server.key;
    ssl_client_certificate {AUTHORITY}; ssl_verify_client on;
    location / {{ return 200 "$ssl_client_s_dn\\n"; }}
  }}
}}
""")
    server = subprocess.Popen([NGINX, "-c", path, "-e", f"{folder}/error"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        def listens():
            with socket.socket() as probe:
                return probe.connect_ex((world.ADDRESS, NGINX_PORT)) == 0
        harness.wait_until(listens, 15, "nginx listens")
        url = f"https://{world.ADDRESS}:{NGINX_PORT}/"
        options = ["--set", f"network.client-certificate={certificate}", "--set",
                   f"network.client-key={key}", "--set",
                   f"network.client-certificate-hosts={world.ADDRESS}"]
        result = run([*CURL, url], options=options)
        expect(result.code == 0 and result.out == "CN=client of the test\n", result)
        result = run([*CURL, url])
        expect("400 No required SSL certificate was sent" in result.out, result)
    finally:
        server.terminate()
        server.wait(10)


@test("the host's SSL_CERT_FILE is what servers are verified by, what programs trust beside the "
      "run's authority, and what no program can change")
def _roots_of_host():
    policy = world.policy(rest(world.TLS_PORT), f"{NAME}:{world.TLS_PORT}")
    project = harness.scratch()
    roots = os.path.join(project, "roots.pem")
    with open(AUTHORITY, encoding="ascii") as source, open(roots, "w", encoding="ascii") as copy:
        copy.write(source.read())
    script = (f"curl -sS --max-time 8 -o /dev/null -w '%{{http_code}}\\n' {HTTPS}/x; "
              f"curl -sS --max-time 8 -o /dev/null -w '%{{http_code}}\\n' https://{NAME}:{world.TLS_PORT}/x; "
              f"grep -c BEGIN {BUNDLE}; echo x 2>/dev/null >> roots.pem || echo kept")
    result = harness.run_host(["sh", "-c", script], policy, cwd=project,
                              env=harness.clean_environment(SSL_CERT_FILE=roots))
    expect(result.out.split() == ["200", "200", "2", "kept"], result)


@test("without a root by which a server could be verified a run does not start, and says which file")
def _no_roots():
    empty = os.path.join(FOLDER, "empty.pem")
    with open(empty, "wb"):
        pass
    result = harness.run_host(["true"], POLICY, env=harness.clean_environment(SSL_CERT_FILE=empty))
    expect(result.code != 0 and f"{empty}, which SSL_CERT_FILE names" in result.err, result)
    result = harness.run_host(["true"], POLICY, ["--set", f"network.upstream-ca={empty}"])
    expect(result.code != 0 and f"{empty}, which network.upstream-ca names" in result.err, result)


# --- Programs that do not trust us --------------------------------------------------------------

SILENT = """
import socket, ssl
for n in range(3):
    context = ssl.create_default_context(cafile='{cafile}')
    try: context.wrap_socket(socket.create_connection(('{address}', {port}), 8),
                             server_hostname='{address}')
    except ssl.SSLError as error: print(error.reason)
"""


def notices(result):
    lines = [line for line in result.err.splitlines() if "[certificate-refused]" in line]
    expect(len(lines) == len(result.events("network.notice")), result)
    return lines


@test("a program that does not trust the run's authority is named once, with the setting that helps")
def _distrust():
    policy = world.policy(rest(world.TLS_PORT), read_only=[AUTHORITY])
    for words, program, setting in (
            ([PYTHON, "-I", "-c", SILENT.format(cafile=AUTHORITY, address=world.ADDRESS,
                                                port=world.TLS_PORT)],
             os.path.basename(os.path.realpath(PYTHON)), "SSL_CERT_FILE and REQUESTS_CA_BUNDLE"),
            (["sh", "-c", f"for n in 1 2; do GIT_SSL_CAINFO={AUTHORITY} git ls-remote {HTTPS}/x; done"],
             "git-remote-http", "GIT_SSL_CAINFO"),
            ([NODE, "-e", "delete process.env.NODE_EXTRA_CA_CERTS; const s = require('tls').connect("
              f"{{host: '{world.ADDRESS}', port: {world.TLS_PORT}, ca: "
              f"require('fs').readFileSync('{AUTHORITY}')}}); s.on('error', e => console.log(e.code))"],
             "node", "NODE_EXTRA_CA_CERTS")):
        result = run(words, policy)
        [line] = notices(result)
        expect(f" {program}(" in line and setting in line, result)
        expect("FAILED" not in result.err and not result.events("l7.allowed"), result)


@test("a program that pins its server's certificate is named once, and said to pin")
def _pinned():
    pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    for words in TRANSPORTS:
        result = run([*words, "--pinnedpubkey", pin, f"{HTTPS}/pinned"])
        [line] = notices(result)
        expect(result.code == 90 and "pinning" in line and "tls: skip" in line, result)


UNPREPARED = """
import os, socket, ssl, time, urllib.parse
open('ready', 'w').close()
while not os.path.exists('changed'): time.sleep(0.05)
proxy = urllib.parse.urlsplit(os.environ['http_proxy'])
s = socket.create_connection((proxy.hostname, proxy.port), 8)
s.sendall(b'CONNECT {address}:{port} HTTP/1.1\\r\\nHost: {address}:{port}\\r\\n\\r\\n')
print(s.recv(65536).decode())
try: ssl.create_default_context().wrap_socket(socket.create_connection(('{address}', {port}), 8),
                                                server_hostname='{address}')
except OSError as error: print(type(error).__name__)
"""


@test("an endpoint whose TLS is to be inspected gets no connection in a run without an authority: "
      "503 to CONNECT, a reset where it was captured, and never a copy of the bytes")
def _no_authority():
    folder = harness.scratch()
    path = os.path.join(harness.private_scratch(), "policy.yaml")

    def write(*endpoints):
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(world.policy(*endpoints))
        os.rename(path + ".new", path)

    write(f"{world.ADDRESS}:{world.TLS_PORT}")
    before = len(secure.requests)
    started = harness.start_host(
        [PYTHON, "-I", "-c", UNPREPARED.format(address=world.ADDRESS, port=world.TLS_PORT)], path,
        cwd=folder)
    harness.wait_until(lambda: os.path.exists(os.path.join(folder, "ready")), 15, "no start")
    write(rest(world.TLS_PORT))
    time.sleep(1.5)
    with open(os.path.join(folder, "changed"), "wb"):
        pass
    out, err = started.communicate(timeout=30)
    expect(b"HTTP/1.1 503 Service Unavailable" in out and
           b"tls_termination_unavailable" in out, out, err.decode())
    expect(out.split()[-1] in (b"ConnectionResetError", b"SSLEOFError"), out, err.decode())
    expect(b"needs a restart" in err and len(secure.requests) == before, err.decode())


# --- TLS that is left alone ---------------------------------------------------------------------

HELLO = """
import socket, ssl, sys
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.create_default_context(cafile={cafile!r})
tls = context.wrap_bio(incoming, outgoing, server_hostname={name!r})
try: tls.do_handshake()
except ssl.SSLWantReadError: pass
hello = outgoing.read()
message, size = hello[5:], {size}
s = socket.create_connection(({host!r}, {port}), 8)
for at in range(0, len(message), size):
    part = message[at:at + size]
    record = b'\\x16\\x03\\x01' + len(part).to_bytes(2, 'big') + part
    # Each record in two segments.
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(record[:3]); s.sendall(record[3:])
try:
    while True:
        data = s.recv(65536)
        if not data: print('end'); break
        incoming.write(data)
        try: tls.do_handshake(); print('done'); break
        except ssl.SSLWantReadError: pass
except OSError as error: print(type(error).__name__)
"""


@test("a ClientHello in many records and segments is read all the same, inspected and left alone, "
      "and its name decides")
def _fragments():
    left_alone = world.policy(f"{NAME}:{world.TLS_PORT}", read_only=[AUTHORITY])
    for policy, cafile in ((POLICY, BUNDLE), (left_alone, AUTHORITY)):
        for name, answer in ((NAME, "done"), ("api.example.test", "ConnectionResetError")):
            result = python(HELLO.format(cafile=cafile, name=name, host=NAME,
                                         port=world.TLS_PORT, size=37), policy)
            expect(result.out.split() == [answer], name, result)
            expect(bool(result.denials()) == (answer != "done"), result)


@test("a server name that is not the one of CONNECT, of SOCKS, or of the address that was handed out "
      "ends the connection, inspected or not")
def _names():
    left_alone = world.policy(f"{NAME}:{world.TLS_PORT}")
    # curl asks for another name in TLS than it has connected to.
    other = ["--connect-to", f"api.example.test:{world.TLS_PORT}:{NAME}:{world.TLS_PORT}", "-k",
             f"https://api.example.test:{world.TLS_PORT}/x"]
    before = len(secure.requests)
    for policy in (POLICY, left_alone):
        for words in TRANSPORTS:
            result = run([*words, *other], policy)
            expect(result.code in (35, 56), result)
            [line] = result.denials()
            expect("api.example.test" in line and "TLS server name" in line, line)
    expect(len(secure.requests) == before, secure.requests)


harness.main()
