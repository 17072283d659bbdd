"""The commands of `hearth`: each while a server runs, when they speak to it, and while none does, when they open the
database themselves; as text and as JSON."""

import fcntl
import json
import os
import pty
import re
import resource
import signal
import subprocess
import termios
import time

import pytest

import hearth
from hearth import refused

SECRET = "a new password 1"


@pytest.fixture(params=["running", "stopped"])
def site(request, own_server):
    """A server that runs, or one that has run."""
    own_server.start()
    own_server.register("first")
    if request.param == "stopped":
        own_server.stop()
    return own_server


def running(site):
    """The site's server, started if it is not."""
    return site if site.process else site.start()


def good(site, *arguments, **more):
    """Runs a command that must succeed; returns what it printed."""
    done = site.command(*arguments, **more)
    assert done.returncode == 0, done
    assert "Sanitizer" not in done.stderr
    return done.stdout


def good_json(site, *arguments, **more):
    return json.loads(good(site, *arguments, "--json", **more))


def bad(site, *arguments, code=1, **more):
    """Runs a command that must fail, with a complaint of one line; returns that. As JSON it says the same."""
    done = site.command(*arguments, **more)
    assert (done.returncode, done.stdout) == (code, ""), done
    as_json = site.command("--json", *arguments, **more)
    assert (as_json.returncode, as_json.stdout) == (code, ""), as_json
    error = json.loads(as_json.stderr)["error"]
    assert done.stderr.splitlines()[0] == "hearth: " + error.splitlines()[0]
    return error


# --- accounts ---

def test_user_create(site):
    assert "@dora:localhost" in good(site, "user", "create", "dora", "--password-file", "-", stdin=SECRET + "\n")
    made = good_json(site, "user", "create", "emil", "--admin", "--random-password")
    assert made["user_id"] == "@emil:localhost" and made["admin"] is True and len(made["password"]) >= 16
    text = good(site, "user", "create", "frida", "--random-password")
    password = re.search(r"^Password: (\S+)$", text, re.M)[1]
    server = running(site)
    for user, word in (("dora", SECRET), ("emil", made["password"]), ("frida", password)):
        assert server.login(user, word).user_id == f"@{user}:localhost"


def test_user_create_from_a_file(site, tmp_path):
    file = tmp_path / "password"
    file.write_text(SECRET + "\nsecond line\n")
    good(site, "user", "create", "dora", "--password-file", str(file))
    running(site).login("dora", SECRET)
    assert "nowhere" in bad(site, "user", "create", "emil", "--password-file", str(tmp_path / "nowhere"))


def test_passwords_from_pipes(site, tmp_path):
    """Process substitution, a named pipe, and standard input by its names in /dev."""
    shell = f"{hearth.BINARY} --config {site.config} user create dora --password-file <(printf '{SECRET}')"
    subprocess.run(["bash", "-c", shell], check=True, capture_output=True, env=site.environment(), timeout=60)
    for name, path in (("emil", "/dev/stdin"), ("frida", "/dev/fd/0"), ("gerd", "/proc/self/fd/0")):
        good(site, "user", "create", name, "--password-file", path, stdin=SECRET + "\n")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["bash", "-c", f"echo '{SECRET}' > {fifo}"]):
        good(site, "user", "create", "hanna", "--password-file", str(fifo))
    server = running(site)
    for user in ("dora", "emil", "frida", "gerd", "hanna"):
        server.login(user, SECRET)
    assert "/dev/null" in bad(site, "user", "create", "ida", "--password-file", "/dev/null", code=2)
    assert "8192" in bad(site, "user", "create", "ida", "--password-file", "/dev/stdin", stdin="x" * 10000)


def test_user_create_refuses(site):
    good(site, "user", "create", "dora", "--random-password")
    assert "taken" in bad(site, "user", "create", "dora", "--random-password").lower() or \
        "use" in bad(site, "user", "create", "dora", "--random-password").lower()
    for name in ("Dora", "with space", "ä", "a" * 250, "@dora:elsewhere.example", ""):
        bad(site, "user", "create", name, "--random-password")
    for password in ("short", "", "x" * 2000):
        error = bad(site, "user", "create", "emil", "--password-file", "-", stdin=password + "\n")
        assert "password" in error and "no password" not in error
    assert [u["user_id"] for u in good_json(site, "user", "list")["users"]][0:1] == ["@dora:localhost"]


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def read_until(terminal, text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 1000)
    return seen


@pytest.fixture
def asked(own_server):
    """`hearth user create` at a terminal that has just asked for the password: the process, both ends of the terminal."""
    with own_server:
        pass  # makes the database
    ours, theirs = pty.openpty()

    def take_terminal():
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    command = [hearth.BINARY, "--config", own_server.config, "user", "create", "dora"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal,
                               env=own_server.environment())
    read_until(ours, b"Password: ")
    hearth.eventually(lambda: not echoes(theirs))
    yield process, ours, theirs
    process.kill()
    process.wait()
    os.close(ours)
    os.close(theirs)


def test_passwords_are_asked_for_without_echo(asked, own_server):
    process, ours, theirs = asked
    os.write(ours, SECRET.encode() + b"\n")
    assert SECRET.encode() not in read_until(ours, b"Again: ")
    hearth.eventually(lambda: not echoes(theirs))
    os.write(ours, SECRET.encode() + b"\n")
    assert process.wait(hearth.seconds(10)) == 0
    assert echoes(theirs)
    with own_server as server:
        server.login("dora", SECRET)


@pytest.mark.parametrize("key, number", [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT), (None, signal.SIGTERM)])
def test_a_signal_at_the_prompt_leaves_the_terminal_as_it_was(asked, key, number):
    process, ours, theirs = asked
    if key:
        os.write(ours, key)  # Ctrl-C or Ctrl-\
    else:
        process.send_signal(number)
    assert process.wait(hearth.seconds(10)) == -number
    assert echoes(theirs)


def test_user_list(site):
    before = good_json(site, "user", "list")["users"]
    assert len(before) == 1 and re.fullmatch(r"@first-.*:localhost", before[0]["user_id"])
    for i in range(3):
        good(site, "user", "create", f"user{i}", "--random-password")
    good(site, "user", "admin", "user1")
    good(site, "user", "deactivate", "user2")
    users = {u["user_id"]: u for u in good_json(site, "user", "list")["users"]}
    assert len(users) == 4
    assert users["@user1:localhost"]["admin"] is True and users["@user0:localhost"]["admin"] is False
    assert users["@user2:localhost"]["deactivated"] is True and users["@user0:localhost"]["deactivated"] is False
    assert abs(users["@user0:localhost"]["created_ts"] / 1000 - time.time()) < 300
    text = good(site, "user", "list")
    assert len(text.splitlines()) == 4
    assert re.search(r"@user1:localhost +administrator", text) and re.search(r"@user2:localhost +deactivated", text)


def test_user_password(site):
    good(site, "user", "create", "dora", "--password-file", "-", stdin=hearth.PASSWORD)
    server = running(site)
    dora = server.login("dora")
    good(site, "user", "password", "dora", "--password-file", "-", stdin=SECRET)
    server = running(site)
    with refused("M_UNKNOWN_TOKEN", 401):
        dora.get("/account/whoami")                     # logged out everywhere
    with refused("M_FORBIDDEN", 403):
        server.login("dora", hearth.PASSWORD)
    again = server.login("dora", SECRET)
    made = good_json(site, "user", "password", "@dora:localhost", "--random-password", "--keep-devices")
    again.get("/account/whoami")
    server.login("dora", made["password"])
    bad(site, "user", "password", "nobody", "--random-password")


def test_user_password_while_stopped(own_server):
    with own_server as server:
        server.register("dora", exact=True)
    good(own_server, "user", "password", "dora", "--password-file", "-", stdin=SECRET)
    with own_server as server:
        server.login("dora", SECRET)


def test_user_admin(site):
    good(site, "user", "create", "dora", "--random-password")
    assert good_json(site, "user", "admin", "dora")["admin"] is True
    users = {u["user_id"]: u["admin"] for u in good_json(site, "user", "list")["users"]}
    assert users["@dora:localhost"] is True
    assert good_json(site, "user", "admin", "@dora:localhost", "--revoke")["admin"] is False
    bad(site, "user", "admin", "nobody")
    bad(site, "user", "admin", "@dora:elsewhere.example")


def test_user_deactivate(own_server):
    with own_server as server:
        dora, alice = server.register("dora", exact=True), server.register("alice", exact=True)
        room = alice.create_room(preset="public_chat")
        dora.join(room)
        assert good_json(server, "user", "deactivate", "dora") == {"user_id": "@dora:localhost"}
        with refused("M_UNKNOWN_TOKEN", 401):
            dora.get("/account/whoami")
        with refused("M_USER_DEACTIVATED", 403):
            server.login("dora")
        hearth.eventually(lambda: alice.state(room, "m.room.member", dora.user_id)["membership"] == "leave")
        again = server.call("POST", f"{hearth.CLIENT}/register", {"username": "dora", "password": hearth.PASSWORD})
        assert (again.status, again.errcode) == (400, "M_USER_IN_USE")
        bad(server, "user", "deactivate", "nobody")
        bad(server, "user", "password", "dora", "--random-password")
        bad(server, "user", "admin", "dora")


def test_user_deactivate_while_stopped(own_server):
    with own_server as server:
        dora, alice = server.register("dora", exact=True), server.register("alice", exact=True)
        room = alice.create_room(preset="public_chat")
        dora.join(room)
    good(own_server, "user", "deactivate", "dora", "--erase")
    with own_server:
        with refused("M_UNKNOWN_TOKEN", 401):
            dora.get("/account/whoami")
        hearth.eventually(lambda: alice.state(room, "m.room.member", dora.user_id)["membership"] == "leave")


# --- registration tokens ---

def register_with(server, token):
    """The status of a registration with a token."""
    body = {"username": hearth.unique("user"), "password": hearth.PASSWORD}
    session = server.call("POST", f"{hearth.CLIENT}/register", body).json["session"]
    body["auth"] = {"type": "m.login.registration_token", "token": token, "session": session}
    return server.call("POST", f"{hearth.CLIENT}/register", body).status


def test_tokens(site):
    made = good_json(site, "token", "create")
    assert made["token"] and made["uses_allowed"] is None and made["expires_ts"] is None
    named = good_json(site, "token", "create", "--token", "my.token-1", "--uses", "1", "--expires", "2h")
    assert named["token"] == "my.token-1" and named["uses_allowed"] == 1
    assert abs(named["expires_ts"] / 1000 - time.time() - 7200) < 300
    plain = good(site, "token", "create").strip()
    listed = {t["token"]: t for t in good_json(site, "token", "list")["tokens"]}
    assert listed.keys() == {made["token"], "my.token-1", plain}
    assert listed["my.token-1"]["completed"] == 0
    text = good(site, "token", "list")
    assert re.search(r"^my\.token-1 .*of 1 .*until \d{4}-", text, re.M)

    server = running(site)
    valid = f"{hearth.CLIENT.replace('v3', 'v1')}/register/m.login.registration_token/validity?token="
    assert server.call("GET", valid + "my.token-1").json == {"valid": True}
    assert server.call("GET", valid + "nothing").json == {"valid": False}
    assert register_with(server, "my.token-1") == 200
    assert register_with(server, "my.token-1") == 401   # it was good for one
    assert server.call("GET", valid + "my.token-1").json == {"valid": False}
    listed = {t["token"]: t for t in good_json(site, "token", "list")["tokens"]}
    assert listed["my.token-1"]["completed"] == 1

    assert good_json(site, "token", "revoke", made["token"])["token"] == made["token"]
    assert register_with(server, made["token"]) == 401
    assert register_with(server, plain) == 200
    bad(site, "token", "revoke", made["token"])


def test_tokens_refused(site):
    good(site, "token", "create", "--token", "taken")
    bad(site, "token", "create", "--token", "taken")
    for token in ("", "with space", "a" * 65, "ä", "a/b"):
        bad(site, "token", "create", "--token", token)
    for flag, value in (("--uses", "0"), ("--uses", "-1"), ("--uses", "many"), ("--uses", "99999999999999999999"),
                        ("--expires", "0s"), ("--expires", "soon"), ("--expires", "-1h")):
        bad(site, "token", "create", f"{flag}={value}", code=2)
    assert [t["token"] for t in good_json(site, "token", "list")["tokens"]] == ["taken"]


def test_a_token_ends(own_server):
    with own_server as server:
        token = good_json(server, "token", "create", "--expires", "1s")["token"]
        valid = f"{hearth.CLIENT.replace('v3', 'v1')}/register/m.login.registration_token/validity?token={token}"
        hearth.eventually(lambda: server.call("GET", valid).json == {"valid": False})
        assert register_with(server, token) == 401


def test_the_welcome_makes_one_token(own_server):
    """`make run` again and again prints the same one as long as it is good."""
    own_server.config.write_text(re.sub("registration_token = .*", "", own_server.config.read_text()))
    seen = []
    for _ in range(3):
        process = subprocess.Popen([hearth.BINARY, "serve", "--welcome", "--config", own_server.config], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=own_server.environment())
        printed = "".join(iter(process.stdout.readline, f"  homeserver {own_server.url}, user @NAME:localhost\n"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(hearth.seconds(15)) == 0
        seen += re.findall("^  (welcome-.*)$", printed, re.M)
    assert len(seen) == 3 and len(set(seen)) == 1
    assert [t["token"] for t in good_json(own_server, "token", "list")["tokens"]] == seen[:1]


# --- the command line ---

def test_version(own_server):
    version = (hearth.ROOT / "VERSION").read_text().strip()
    assert version in good(own_server, "version")
    assert good_json(own_server, "version")["version"] == version


def test_help(own_server):
    text = good(own_server, "--help")
    for command in ("serve", "check-config", "user create", "user list", "user password", "user admin",
                    "user deactivate", "token create", "token list", "token revoke", "version"):
        assert command in text
        assert command in good(own_server, *command.split(), "--help")


def test_help_of_a_noun(own_server):
    """Asked for, it is the answer; left out, it is what was wrong."""
    asked = good(own_server, "user", "--help")
    assert asked == good(own_server, "help", "user") and "user create NAME" in asked and "--random-password" in asked
    assert "token" not in asked
    done = own_server.command("user")
    assert (done.returncode, done.stdout) == (2, "") and asked in done.stderr
    assert json.loads(own_server.command("user", "--json").stderr)["error"].startswith("user wants one of: create")


def test_help_as_json(own_server):
    everything = good_json(own_server, "--help")
    assert everything == good_json(own_server, "help")
    commands = {c["name"]: c for c in everything["commands"]}
    assert {"serve", "user create", "token list"} <= commands.keys()
    assert {"--config", "--json", "--help"} == {f["name"] for f in everything["flags"]}
    assert good_json(own_server, "token", "--help")["commands"] == [
        c for name, c in commands.items() if name.startswith("token ")]
    assert good_json(own_server, "user", "create", "--help")["commands"] == [commands["user create"]]


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["user"], ["user", "nonsense"], ["user", "create"], ["user", "create", "a", "b"], ["user", "list", "x"],
    ["user", "list", "--nonsense"], ["user", "create", "a", "--password-file"], ["token", "revoke"], ["serve", "x"],
    ["user", "admin", "a", "--revoke=yes"], ["version", "--admin"]])
def test_usage_errors(own_server, arguments):
    bad(own_server, *arguments, code=2)


def test_nothing_is_asked_without_a_terminal(site):
    done = site.command("user", "create", "dora")
    assert done.returncode == 2 and "--password-file" in done.stderr


def test_commands_without_a_database(own_server):
    error = bad(own_server, "user", "list")
    assert "hearth serve" in error and not own_server.data.exists()


def test_the_socket_is_for_the_server_s_user(own_server):
    with own_server as server:
        sockets = [p for p in server.data.iterdir() if p.is_socket()]
        assert len(sockets) == 1 and sockets[0].stat().st_mode & 0o077 == 0
        answer = server.call("POST", "/_hearth/control", {"command": "user list"})
        assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")    # not over TCP
    good(own_server, "user", "list")                                         # nor does a socket remain in the way


def test_a_killed_server_is_not_in_the_way(own_server):
    server = own_server.start()
    server.register("first")
    server.kill()
    assert len(good_json(server, "user", "list")["users"]) == 1
    server.start()
    good(server, "user", "list")


def test_two_servers_on_one_folder(own_server, tmp_path):
    own_server.start()
    second = hearth.Server(tmp_path / "second", database_path=str(own_server.data))
    done = second.command("serve")
    assert done.returncode == 1 and done.stderr.strip(), done
    own_server.assert_alive()


# --- the database ---

def test_db_gc(own_server):
    server = own_server.start()
    assert "server running" in bad(server, "db", "gc")
    alice = server.register("alice")
    room = alice.create_room(preset="public_chat")
    for number in range(40):
        alice.set_state(room, "m.room.topic", {"topic": f"{number}"})
    before = {key: event["event_id"] for key, event in alice.all_state(room).items()}
    server.stop()
    first = good_json(server, "db", "gc")
    assert first["nodes"] >= 40 and first["removed_nodes"] <= first["nodes"]
    again = good_json(server, "db", "gc", "--compact")
    assert (again["removed_nodes"], again["removed_bytes"]) == (0, 0)
    assert again["nodes"] == first["nodes"] - first["removed_nodes"]
    assert good(server, "db", "gc").startswith("Removed 0 of ")
    server.start()
    assert {key: event["event_id"] for key, event in alice.all_state(room).items()} == before
    alice.send(room, "still here")


def test_db_gc_without_a_database(own_server):
    assert ("it is empty" if hearth.POSTGRES else "there is no database") in bad(own_server, "db", "gc")
