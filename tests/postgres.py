#!/usr/bin/env python3
"""A PostgreSQL server of the tests' own, from the Debian package, in a temporary folder that is gone afterwards.

    with Postgres() as postgres:
        url = postgres.url()                # of the database "hearth", over a unix socket
        url = postgres.create("another")    # a new database

It listens on a unix socket in its folder, and on 127.0.0.1 on a free port, where the user hearth has the password
"secret". Its default collation is a language's, which a server must not depend on. With --durable it syncs, which tests do
not need. Run by itself it prints the URL and runs until it is interrupted.

PostgreSQL does not run as root: root runs it as the user "postgres", whom the package made.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BINARIES = Path(os.environ.get("POSTGRES_BINARIES", "/usr/lib/postgresql/15/bin"))
USER, PASSWORD = "hearth", "secret"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    def __init__(self, durable=False):
        self.durable = durable
        self.process = None
        self.port = free_port()
        self.made = 0

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hearth-postgres-"))
        try:
            if os.getuid() == 0:
                account = pwd.getpwnam("postgres")
                os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.folder.chmod(0o711)  # the socket is in it
            password = self.folder / "password"
            password.write_text(PASSWORD)
            password.chmod(0o644)
            self.run("initdb", "--pgdata", self.data, "--username", USER, "--pwfile", password, "--auth-local=trust",
                     "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                     "--icu-locale=en", "--no-sync", "--no-instructions")
            self.start()
            self.sql("CREATE DATABASE hearth")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop("fast")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return self.folder / "data"

    def command(self, name, *arguments):
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        return [*as_user, str(BINARIES / name), *map(str, arguments)]

    def run(self, name, *arguments):
        done = subprocess.run(self.command(name, *arguments), cwd="/", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stdout}")
        return done.stdout

    def start(self):
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
                    "max_connections": 400, "shared_buffers": "128MB", "max_wal_size": "4GB",
                    "log_min_messages": "warning"}
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            # Ctrl-C is for the tests, which end it.
            self.process = subprocess.Popen(self.command("postgres", "-D", self.data, *options), cwd="/", stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 30
        while subprocess.run(self.command("pg_isready", "-q", "-h", self.folder, "-p", self.port), cwd="/").returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not start:\n" + (self.folder / "log").read_text())
            time.sleep(0.02)

    def stop(self, how="fast"):
        """"fast" ends sessions and stops in order; "immediate" is as if it had crashed."""
        self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        self.process.wait(60)
        self.process = None

    def restart(self, how="fast"):
        self.stop(how)
        self.start()

    def sql(self, statement, database="postgres"):
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port, "-U",
                        USER, "-d", database, "-c", statement)

    def url(self, database="hearth"):
        return f"postgresql://{USER}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database="hearth", password=PASSWORD):
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def create(self, name=None):
        """A new database's URL."""
        self.made += 1
        name = name or f"test_{os.getpid()}_{self.made}"
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--durable", action="store_true", help="sync what is committed")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    with Postgres(parser.parse_args().durable) as postgres:
        print(postgres.url(), flush=True)
        postgres.process.wait()


if __name__ == "__main__":
    main()
