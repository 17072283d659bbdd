"""Servers on a PostgreSQL of their own, which is stopped, restarted and shared under them."""

import concurrent.futures
import re
import shutil
import subprocess
import sys

import pytest

import hearth
from hearth import bodies, ids

sys.path.insert(0, str(hearth.ROOT / "tests"))
from postgres import PASSWORD, Postgres  # noqa: E402


@pytest.fixture(scope="module")
def postgres():
    with Postgres() as running:
        yield running


@pytest.fixture
def make_server(postgres, tmp_path):
    """Servers, not started, on the database of that URL: one folder each."""
    made = []

    def make(name="first", url=None, **options):
        server = hearth.Server(tmp_path / name, database=url or postgres.create(), **options)
        made.append(server)
        return server

    yield make
    for server in made:
        if server.process:
            server.stop()
        server.assert_no_report()


def test_password_is_told_nobody(postgres, make_server):
    url = postgres.create().split("?")[0].split("/")[-1]
    server = make_server(url=postgres.tcp_url(url))
    with server:
        server.register("alice")
        said = server.command("check-config")
        assert said.returncode == 0 and PASSWORD not in said.stdout + said.stderr
    assert f":{PASSWORD}@" not in server.log()
    wrong = make_server("wrong", url=postgres.tcp_url(url, "another-secret"))
    done = subprocess.run([hearth.BINARY, "serve", "--config", wrong.config], env=wrong.environment(), text=True,
                          capture_output=True, timeout=hearth.seconds(20))
    assert done.returncode != 0 and "password authentication failed" in done.stderr
    assert "another-secret" not in done.stdout + done.stderr


def test_two_forms_of_the_option(postgres, make_server):
    url = postgres.create()
    with make_server(url={"url": url, "pool_size": 2}) as server:
        alice = server.register("alice", exact=True)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert len(list(pool.map(lambda _: alice.sync()["next_batch"], range(50)))) == 50
    secret = server.folder / "url"
    secret.write_text(url + "\n")
    server.write_config(database_file=str(secret))
    server.config.write_text("".join(line for line in server.config.read_text().splitlines(True)
                                     if not line.startswith("database =")))
    with server:
        assert server.login("alice").user_id == alice.user_id


def test_databases_of_others_are_refused(postgres, make_server):
    url = postgres.create()
    with make_server(url=url):
        pass
    other = make_server("other", url=url, server_name="other.example.org")
    with pytest.raises(AssertionError, match="belongs to the server localhost"):
        other.start()
    other.process = None
    hearth.psql("INSERT INTO migrations (number, name, hash) VALUES (9999, 'later', '')", url)
    newer = make_server("newer", url=url)
    with pytest.raises(AssertionError, match="newer than this program"):
        newer.start()
    newer.process = None


def test_commands_without_a_server(postgres, make_server):
    server = make_server()
    assert "hearth serve" in server.command("user", "list").stderr
    with server:
        server.register("alice", exact=True)
        assert "@alice:localhost" in server.command("user", "list").stdout
    assert "@alice:localhost" in server.command("user", "list").stdout


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_restarts_under_the_server(postgres, make_server, how):
    """What was acknowledged is there, whatever happened; nothing is there twice; the server has lived through it."""
    with make_server() as server:
        alice, bob = server.register("alice"), server.register("bob")
        room = alice.create_room(preset="public_chat")
        bob.join(room)
        since = bob.sync()["next_batch"]
        acknowledged, refused = [], []

        def talk(n):
            for i in range(60):
                answer = alice.call("PUT", "/rooms/{}/send/m.room.message/{}", room, f"{n}-{i}",
                                    body={"msgtype": "m.text", "body": f"{n}-{i}"})
                assert answer.status in (200, 500, 503), answer
                (acknowledged if answer.status == 200 else refused).append((f"{n}-{i}", answer.json.get("event_id")))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            talking = [pool.submit(talk, n) for n in range(4)]
            for _ in range(3):
                goal = len(acknowledged) + 10
                hearth.eventually(lambda goal=goal: len(acknowledged) >= goal or all(t.done() for t in talking))
                postgres.restart(how)
            for done in talking:
                done.result()
        assert server.process.poll() is None and acknowledged
        # Sent again with the same transaction, what was refused gets in once.
        for body, _ in refused:
            hearth.eventually(lambda body=body: alice.call(
                "PUT", "/rooms/{}/send/m.room.message/{}", room, body,
                body={"msgtype": "m.text", "body": body}).status == 200)
        events = [e for e in alice.all_messages(room, "f") if e["type"] == "m.room.message"]
        assert sorted(bodies(events)) == sorted(f"{n}-{i}" for n in range(4) for i in range(60))
        assert {event_id for _, event_id in acknowledged} <= set(ids(events))
        seen = bob.sync_until(since, lambda answer: answer["rooms"]["join"].get(room))
        assert seen["timeline"]["events"]


def test_starts_without_its_database_are_errors(postgres, make_server):
    server = make_server()
    with server:
        server.register("alice", exact=True)
    postgres.stop()
    try:
        done = subprocess.run([hearth.BINARY, "serve", "--config", server.config], env=server.environment(), text=True,
                              capture_output=True, timeout=hearth.seconds(20))
        assert done.returncode != 0 and "cannot open the database" in done.stderr
    finally:
        postgres.start()
    with server:
        server.login("alice")


def with_key_of(first, second):
    """The second, with the first one's signing key: two processes of one server."""
    second.data.mkdir(parents=True, exist_ok=True)
    shutil.copy(first.data / "signing.key", second.data)
    return second


def refused_start(server):
    done = server.command("serve")
    assert done.returncode == 78, done
    return done.stderr


def test_a_second_process_needs_the_key(postgres, make_server):
    """Without an account, too, and without leaving a key that would be the wrong one for ever."""
    url = postgres.create()
    with make_server("a", url=url) as a:
        b = make_server("b", url=url)
        assert "another process uses the database" in refused_start(b) and not (b.data / "signing.key").exists()
        (b.data / "signing.key").write_text("ed25519 other AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
        assert "hearth key accept" in refused_start(b)
        assert "another process" in b.command("key", "accept").stderr
        with with_key_of(a, b):
            alice = a.register("alice", exact=True)
            b.login("alice")
    (b.data / "signing.key").write_text("ed25519 other AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    assert "hearth key accept" in refused_start(b)
    hearth.eventually(lambda: b.command("key", "accept").returncode == 0)     # sessions end a moment later
    assert hearth.psql("SELECT count(*) FROM meta WHERE name LIKE 'old_signing_key ed25519:a_%'", url) == "1"
    with b:
        b.login(alice.user_id)
    assert "hearth key accept" in refused_start(a)


def test_two_processes(postgres, make_server):
    """Users and rooms of each: nothing is lost, and no number comes twice."""
    url = postgres.create()
    with make_server("a", url=url) as a, with_key_of(a, make_server("b", url=url)) as b:
        users = [server.register("u") for server in (a, b) for _ in range(4)]
        rooms = [user.create_room(preset="public_chat") for user in users]

        def talk(n):
            return [users[n].send(rooms[n], f"{n}-{i}") for i in range(40)]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(talk, range(8)))
        for user, room, own in zip(users, rooms, sent):
            events = [e for e in user.all_messages(room, "f") if e["type"] == "m.room.message"]
            assert ids(events) == own
        # Whoever logs in at the other one finds the same.
        there = b.login(users[0].user_id)
        assert ids(e for e in there.all_messages(rooms[0], "f") if e["type"] == "m.room.message") == sent[0]
        assert hearth.psql("SELECT count(*) - count(DISTINCT pos) FROM events", url) == "0"


def test_two_processes_in_one_room(postgres, make_server):
    """Each keeps the room's head in memory: an event that was built on an old one must not get in."""
    url = postgres.create()
    with make_server("a", url=url) as a, with_key_of(a, make_server("b", url=url)) as b:
        alice, bob = a.register("alice"), b.register("bob")
        room = alice.create_room(preset="public_chat")
        bob.join(room)

        def talk(user, name):
            sent = []
            for i in range(40):
                answer = user.call("PUT", "/rooms/{}/send/m.room.message/{}", room, f"{name}-{i}",
                                   body={"msgtype": "m.text", "body": f"{name}-{i}"})
                assert answer.status in (200, 500, 503), answer     # a busy room may have to be asked again
                if answer.status == 200:
                    sent.append(answer.json["event_id"])
            return sent

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            sent = [t.result() for t in [pool.submit(talk, alice, "a"), pool.submit(talk, bob, "b")]]
        assert len(sent[0]) > 20 and len(sent[1]) > 20
        events = [e for e in alice.all_messages(room, "f") if e["type"] == "m.room.message"]
        found = ids(events)
        assert sorted(found) == sorted(sent[0] + sent[1])
        assert [i for i in found if i in sent[0]] == sent[0] and [i for i in found if i in sent[1]] == sent[1]
        # One line, without forks: every event cites the one before it, and nobody else does.
        pdus = hearth.psql("SELECT pdu FROM events ORDER BY pos", url).splitlines()
        cited = [re.search(r'"prev_events":\[(.*?)\]', pdu).group(1) for pdu in pdus]
        assert all(prev.count("$") == 1 for prev in cited[1:]) and len(set(cited)) == len(cited)


def what_is_there(user, room):
    return ({key: (e["event_id"], e["content"]) for key, e in user.all_state(room).items()},
            [(e["event_id"], e["content"]) for e in user.all_messages(room, "f")])


def test_a_server_moves(postgres, make_server, tmp_path):
    """From SQLite to PostgreSQL and on to another file: tokens, rooms, memory of what was read, all of it."""
    server = hearth.Server(tmp_path / "moving")
    server.database = None
    server.write_config()
    file, url, other = str(server.data / "hearth.db"), postgres.create(), str(tmp_path / "other.db")
    with server:
        alice, bob = server.register("alice"), server.register("bob")
        room = alice.create_room(preset="public_chat", name="Moving")
        bob.join(room)
        for i in range(30):
            alice.send(room, f"{i} \u00e9\U0001f3e0")
        bob.put("/user/{}/account_data/{}", bob.user_id, "org.example", body={"nul": "a\u0000b"})
        since = bob.sync()["next_batch"]
        before = what_is_there(alice, room)
        assert "has it open" in server.command("db", "copy", file, url).stderr
    done = server.command("db", "copy", file, url)
    assert done.returncode == 0 and done.stdout.startswith("Copied "), done
    assert "not empty" in server.command("db", "copy", file, url).stderr
    server.write_config(database=url)
    with server:
        assert what_is_there(alice, room) == before
        assert "another process" in server.command("db", "copy", url, other).stderr
        event_id = alice.send(room, "moved")
        bob.sync_until(since, lambda answer: event_id in ids(
            answer["rooms"]["join"].get(room, {}).get("timeline", {}).get("events", [])))
        assert bob.get("/user/{}/account_data/{}", bob.user_id, "org.example") == {"nul": "a\u0000b"}
    # A database of before is not changed by being copied.
    newest = hearth.psql("DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations) RETURNING *", url)
    assert "older than this program" in server.command("db", "copy", url, other).stderr
    assert newest not in hearth.psql("SELECT * FROM migrations", url)
    hearth.psql("INSERT INTO migrations VALUES ('{}', '{}', '{}')".format(*newest.split("|")), url)
    (tmp_path / "other.db").unlink(missing_ok=True)
    done = server.command("--json", "db", "copy", url, other)
    assert done.returncode == 0, done
    (server.data / "hearth.db").unlink()
    (tmp_path / "other.db").rename(file)
    server.write_config()
    with server:
        assert bodies(alice.all_messages(room, "f"))[-1] == "moved"
        server.register("carol")
        alice.create_room()
