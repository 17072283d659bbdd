"""The configuration: check-config, what stops a server from starting, the environment, SIGHUP."""

import json
import signal
import subprocess

import pytest

import hearth


def check(server, text=None, **more):
    if text is not None:
        server.config.write_text(text)
        server.config.chmod(0o600)
    done = server.command("check-config", "--json", **more)
    return done.returncode, json.loads(done.stdout)


GOOD = """[global]
server_name = "localhost"
"""

# A file that people have from conduwuit or Tuwunel.
INHERITED = """[global]
server_name = "example.org"
address = ["127.0.0.1", "::1"]
port = [6167, 8448]
database_path = "/var/lib/conduwuit"
rocksdb_max_log_files = 3
allow_registration = true
registration_token = "token"
max_request_size = 20_000_000
allow_federation = true
trusted_servers = ["matrix.org"]
log = "warn,state_res=warn"
[global.well_known]
client = "https://matrix.example.org"
server = "matrix.example.org:443"
"""


def test_good(own_server):
    text = GOOD + f'database_path = "{own_server.data}"\n'
    assert check(own_server, text) == (0, {"file": str(own_server.config), "good": True, "errors": [], "warnings": [],
                                           "database_path": str(own_server.data)})
    assert not own_server.data.exists()
    assert str(own_server.data) in own_server.command("check-config").stdout


def test_a_database_path_that_is_no_folder(own_server):
    own_server.data.write_text("a file in its place")
    code, result = check(own_server)
    assert code == 1 and "is no folder" in result["errors"][0] and str(own_server.data) in result["errors"][0]
    own_server.data.unlink()
    own_server.data.symlink_to("/proc/1/nowhere")
    assert check(own_server)[0] == 1
    own_server.data.unlink()


# --- relative paths ---

def start_in(folder, server, *arguments, until="ready"):
    """Runs the server in another folder until its log says so, and stops it; its exit code and log."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen([hearth.BINARY, "serve", *arguments], cwd=folder, env=server.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = ""
    for line in process.stdout:
        log += line
        if f" {until}" in line:
            process.send_signal(signal.SIGTERM)
    return process.wait(hearth.seconds(20)), log


@pytest.mark.sqlite
def test_a_relative_path_is_not_followed_astray(own_server, tmp_path):
    own_server.write_config(database_path="data")
    code, log = start_in(own_server.folder, own_server)     # beside the file: as it is meant
    assert code == 0 and f"database_path={own_server.data}" in log, log
    assert (own_server.data / "hearth.db").exists()
    elsewhere = tmp_path / "elsewhere"
    code, log = start_in(elsewhere, own_server, "--config", own_server.config)
    assert code == 78 and str(elsewhere / "data") in log and "mkdir" in log, log
    assert not (elsewhere / "data").exists()
    (elsewhere / "data").mkdir()                            # on purpose
    assert start_in(elsewhere, own_server, "--config", own_server.config)[0] == 0
    assert start_in(elsewhere, own_server, "--config", own_server.config)[0] == 0
    third = tmp_path / "third"
    third.mkdir()
    done = subprocess.run([hearth.BINARY, "check-config", "--json", "--config", own_server.config], cwd=third,
                          env=own_server.environment(), capture_output=True, text=True)
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["database_path"] == str(third / "data")
    assert any("relative" in w for w in result["warnings"])
    done = subprocess.run([hearth.BINARY, "user", "list", "--config", own_server.config], cwd=third,
                          env=own_server.environment(), capture_output=True, text=True)
    assert done.returncode == 1 and str(third / "data" / "hearth.db") in done.stderr and "relative" in done.stderr


@pytest.mark.sqlite
def test_init_writes_absolute_paths(own_server, tmp_path):
    own_server.config.unlink()
    (tmp_path / "token").write_text("a-secret")
    subprocess.run([hearth.BINARY, "init", "--config", own_server.config, "--set", "server_name=localhost",
                    "--set", "database_path=here", "--set", f"port={own_server.port}", "--set", "allow_registration=true",
                    "--set", "registration_token_file=token"], cwd=tmp_path, check=True, env=own_server.environment())
    code, log = start_in(tmp_path / "elsewhere", own_server, "--config", own_server.config)
    assert code == 0 and f"database_path={tmp_path / 'here'}" in log, log
    assert (tmp_path / "here" / "hearth.db").exists()


@pytest.mark.sqlite
def test_a_data_folder_that_goes_away_is_noticed(own_server):
    with own_server as server:
        moved = server.folder / "moved"
        server.data.rename(moved)
        hearth.eventually(lambda: "the database file was deleted or replaced" in server.log(), 30)
        assert "control socket was deleted" in server.log() and str(server.data / "hearth.db") in server.log()
        moved.rename(server.data)
    with own_server:
        pass


def test_what_no_longer_protects_is_named_first(own_server):
    text = INHERITED.replace("rocksdb", 'forbidden_usernames = ["admin"]\nrocksdb')
    code, result = check(own_server, text)
    assert code == 0 and "forbidden_usernames" in result["warnings"][0] and "registered" in result["warnings"][0]
    assert sum("forbidden_usernames" in w for w in result["warnings"]) == 1


def test_a_file_of_conduwuit_works(own_server):
    code, result = check(own_server, INHERITED)
    assert code == 0 and result["errors"] == []
    about_it, = (w for w in result["warnings"] if "rocksdb_max_log_files" in w)
    assert "no effect" in about_it


# text -> what the complaint must name
WRONG = {
    "no server_name": ("[global]\n", ["server_name"]),
    "server_name of bad grammar": ('[global]\nserver_name = "not a name"\n', ["server_name", "2"]),
    "unknown key": (GOOD + 'max_request_sise = 1\n', ["max_request_sise", "max_request_size", "3"]),
    "under the wrong header": (GOOD + "[global.well_known]\nport = 8009\n", ["port", "[global.well_known]", "4"]),
    "unknown table": (GOOD + "[global.nonsense]\nx = 1\n", ["nonsense"]),
    "out of range": (GOOD + "port = 70000\n", ["port", "3"]),
    "negative": (GOOD + "max_request_size = -1\n", ["max_request_size", "3"]),
    "wrong type": (GOOD + 'allow_registration = "maybe"\n', ["allow_registration", "3"]),
    "no TOML": (GOOD + "port = = 1\n", ["3"]),
    "twice": (GOOD + 'server_name = "b"\n', ["server_name"]),
    "unknown room version": (GOOD + 'default_room_version = "99"\n', ["default_room_version", "3"]),
    "no address": (GOOD + 'address = "somewhere"\n', ["address", "3"]),
    "no URL": (GOOD + '[global.well_known]\nclient = "matrix.example.org"\n', ["client"]),
    "open registration without consent": (GOOD + "allow_registration = true\n", ["allow_registration"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(own_server, case):
    text, names = WRONG[case]
    code, result = check(own_server, text)
    if case == "open registration without consent" and code == 0:
        # Tokens made by `hearth token create` are another way in; then none comes without.
        own_server.write_config(registration_token="x")
        own_server.config.write_text(own_server.config.read_text().replace('registration_token = "x"\n', ""))
        with own_server as server:
            answer = server.call("POST", f"{hearth.CLIENT}/register", {"username": "a", "password": hearth.PASSWORD})
            assert answer.status == 401 and answer.json["flows"] == [{"stages": ["m.login.registration_token"]}]
        return
    assert code == 1 and not result["good"] and result["errors"], result
    assert all(name in result["errors"][0] for name in names), result
    done = own_server.command("check-config")
    assert done.returncode == 1 and result["errors"][0] in done.stderr + done.stdout
    # A server does not start with it either.
    # By this code systemd knows that starting it again is of no use.
    done = own_server.command("serve")
    assert done.returncode == 78 and names[0] in done.stderr + done.stdout, done


def test_a_file_that_cannot_be_read(own_server):
    own_server.config.unlink()
    done = own_server.command("check-config")
    assert done.returncode == 1 and str(own_server.config) in done.stderr + done.stdout


def test_another_server_name_is_refused(own_server):
    with own_server:
        pass
    own_server.write_config(server_name="other.example")
    done = own_server.command("serve")
    assert done.returncode == 78, "it is the configuration that is wrong: systemd is not to try again"
    assert "localhost" in done.stderr and "other.example" in done.stderr
    before = {p.name: p.stat().st_mtime_ns for p in own_server.data.iterdir()}
    told = 0 if hearth.POSTGRES else 1  # check-config looks into files, and connects to nothing
    done = own_server.command("check-config")
    assert done.returncode == told
    assert hearth.POSTGRES or "belongs to the server localhost, not to other.example" in done.stderr
    assert before == {p.name: p.stat().st_mtime_ns for p in own_server.data.iterdir()}, "a look changed something"
    own_server.write_config()
    with own_server as server:
        assert server.command("check-config").returncode == 0, "while it runs"
        server.write_config(server_name="other.example", well_known={"client": "https://matrix.example.org"})
        assert server.command("check-config").returncode == told
        server.process.send_signal(signal.SIGHUP)
        hearth.eventually(lambda: "stays as it was" in server.log())
        assert "a server's name cannot be changed" in server.log() and "next start" not in server.log()
        assert server.call("GET", "/.well-known/matrix/client").status == 404, "nothing of such a file is taken"


def test_a_lost_signing_key_is_not_replaced(own_server):
    with own_server as server:
        server.register("alice")
    key = own_server.data / "signing.key"
    kept = key.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    key.unlink()
    done = own_server.command("serve")
    assert done.returncode == 1 and "signing.key" in done.stderr and not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    with own_server:
        pass


def test_the_environment_overrides(own_server, tmp_path):
    environment = {"HEARTH_SERVER_NAME": "env.example", "HEARTH_WELL_KNOWN__CLIENT": "nonsense"}
    code, result = check(own_server, environment=environment)
    assert code == 1 and any("WELL_KNOWN__CLIENT" in e or "well_known.client" in e for e in result["errors"]), result
    assert check(own_server, environment={"HEARTH_NONSENSE": "1"})[0] == 1
    assert check(own_server, environment={"HEARTH_PORT": "9999"})[0] == 0


def test_a_secret_from_a_file(own_server, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    text = "".join(line for line in own_server.config.read_text().splitlines(True) if "registration_token" not in line)
    own_server.config.write_text(text + f'registration_token_file = "{secret}"\n')
    with own_server as server:
        path = hearth.CLIENT.replace("v3", "v1") + "/register/m.login.registration_token/validity?token="
        assert server.call("GET", path + "from-a-file").json == {"valid": True}
        assert server.call("GET", path + hearth.TOKEN).json == {"valid": False}


def test_max_request_size_lowers_every_limit(own_server):
    own_server.write_config(max_request_size=65536)
    with own_server as server:
        alice = server.register("alice")
        path = f"/user/{alice.user_id}/account_data/org.example"
        assert alice.call("PUT", path, body={"text": "x" * 60000}).status == 200
        answer = alice.call("PUT", path, body={"text": "x" * 70000})
        assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")


def test_sighup_reads_again(own_server):
    with own_server as server:
        well_known = lambda: server.call("GET", "/.well-known/matrix/client")  # noqa: E731
        assert well_known().status == 404
        server.write_config(well_known={"client": "https://matrix.example.org", "server": "matrix.example.org:443"})
        server.process.send_signal(signal.SIGHUP)
        hearth.eventually(lambda: well_known().status == 200)
        assert well_known().json == {"m.homeserver": {"base_url": "https://matrix.example.org"}}
        assert server.call("GET", "/.well-known/matrix/server").json == {"m.server": "matrix.example.org:443"}
        # What is wrong changes nothing.
        server.config.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        hearth.eventually(lambda: "stays as it was" in server.log())
        assert well_known().status == 200


def test_logs_hold_no_secret(own_server):
    own_server.write_config(log="trace")
    with own_server as server:
        alice = server.register("alice", password="my secret password", refresh_token=True)
        room = alice.create_room()
        alice.send(room, "my secret message")
        alice.call("GET", f"/sync?access_token={alice.token}")
        server.login(alice.user_id, "my secret password")
        server.call("POST", f"{hearth.CLIENT}/login", {"type": "m.login.password", "password": "my secret guess",
                                                       "identifier": {"type": "m.id.user", "user": alice.user_id}})
        alice.post("/logout")
        secrets = ["my secret", alice.token, alice.session["refresh_token"], hearth.TOKEN]
    log = own_server.log()
    assert "/sync" in log, "requests are not logged"
    for secret in secrets:
        assert secret not in log


def test_json_logs(own_server):
    own_server.write_config(log_format="json", log="debug")
    with own_server as server:
        server.register("alice")
    lines = [json.loads(line) for line in own_server.log().splitlines()]
    assert all({"level", "message"} <= line.keys() or {"level", "msg"} <= line.keys() for line in lines), lines[0]
