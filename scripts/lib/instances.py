"""The three private services: how each is prepared, started, reached and proven to work."""

import base64
import hashlib
import os
import pathlib
import secrets
import socket
import subprocess

from process import started_at, wait_until, working_in
from toolbox import NOBODY, Failure, debian_program, is_root, wheel_folder

HOST = "127.0.0.1"


class Service:
    """One private server with a data folder and a log of its own, reachable from this machine only."""

    name = ""
    stop_signal = "SIGTERM"

    def __init__(self, base):
        self.base = base
        self.data = base / self.name
        self.log = base / f"{self.name}.log"

    def password(self):
        """Returns the password of this folder's services, choosing it on first use."""
        path = self.base / "password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(16))
        return path.read_text()

    def make_data_folder(self):
        """Makes the data folder, private to the user that the server runs as."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.hand_over(self.data)

    def write(self, name, text):
        """Writes one file that only the server may read, and returns its path."""
        path = self.data / name
        path.touch(mode=0o600)
        path.write_text(text)
        self.hand_over(path)
        return path

    @staticmethod
    def hand_over(path):
        """Gives a path to the server's user."""
        if is_root():
            os.chown(path, NOBODY, NOBODY)


class Postgres(Service):
    """PostgreSQL 18 with pgvector and pg_trgm, durable as in production (fsync and synchronous_commit on)."""

    name = "postgres"
    stop_signal = "SIGINT"  # "fast": disconnects clients and writes a checkpoint
    role = "autocrm"

    def prepare(self, _port, run_as):
        self.make_data_folder()
        if (self.data / "cluster" / "PG_VERSION").exists():
            self.clear_stale_lock()
            return
        password_file = self.write("initdb-password", self.password())
        command = [str(wheel_folder("postgres") / "initdb"), "-D", str(self.data / "cluster"), "-U", self.role]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C.UTF-8"]
        with self.log.open("w") as log:
            outcome = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **run_as)
        password_file.unlink()
        if outcome.returncode != 0:
            raise Failure(f"initdb failed:\n{self.log.read_text()}")

    def clear_stale_lock(self):
        """Removes the lock file of a killed server, which PostgreSQL keeps for as long as its parent does not reap it."""
        lock = self.data / "cluster" / "postmaster.pid"
        if not lock.exists() or started_at(lock.read_text().split()[0]) is not None:
            return
        if not wait_until(lambda: not working_in(lock.parent), 10):
            raise Failure(f"processes of a killed server still use {lock.parent}")
        lock.unlink()

    def command(self, port):
        return [str(wheel_folder("postgres") / "postgres"), "-D", str(self.data / "cluster"), "-p", str(port),
                "-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories="]

    def url(self, port):
        return f"postgres://{self.role}:{self.password()}@{HOST}:{port}/postgres"

    def sql(self, port, statements):
        """Runs statements in one transaction and returns the rows of the last one."""
        psql = wheel_folder("postgres") / "psql"
        environment = {**os.environ, "PGPASSWORD": self.password(), "PGCONNECT_TIMEOUT": "5"}
        command = [str(psql), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", str(port), "-U", self.role]
        outcome = subprocess.run([*command, "-d", "postgres", "-1", "-c", statements], env=environment, cwd="/",
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if outcome.returncode != 0:
            raise ConnectionError(outcome.stderr.strip())
        return outcome.stdout.strip()

    def answer(self, port):
        self.sql(port, "SELECT 1")

    def prove(self, port):
        answer = self.sql(port, "CREATE EXTENSION IF NOT EXISTS vector; CREATE EXTENSION IF NOT EXISTS pg_trgm;"
                                "SELECT '[3,4]'::vector <-> '[0,0]', similarity('invoice', 'invoices') > 0.6,"
                                " current_setting('server_version')")
        distance, similar, version = answer.split("|")
        expect(self.name, "vector distance", distance, "5")
        expect(self.name, "trigram similarity above 0.6", similar, "t")
        return f"PostgreSQL {version}, vector and pg_trgm work"


class Redis(Service):
    """Redis without persistence."""

    name = "redis"

    def prepare(self, port, _run_as):
        self.make_data_folder()
        self.write("redis.conf", f'bind {HOST}\nport {port}\ndir "{self.data}"\nrequirepass {self.password()}\n'
                                 'save ""\nappendonly no\ndaemonize no\n')

    def command(self, _port):
        return [debian_program("redis-server"), str(self.data / "redis.conf")]

    def url(self, port):
        return f"redis://:{self.password()}@{HOST}:{port}/0"

    def talk(self, port, *commands):
        """Sends commands after the password and returns the lines of the replies to them."""
        lines = "".join(f"{command}\r\n" for command in (f"AUTH {self.password()}", *commands, "QUIT"))
        replies = exchange(port, lines.encode()).decode().split("\r\n")
        if replies[0] != "+OK":
            raise ConnectionError(replies[0])
        return replies[1:]

    def answer(self, port):
        expect(self.name, "PING", self.talk(port, "PING")[0], "+PONG")

    def prove(self, port):
        key = f"probe:{secrets.token_hex(8)}"
        replies = self.talk(port, "PING", f"SET {key} kept EX 60", f"GET {key}", f"DEL {key}")
        expect(self.name, "PING, SET, GET and DEL", replies[:5], ["+PONG", "+OK", "$4", "kept", ":1"])
        return "PING, SET, GET and DEL work"


class ClamAv(Service):
    """clamd with two signatures of its own for the EICAR test file, so that nothing is downloaded."""

    name = "clamav"

    def prepare(self, port, _run_as):
        self.make_data_folder()
        eicar = eicar_test_file()
        signatures = self.data / "signatures"
        signatures.mkdir(mode=0o755, exist_ok=True)
        digest = hashlib.md5(eicar, usedforsecurity=False).hexdigest()
        self.write("signatures/test.hdb", f"{digest}:{len(eicar)}:Eicar-Test-File\n")
        self.write("signatures/test.ndb", f"Eicar-Test-Signature:0:*:{eicar.hex()}\n")
        self.hand_over(signatures)
        self.write("clamd.conf", f"TCPAddr {HOST}\nTCPSocket {port}\nDatabaseDirectory {signatures}\nForeground yes\n"
                                 f"TemporaryDirectory {self.data}\nStreamMaxLength 25M\nLogTime yes\n")

    def command(self, _port):
        return [debian_program("clamd"), "--foreground", f"--config-file={self.data / 'clamd.conf'}"]

    def url(self, port):
        return f"tcp://{HOST}:{port}"

    def answer(self, port):
        expect(self.name, "PING", exchange(port, b"zPING\0"), b"PONG\0")

    def prove(self, port):
        found = scan(port, eicar_test_file())
        if not found.endswith("FOUND"):
            raise Failure(f"clamav: the EICAR test file was not found: {found}")
        expect(self.name, "a harmless text", scan(port, b"Good morning"), "stream: OK")
        return f"INSTREAM answers `{found}`, and lets a harmless text through"


def eicar_test_file():
    """Returns the EICAR anti-malware test file (eicar.org), encoded here so that no scanner stops at this script."""
    tail = base64.b64decode("RUlDQVItU1RBTkRBUkQtQU5USVZJUlVTLVRFU1QtRklMRSEkSCtIKg==")
    return b"X5O!P%@AP[4\\PZX54(P^)" + b"7CC)7}$" + tail


def scan(port, content):
    """Sends bytes through clamd's INSTREAM command and returns its verdict."""
    chunk = len(content).to_bytes(4, "big") + content
    return exchange(port, b"zINSTREAM\0" + chunk + bytes(4)).rstrip(b"\0").decode()


def exchange(port, request):
    """Sends one request and returns everything up to the end of the connection."""
    reply = b""
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(request)
        while piece := connection.recv(65536):
            reply += piece
    return reply


def expect(name, what, seen, wanted):
    """Fails unless a service answered as it must."""
    if seen != wanted:
        raise Failure(f"{name}: {what}: expected {wanted!r}, got {seen!r}")


SERVICES = {service.name: service for service in (Postgres, Redis, ClamAv)}
