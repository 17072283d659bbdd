"""The server under test as a process, and its users over plain HTTP.

    with Server(folder) as server:
        alice = server.register("alice")
        room = alice.create_room(preset="public_chat")
        alice.send(room, "hello")
        server.kill()
        server.start()                      # the same folder, the same port; alice's token is still good

HTTP is done with the standard library's http.client, which sends a path as it stands: what a test writes is what the
server reads. Each thread has connections of its own. An answer that is no 2xx raises Refused.
"""

import contextlib
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SERVER_BINARY") or os.environ.get("HEARTH_BIN") or ROOT / "build/hearth")
# How many times slower than a release build the binary is (sanitizers); timeouts of tests grow with it.
SLOWNESS = float(os.environ.get("SERVER_SLOWNESS", "1"))

NAME = "localhost"
PASSWORD = "correct horse battery"
TOKEN = "let-me-in"
CLIENT = "/_matrix/client/v3"
# The URL of a PostgreSQL database in which each server gets a schema of its own; without it they are on SQLite.
POSTGRES = os.environ.get("HEARTH_TEST_DATABASE")
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion `|SUMMARY: \w+Sanitizer")

_numbers = itertools.count(1)


def unique(stem):
    """A name that nobody else in this run has, on whichever worker."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "w")
    return f"{stem}-{worker}-{os.getpid()}-{next(_numbers)}"


def seconds(fast):
    """A timeout: `fast` seconds for a release build."""
    return fast * SLOWNESS


def eventually(condition, timeout=10, what=None):
    """Asks again until the condition gives something true, and returns that."""
    deadline = time.monotonic() + seconds(timeout)
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, what or f"{condition} did not become true"
        time.sleep(0.005)


def free_port():
    """A port below the range from which the system takes those of outgoing connections, free at the moment."""
    for _ in range(200):
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no free port")


def psql(statement, url=None):
    """Runs it, and returns what it answers, a line a row."""
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url or POSTGRES, "-c", statement],
                          check=True, capture_output=True, text=True).stdout.strip()


def new_schema():
    """The URL of an empty database, as a server sees it."""
    name = unique("s").replace("-", "_")
    psql(f"CREATE SCHEMA {name}")
    return f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3D{name}"


def toml(value):
    return json.dumps(value)


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, answer):
        super().__init__(f"{answer.method} {answer.path}: {answer.status} {answer.text[:500]}")
        self.answer = answer
        self.status = answer.status
        self.errcode = answer.json.get("errcode") if isinstance(answer.json, dict) else None


@contextlib.contextmanager
def refused(errcode, status=None):
    """The block must end with this error of the server."""
    try:
        yield
    except Refused as error:
        assert error.errcode == errcode and status in (None, error.status), str(error)
    else:
        raise AssertionError(f"the server did what it should have refused with {errcode}")


class Answer:
    def __init__(self, method, path, response):
        self.method, self.path = method, path
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.text = self.body.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.body) if self.body else None
        except ValueError:
            self.json = None

    @property
    def errcode(self):
        return self.json.get("errcode") if isinstance(self.json, dict) else None

    def __repr__(self):
        return f"<{self.method} {self.path}: {self.status} {self.text[:500]}>"


class Server:
    def __init__(self, folder, **options):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.config = self.folder / "hearth.toml"
        self.log_path = self.folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self.process = None
        self._local = threading.local()
        self.database = new_schema() if POSTGRES else None
        self.write_config(**options)

    def write_config(self, **options):
        """Options as TOML has them; a dict becomes a table."""
        settings = {"server_name": NAME, "address": "127.0.0.1", "port": self.port, "database_path": str(self.data),
                    "allow_registration": True, "registration_token": TOKEN, "log": "info",
                    "max_connections_per_address": 4096}
        if self.database:
            settings["database"] = self.database
        settings |= options
        tables = {k: v for k, v in settings.items() if isinstance(v, dict)}
        lines = ["[global]"] + [f"{k} = {toml(v)}" for k, v in settings.items() if k not in tables]
        for name, table in tables.items():
            lines += [f"[global.{name}]"] + [f"{k} = {toml(v)}" for k, v in table.items()]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    # --- the process ---

    def environment(self):
        """Ours without what the server would read as options."""
        return {k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")}

    def start(self, timeout=10):
        assert self.process is None, "it runs already"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, env=self.environment())
        self.starts += 1
        eventually(self._answers, timeout, "the server did not start")
        return self

    def _answers(self):
        code = self.process.poll()
        assert code is None, f"the server ended with {code}:\n{self.log()[-4000:]}"
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                connection.request("GET", "/_matrix/client/versions")
                return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self, timeout=15):
        """SIGTERM; the server must end well, and must not have reported anything in its whole life."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds(timeout))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end after SIGTERM:\n{self.log()[-4000:]}") from None
        self.process = None
        assert code == 0, f"the server ended with {code}:\n{self.log()[-8000:]}"
        self.assert_no_report()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def sql(self, statement):
        """Asks or changes the database of a server that is stopped; the lines of the answer, columns parted by "|"."""
        if self.database:
            return psql(statement, self.database)
        with contextlib.closing(sqlite3.connect(next(self.data.glob("*.db")))) as database, database:
            return "\n".join("|".join(map(str, row)) for row in database.execute(statement))

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def assert_alive(self):
        assert self.process.poll() is None, f"the server died:\n{self.log()[-8000:]}"
        assert self._answers()

    def assert_no_report(self):
        report = REPORT.search(self.log())
        assert not report, self.log()[max(0, report.start() - 200):][:8000]

    def command(self, *arguments, stdin="", environment=None, binary=BINARY):
        """Runs `hearth --config ... ARGUMENTS` and returns the finished process."""
        return subprocess.run([binary, "--config", self.config, *arguments], input=stdin, text=True,
                              capture_output=True, timeout=seconds(20),
                              env={**self.environment(), **(environment or {})})

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        if self.process is None:
            self.assert_no_report()
        elif error is None:
            self.stop()
        else:
            self.kill()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- HTTP ---

    def connection(self, timeout):
        """This thread's connection to the server as it was last started."""
        kept = getattr(self._local, "kept", None)
        if not kept or kept[0] != self.starts:
            kept = (self.starts, http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout))
            self._local.kept = kept
        connection = kept[1]
        connection.timeout = timeout
        if connection.sock:
            connection.sock.settimeout(timeout)
        return connection

    def call(self, method, path, body=None, token=None, headers=None, timeout=30):
        """One request, the path as it stands. A body is bytes, or becomes JSON."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = self.connection(seconds(timeout))
        try:
            connection.request(method, path, body, headers)
            return Answer(method, path, connection.getresponse())
        except BaseException:
            connection.close()
            raise

    # --- users ---

    def anonymous(self):
        return Client(self)

    def register(self, name="user", password=PASSWORD, exact=False, **wishes):
        """A new user, by the registration token; `name` becomes unique unless `exact`. With inhibit_login: the answer."""
        body = {"username": name if exact else unique(name).lower(), "password": password, **wishes}
        challenge = self.call("POST", f"{CLIENT}/register", body)
        assert challenge.status == 401, challenge
        stages = [flow["stages"] for flow in challenge.json["flows"]]
        assert ["m.login.registration_token"] in stages, challenge
        body["auth"] = {"type": "m.login.registration_token", "token": TOKEN, "session": challenge.json["session"]}
        answer = self.call("POST", f"{CLIENT}/register", body)
        if answer.status != 200:
            raise Refused(answer)
        if body.get("inhibit_login"):
            return answer.json
        return Client(self, answer.json)

    def login(self, user, password=PASSWORD, **wishes):
        answer = self.call("POST", f"{CLIENT}/login",
                           {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user},
                            "password": password, **wishes})
        if answer.status != 200:
            raise Refused(answer)
        return Client(self, answer.json)


class Client:
    """A user on one device. Paths are templates: `get("/rooms/{}/state", room)` escapes what it puts in."""

    def __init__(self, server, session=None):
        session = session or {}
        self.server = server
        self.session = session
        self.user_id = session.get("user_id")
        self.device_id = session.get("device_id")
        self.token = session.get("access_token")

    def call(self, method, path, *parts, body=None, query=None, headers=None, timeout=30):
        path = path.format(*(quote(part, safe="") for part in parts))
        if not path.startswith(("/_matrix", "/.well-known")):
            path = CLIENT + path
        if query:
            path += "?" + urlencode({k: json.dumps(v) if isinstance(v, (dict, bool)) else v for k, v in query.items()
                                     if v is not None}, doseq=True)
        return self.server.call(method, path, body, self.token, headers, timeout)

    def ask(self, method, path, *parts, **more):
        answer = self.call(method, path, *parts, **more)
        if not 200 <= answer.status < 300:
            raise Refused(answer)
        return answer.json

    def get(self, path, *parts, **more):
        return self.ask("GET", path, *parts, **more)

    def put(self, path, *parts, body=None, **more):
        return self.ask("PUT", path, *parts, body={} if body is None else body, **more)

    def post(self, path, *parts, body=None, **more):
        return self.ask("POST", path, *parts, body={} if body is None else body, **more)

    def delete(self, path, *parts, **more):
        return self.ask("DELETE", path, *parts, **more)

    # --- rooms ---

    def create_room(self, **options):
        return self.post("/createRoom", body=options)["room_id"]

    def join(self, room, **body):
        return self.post("/join/{}", room, body=body)["room_id"]

    def leave(self, room, **body):
        return self.post("/rooms/{}/leave", room, body=body)

    def knock(self, room, **body):
        return self.post("/knock/{}", room, body=body)["room_id"]

    def member(self, verb, room, other, **body):
        """invite, kick, ban or unban somebody."""
        return self.post(f"/rooms/{{}}/{verb}", room, body={"user_id": other.user_id, **body})

    def invite(self, room, other, **body):
        return self.member("invite", room, other, **body)

    def send(self, room, content, event_type="m.room.message", txn=None):
        """Sends a text or a content; returns the event's id."""
        if isinstance(content, str):
            content = {"msgtype": "m.text", "body": content}
        return self.put("/rooms/{}/send/{}/{}", room, event_type, txn or unique("txn"), body=content)["event_id"]

    def redact(self, room, event_id, txn=None, **body):
        return self.put("/rooms/{}/redact/{}/{}", room, event_id, txn or unique("txn"), body=body)["event_id"]

    def set_state(self, room, event_type, content, key=""):
        return self.put("/rooms/{}/state/{}/{}", room, event_type, key, body=content)["event_id"]

    def state(self, room, event_type, key="", **query):
        return self.get("/rooms/{}/state/{}/{}", room, event_type, key, query=query)

    def all_state(self, room):
        """{(type, state_key): event}"""
        return {(e["type"], e["state_key"]): e for e in self.get("/rooms/{}/state", room)}

    def event(self, room, event_id):
        return self.get("/rooms/{}/event/{}", room, event_id)

    def messages(self, room, direction="b", **query):
        return self.get("/rooms/{}/messages", room, query={"dir": direction, **query})

    def all_messages(self, room, direction="b", start=None, limit=100, **query):
        """All pages from `start` on, put together."""
        events, pages = [], 0
        while True:
            page = self.messages(room, direction, **{"from": start}, limit=limit, **query)
            events += page["chunk"]
            if "end" not in page:
                return events
            assert page["end"] != start, "a page that leads nowhere"
            start = page["end"]
            pages += 1
            assert pages < 10000

    def read(self, room, event_id, kind="m.read", **body):
        return self.post("/rooms/{}/receipt/{}/{}", room, kind, event_id, body=body)

    # --- sync ---

    def sync(self, since=None, **query):
        return self.get("/sync", query={"since": since, **query}, timeout=query.get("timeout", 0) / 1000 + 30)

    def sync_until(self, since, condition, timeout=10, **query):
        """Polls on from `since` until an answer meets the condition (called with it); returns that answer's value."""
        deadline = time.monotonic() + seconds(timeout)
        while True:
            answer = self.sync(since, timeout=1000, **query)
            found = condition(answer)
            if found:
                return found
            assert time.monotonic() < deadline, f"not seen by sync; the last answer was {json.dumps(answer)[:4000]}"
            since = answer["next_batch"]


def bodies(events):
    """What was said, of the messages among events."""
    return [e["content"].get("body") for e in events if e["type"] == "m.room.message"]


def ids(events):
    return [e["event_id"] for e in events]
