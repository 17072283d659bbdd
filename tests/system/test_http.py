"""HTTP itself, over raw sockets: what could be read in two ways is refused and the connection closed, so that nothing is
smuggled past a proxy; limits hold before anything is read."""

import contextlib
import json
import re
import select
import socket
import time
from pathlib import Path

import pytest

import hearth

VERSIONS = b"GET /_matrix/client/versions HTTP/1.1\r\nHost: localhost\r\n\r\n"
LOGIN = f"{hearth.CLIENT}/login".encode()


@pytest.fixture(autouse=True)
def alive(server):
    yield
    server.assert_alive()


def exchange(server, data, timeout=5, pause=None, ended=False):
    """Sends bytes and reads until the server closes. (What was read, whether it closed in time.)"""
    received = b""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as connection:
        connection.settimeout(hearth.seconds(timeout))
        with contextlib.suppress(OSError):
            connection.sendall(data)
            if ended:
                connection.shutdown(socket.SHUT_WR)
        if pause:
            time.sleep(pause)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
        except TimeoutError:
            return received, False
    return received, True


def statuses(received):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3})[^\r]*\r\n", received)]


def post(headers, body=b"{}", host=b"Host: localhost\r\n", target=LOGIN):
    return b"POST " + target + b" HTTP/1.1\r\n" + host + headers + b"\r\n" + body


CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
REFUSED = {
    "both lengths": post(b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "both lengths, the other order": post(b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", CHUNKED),
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n"),
    "two equal lengths": post(b"Content-Length: 2\r\nContent-Length: 2\r\n"),
    "two encodings": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "a list of encodings": post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNKED),
    "identity": post(b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n"),
    "an unknown encoding": post(b"Transfer-Encoding: xchunked\r\n", CHUNKED),
    "an encoding after a vertical tab": post(b"Transfer-Encoding:\x0bchunked\r\n", CHUNKED),
    "an empty encoding": post(b"Transfer-Encoding:\r\n", CHUNKED),
    "a space before the colon": post(b"Content-Length : 2\r\n"),
    "a space before the colon of an encoding": post(b"Transfer-Encoding : chunked\r\n", CHUNKED),
    "a tab before the colon": post(b"Content-Length\t: 2\r\n"),
    "a space before the name": b"GET /_matrix/client/versions HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "a folded header": post(b"X-Fold: a\r\n b\r\nContent-Length: 2\r\n"),
    "a header without name": post(b": x\r\nContent-Length: 2\r\n"),
    "NUL in a header": post(b"X-Nul: a\x00b\r\nContent-Length: 2\r\n"),
    "CR in a header": post(b"X-Cr: a\rb\r\nContent-Length: 2\r\n"),
    "a header's name that is no token": post(b"X(Y): 1\r\nContent-Length: 2\r\n"),
    "no host": post(b"Content-Length: 2\r\n", host=b""),
    "two hosts": post(b"Host: localhost\r\nContent-Length: 2\r\n"),
    "two different hosts": post(b"Host: elsewhere\r\nContent-Length: 2\r\n"),
    "a list of hosts": post(b"Content-Length: 2\r\n", host=b"Host: localhost, elsewhere\r\n"),
    "a host with a path": post(b"Content-Length: 2\r\n", host=b"Host: localhost/x\r\n"),
    "a host with a user": post(b"Content-Length: 2\r\n", host=b"Host: x@localhost\r\n"),
}
# What the HTTP library cannot read it refuses itself, in words of its own.
REFUSED_BY_LIBRARY = {
    "a list of lengths": post(b"Content-Length: 2, 2\r\n"),
    "a signed length": post(b"Content-Length: +2\r\n"),
    "a negative length": post(b"Content-Length: -1\r\n"),
    "a hexadecimal length": post(b"Content-Length: 0x2\r\n"),
    "an empty length": post(b"Content-Length: \r\n"),
    "a length of words": post(b"Content-Length: two\r\n"),
    "a length past all numbers": post(b"Content-Length: 99999999999999999999999\r\n"),
    "a header without colon": post(b"Nonsense\r\nContent-Length: 2\r\n"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_closed(server, case):
    # A request that follows on the same connection must not be answered: a proxy would take it for a part of the first.
    received, closed = exchange(server, REFUSED[case] + VERSIONS)
    assert statuses(received) == [400], received[:500]
    assert closed, "the connection stays open"
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["errcode"].startswith("M_"), body


@pytest.mark.parametrize("case", REFUSED_BY_LIBRARY)
def test_refused_by_the_library_and_closed(server, case):
    received, closed = exchange(server, REFUSED_BY_LIBRARY[case] + VERSIONS)
    assert set(statuses(received)) in ({400}, {413}), received[:500]
    assert closed and b"connection: close" in received.lower()


BROKEN_CHUNKS = {
    "a size that is no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a size past all numbers": b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than its size": b"2\r\n{}{}\r\n0\r\n\r\n",
    "no line end after a chunk": b"2\r\n{}0\r\n\r\n",
    "an empty size": b"\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", BROKEN_CHUNKS)
def test_broken_chunks(server, case):
    received, closed = exchange(server, post(b"Transfer-Encoding: chunked\r\n", BROKEN_CHUNKS[case]) + VERSIONS, ended=True)
    assert closed
    # Whatever it says of the first request, it answers no second.
    assert statuses(received) in ([400], [413], []), received[:500]


GOOD_CHUNKS = {
    "one": b"2\r\n{}\r\n0\r\n\r\n",
    "two": b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "zeroes before the size": b"0002\r\n{}\r\n0\r\n\r\n",
    "a trailer": b"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
}


@pytest.mark.parametrize("case", GOOD_CHUNKS)
def test_chunks(server, case):
    """The body is read and answered. Then the server closes: how it cut the chunks is not how everybody would."""
    received, closed = exchange(server, post(b"Transfer-Encoding: chunked\r\n", GOOD_CHUNKS[case]) + VERSIONS)
    assert closed and statuses(received) == [400], received[:500]
    assert b"M_MISSING_PARAM" in received


@pytest.mark.parametrize("extension", [b";x=1", b" ;x", b";x=\"\r\"", b";" + b"x" * 300, b";x=\"\n\""])
def test_chunk_extensions(server, extension):
    """They may be ignored or refused; what follows must not be read differently."""
    received, closed = exchange(server, post(b"Transfer-Encoding: chunked\r\n", b"2" + extension + b"\r\n{}\r\n0\r\n\r\n") +
                                VERSIONS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), ended=True)
    assert closed and statuses(received) in ([400, 200], [400], []), received[:500]


def test_requests_one_after_the_other(server):
    last = VERSIONS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    received, closed = exchange(server, VERSIONS * 10 + last)
    assert closed and statuses(received) == [200] * 11


MALFORMED = [b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
             b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1 x\r\nHost: localhost\r\n\r\n",
             b"G\x00T / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
             b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, b"\x00" * 1000, b"x" * 1000,
             b"GET /_matrix/client/versions\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"]


@pytest.mark.parametrize("data", MALFORMED, ids=lambda d: repr(d[:30]))
def test_malformed_requests(server, data):
    received, _ = exchange(server, data, timeout=1, ended=True)
    assert all(status in (400, 404, 405, 505) for status in statuses(received)), received[:500]


HEADS = {
    "a long path": b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a long query": b"GET /_matrix/client/versions?" + b"x" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a long header": VERSIONS.replace(b"\r\n\r\n", b"\r\nX-Long: " + b"x" * 100000 + b"\r\n\r\n"),
    "many headers": VERSIONS.replace(b"\r\n\r\n", b"".join(b"\r\nX-%d: 1" % i for i in range(2000)) + b"\r\n\r\n"),
}


@pytest.mark.parametrize("case", HEADS)
def test_heads_that_are_too_large(server, case):
    received, closed = exchange(server, HEADS[case], ended=True)
    assert closed and statuses(received) in ([400], [413], [414], [431], []), received[:500]


# --- bodies that are too large ---

TOO_LARGE = [("POST", f"{hearth.CLIENT}/login"), ("POST", f"{hearth.CLIENT}/createRoom"), ("POST", f"{hearth.CLIENT}/nothing"),
             ("PUT", f"{hearth.CLIENT}/rooms/!x:localhost/send/m.room.message/1"), ("GET", f"{hearth.CLIENT}/sync"),
             ("PUT", f"{hearth.CLIENT}/user/@x:localhost/account_data/x")]


@pytest.mark.parametrize("method, path", TOO_LARGE)
@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_too_large_is_said_before_it_is_read(server, alice, method, path, expect):
    head = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n"
            "Content-Length: 10000000000\r\n").encode() + expect + b"\r\n"
    began = time.monotonic()
    received, closed = exchange(server, head)
    assert closed and time.monotonic() - began < hearth.seconds(4)
    allowed = ([413], [404]) if path.endswith("nothing") else ([413],)
    assert statuses(received) in allowed, received[:500]
    assert b"M_TOO_LARGE" in received or b"M_UNRECOGNIZED" in received
    assert b"access-control-allow-origin: *" in received.lower()


def test_too_large_in_chunks(server):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    received, closed = exchange(server, post(b"Transfer-Encoding: chunked\r\n", chunk * 400))
    assert closed and statuses(received) in ([413], []), received[:500]


def test_a_body_that_never_comes(server):
    received, _ = exchange(server, post(b"Content-Length: 100\r\n", b"{"), timeout=1, ended=True)
    assert statuses(received) in ([], [400]), received[:500]


def test_expect_continue(server):
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as connection:
        connection.settimeout(hearth.seconds(5))
        connection.sendall(post(b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n", b""))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(b"{}")
        received = b""
        while chunk := connection.recv(1000):
            received += chunk
    assert statuses(received) == [400] and b"M_" in received


# --- answers that nobody reads ---

def ask_and_read_nothing(server, client, path, address):
    head = (f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {client.token}\r\n"
            f"X-Forwarded-For: {address}\r\n\r\n").encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(hearth.seconds(10))
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(head)
    return connection


def fill(client, room, count):
    """So many state events of 60 KB."""
    for i in range(count):
        client.set_state(room, "org.example.large", {"text": "x" * 60000}, key=str(i))


def memory_peak(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


def test_answers_do_not_take_more_memory_than_allowed(own_server):
    """Of several users each asks twenty times for 18 MiB, as state and as sync, and reads nothing."""
    limit = 64 << 20
    own_server.write_config(max_response_memory=limit)
    own_server.start()
    users = [own_server.register(f"hoarder{i}") for i in range(4)]
    room = users[0].create_room(preset="public_chat")
    for user in users[1:]:
        user.join(room)
    fill(users[0], room, 300)
    paths = [f"{hearth.CLIENT}/rooms/{room}/state", f"{hearth.CLIENT}/sync?timeout=0"]
    assert 17 << 20 < len(own_server.call("GET", paths[0], token=users[0].token).body) < 20 << 20
    before = memory_peak(own_server)
    held = []
    try:
        for i in range(80):
            held.append(ask_and_read_nothing(own_server, users[i % 4], paths[i // 4 % 2], f"192.0.2.{i}"))
        found = [int(connection.recv(12)[9:]) for connection in held]
        assert set(found) == {200, 429} and found.count(429) > 40, found
        # What one answer needs beside the memory of answers is in `before`; the rest is for 16 workers.
        if hearth.SLOWNESS == 1:  # sanitizers keep what is freed
            assert memory_peak(own_server) - before < limit + (16 << 20)
    finally:
        for connection in held:
            connection.close()


# --- whose turn it is ---

FLOOD = 200


def flood(server, client):
    return [ask_and_read_nothing(server, client, f"{hearth.CLIENT}/sync?timeout=0", "198.51.100.1")
            for _ in range(FLOOD)]


def answered(connections):
    """How many have begun to receive an answer."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    return len(poll.poll(0))


def cpu(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture
def busy_user(own_server):
    """Somebody whose initial sync takes a while."""
    own_server.start()
    user = own_server.register("busy")
    for _ in range(100):
        user.create_room(name="one of many", topic="x" * 1000)
    return user


def test_one_user_does_not_keep_the_others_waiting(own_server, busy_user):
    """Of 200 requests that wait, most come after five that others make later, one after the other."""
    other = own_server.register("other")
    connections = flood(own_server, busy_user)
    try:
        for _ in range(5):
            assert other.get("/account/whoami")["user_id"] == other.user_id
        assert answered(connections) < FLOOD / 2
        hearth.eventually(lambda: answered(connections) == FLOOD, timeout=60)
        assert {connection.recv(12) for connection in connections} == {b"HTTP/1.1 200"}
    finally:
        for connection in connections:
            connection.close()


def test_requests_of_closed_connections_are_not_worked_off(own_server, busy_user):
    """200 of them cost less than 100 that are answered. The last request of the same user comes after all."""
    began = cpu(own_server)
    for _ in range(20):
        busy_user.sync(timeout=0)
    each = (cpu(own_server) - began) / 20
    began = cpu(own_server)
    for connection in flood(own_server, busy_user):
        connection.close()
    busy_user.get("/account/whoami")
    assert cpu(own_server) - began < each * FLOOD / 2


def test_answers_that_nobody_reads_have_a_limit(own_server):
    """Of 16 MiB one user gets 8, from whatever addresses; what others do not read leaves them a part as well."""
    own_server.write_config(max_response_memory=16 << 20)
    own_server.start()
    hoarder, other = own_server.register("hoarder"), own_server.register("other")
    other.create_room()
    room = hoarder.create_room()
    fill(hoarder, room, 130)
    path = f"{hearth.CLIENT}/rooms/{room}/state"
    whole = own_server.call("GET", path, token=hoarder.token)
    assert 7 << 20 < len(whole.body) < 8 << 20
    held = []
    try:
        # The kernel takes a part of each answer; what counts is the whole until its last byte has gone there.
        held.append(ask_and_read_nothing(own_server, hoarder, path, "192.0.2.1"))
        assert held[0].recv(13) == b"HTTP/1.1 200 "
        for address in ("192.0.2.1", "192.0.2.2"):
            held.append(ask_and_read_nothing(own_server, hoarder, path, address))
            received = held[-1].recv(4096)
            assert received.startswith(b"HTTP/1.1 429 "), received
            assert b"retry-after: 5\r\n" in received.lower() and b"M_LIMIT_EXCEEDED" in received
            assert b'"retry_after_ms":5000' in received
            assert b"access-control-allow-origin: *" in received.lower()
        assert own_server.call("GET", "/_matrix/client/versions").status == 200
        assert hoarder.get("/account/whoami")["user_id"] == hoarder.user_id
        assert len(other.sync(timeout=0)["rooms"]["join"]) == 1
    finally:
        for connection in held:
            connection.close()

    def answer():
        found = own_server.call("GET", path, token=hoarder.token, headers={"X-Forwarded-For": "192.0.2.2"})
        return found.json if found.status == 200 else None

    assert len(hearth.eventually(answer)) == len(whole.json)


def test_connections_that_say_nothing_keep_nobody_out(server):
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for connection in idle[::2]:
        connection.sendall(b"GET /_matrix/client/ver")
    try:
        began = time.monotonic()
        assert server.call("GET", "/_matrix/client/versions").status == 200
        assert time.monotonic() - began < hearth.seconds(2)
    finally:
        for connection in idle:
            connection.close()
