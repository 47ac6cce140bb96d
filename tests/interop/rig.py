"""Starts the peers and the gateway on free loopback ports, runs the scenarios, and ends what it started."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PATIENCE = 60


class Rig:
    """Everything that runs, and where."""

    def __init__(self, peers, binary, folder):
        self.peers, self.binary, self.folder = pathlib.Path(peers), binary, pathlib.Path(folder)
        self.processes = []
        self.echo = Echo()
        ports = free_ports(6)
        self.https, self.http, self.operations, self.idp_port, self.cms_port, self.rp_port = ports
        self.gateway = f"https://cms.localhost:{self.https}"
        self.identity_server = f"https://id.localhost:{self.https}"
        self.relying_party = f"http://127.0.0.1:{self.rp_port}"
        self.issuer = f"https://idp.localhost:{self.idp_port}"
        self.authority = str(self.folder / "ca.pem")

    def start(self):
        make_certificates(self.folder)
        self.start_provider()
        self.start_cms()
        self.write_configuration()
        self.run("gateway", [self.binary, "run", "--config", "conf", "--log-format", "text"], {})
        self.wait("gateway", lambda: healthy(self.operations))
        self.start_relying_party()

    def start_provider(self):
        environment = {
            "PEERS": str(self.peers),
            "PORT": str(self.idp_port),
            "ISSUER": self.issuer,
            "GATEWAY": self.gateway,
            "TLS_CERT": str(self.folder / "server.pem"),
            "TLS_KEY": str(self.folder / "server.key"),
        }
        node = str(self.peers / "bin" / "node")
        self.run("provider", [node, str(HERE / "provider.mjs")], environment)
        self.wait("provider", lambda: connects(self.idp_port))

    def start_cms(self):
        site = self.folder / "site"
        shutil.copytree(self.peers / "site", site)
        python = str(self.peers / "python" / "bin" / "python")
        serve = [python, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.cms_port}"]
        self.run("cms", serve, {"CMS_ORIGIN": self.gateway}, directory=site)
        self.wait("cms", lambda: connects(self.cms_port))

    def start_relying_party(self):
        """After the gateway: its first act is discovery."""
        environment = {
            "PEERS": str(self.peers),
            "PORT": str(self.rp_port),
            "ISSUER": self.identity_server,
            "NODE_EXTRA_CA_CERTS": self.authority,
        }
        node = str(self.peers / "bin" / "node")
        self.run("relying party", [node, str(HERE / "relying_party.mjs")], environment)
        self.wait("relying party", lambda: connects(self.rp_port))

    def write_configuration(self):
        """The shipped base, and one patch as an owner would write it."""
        conf = self.folder / "conf"
        shutil.copytree(PROJECT / "conf", conf)
        places = {
            "HTTPS": self.https,
            "HTTP": self.http,
            "OPERATIONS": self.operations,
            "ISSUER": self.issuer,
            "ECHO": self.echo.port,
            "CMS": self.cms_port,
            "FOLDER": self.folder,
            "RP": self.relying_party,
            "PASSWORD_HASH": self.hash_password(),
            "CLIENT_JWK": client_jwk(self.folder),
        }
        patch = (HERE / "conf" / "interop.config").read_text()
        provider = (HERE / "conf" / "provider.xml").read_text()
        names = ("Interop", "InteropFormPost", "InteropHybrid")
        patch = patch.replace("@PROVIDERS@", "".join(provider.replace("@NAME@", n) for n in names))
        for name, value in places.items():
            patch = patch.replace(f"@{name}@", str(value))
        (conf / "include").mkdir(exist_ok=True)
        (conf / "include" / "interop.config").write_text(patch)
        clients = (HERE / "conf" / "relying_parties.xml").read_text()
        for name, value in places.items():
            clients = clients.replace(f"@{name}@", str(value))
        (conf / "identity" / "relying_parties.xml").write_text(clients)

    def hash_password(self):
        from relying_parties import PASSWORD

        command = [self.binary, "secret", "hash"]
        hashed = subprocess.run(command, input=PASSWORD.encode(), capture_output=True, check=True)
        return hashed.stdout.decode().strip()

    def run(self, name, command, environment, directory=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory or self.folder,
            env={**os.environ, **environment},
        )
        self.processes.append((name, process))

    def wait(self, name, ready):
        process = dict(self.processes)[name]
        until = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}")
            if time.monotonic() > until:
                raise RuntimeError(f"{name} is not up after {PATIENCE} s")
            time.sleep(0.1)

    def stop(self):
        self.echo.stop()
        for _, process in self.processes:
            process.terminate()
        for _, process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def show_logs(self):
        for name, _ in self.processes:
            text = (self.folder / f"{name}.log").read_text(errors="replace")
            print(f"--- the end of {name}'s log\n{text[-6000:]}", file=sys.stderr)


class Echo:
    """An upstream that answers with the request line and every header it received."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"line": self.requestline, "headers": self.headers.items()}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def connects(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def healthy(port):
    with contextlib.suppress(OSError):
        address = f"http://127.0.0.1:{port}/healthz/ready"
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    return False


def make_certificates(folder):
    """An authority, and a certificate of its for every *.localhost."""

    def openssl(*arguments):
        subprocess.run(
            ["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=PATIENCE
        )

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=interop",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    names = "DNS:localhost,DNS:cms.localhost,DNS:idp.localhost,DNS:id.localhost,IP:127.0.0.1"
    (folder / "server.ext").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    )
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "server.ext", "-out", "server.pem",
    )  # fmt: skip


def client_jwk(folder):
    """Makes a client's own key, and returns its public half as a JWK for an XML file."""
    from authlib.jose import JsonWebKey

    key = JsonWebKey.generate_key("RSA", 2048, is_private=True)
    (folder / "client.key").write_bytes(key.as_pem(is_private=True))
    return json.dumps({**key.as_dict(is_private=False), "kid": "rp-key"}).replace('"', "&quot;")


def main(peers, binary):
    import cms_behind
    import relying_parties
    import sign_in

    scenarios = [
        (module.__name__, name, scenario)
        for module in (sign_in, cms_behind, relying_parties)
        for name, scenario in vars(module).items()
        if name.startswith("test_")
    ]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="vestibule-interop-") as folder:
        rig = Rig(peers, binary, pathlib.Path(folder))
        try:
            rig.start()
            for module, name, scenario in scenarios:
                try:
                    scenario(rig)
                    print(f"interop {module}::{name.removeprefix('test_')} ... ok", flush=True)
                except Exception:
                    failed += 1
                    traceback.print_exc()
                    print(f"interop {module}::{name.removeprefix('test_')} ... FAILED", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
        finally:
            rig.stop()
            if failed:
                rig.show_logs()
    print(f"interop result: {'FAILED' if failed else 'ok'}. {len(scenarios)} scenarios, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
