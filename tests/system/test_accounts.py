"""Accounts: registration, login, tokens and their renewal, devices, passwords, profiles, what the server says of itself
(client-server API, "Client Authentication", "Account management", "Profiles", "Server discovery")."""

import concurrent.futures
import contextlib
import re
import threading
import time

import pytest

import hearth
from hearth import CLIENT, PASSWORD, refused


def uia(client, method, path, body=None, password=PASSWORD):
    """Does what asks for the password: a first call that is refused, a second with the password."""
    challenge = client.call(method, path, body=body or {})
    assert challenge.status == 401 and challenge.errcode is None, challenge
    assert {"stages": ["m.login.password"]} in challenge.json["flows"]
    auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": client.user_id},
            "password": password, "session": challenge.json["session"]}
    return client.call(method, path, body={**(body or {}), "auth": auth})


# --- what the server says of itself ---

def test_versions(server):
    answer = server.call("GET", "/_matrix/client/versions")
    assert all(re.fullmatch(r"v1\.\d+|r0\.\d+\.\d+", v) for v in answer.json["versions"])
    assert "v1.1" in answer.json["versions"] and "v1.0" not in answer.json["versions"]
    assert all(isinstance(v, bool) for v in answer.json.get("unstable_features", {}).values())
    assert answer.headers["Content-Type"].startswith("application/json")
    # A token that is no longer good is no reason to refuse it.
    assert server.call("GET", "/_matrix/client/versions", token="nonsense").status == 200


def test_capabilities(alice):
    capabilities = alice.get("/capabilities")["capabilities"]
    assert capabilities["m.change_password"] == {"enabled": True}
    assert capabilities["m.room_versions"]["default"] in capabilities["m.room_versions"]["available"]
    assert capabilities["m.profile_fields"]["enabled"] is True


def test_well_known(own_server):
    own_server.write_config(well_known={"client": "https://matrix.example.org", "server": "matrix.example.org:443",
                                        "support_page": "https://example.org/help", "support_email": "a@example.org",
                                        "support_mxid": "@admin:localhost"})
    with own_server as server:
        client = server.call("GET", "/.well-known/matrix/client")
        assert client.json["m.homeserver"] == {"base_url": "https://matrix.example.org"}
        assert client.headers["Access-Control-Allow-Origin"] == "*"
        assert server.call("GET", "/.well-known/matrix/server").json == {"m.server": "matrix.example.org:443"}
        support = server.call("GET", "/.well-known/matrix/support").json
        assert support["support_page"] == "https://example.org/help"
        assert support["contacts"] == [{"role": "m.role.admin", "email_address": "a@example.org",
                                        "matrix_id": "@admin:localhost"}]


def test_no_well_known_without_options(server):
    for name in ("client", "server", "support"):
        answer = server.call("GET", f"/.well-known/matrix/{name}")
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")


# --- registration ---

def test_registration(server):
    name = hearth.unique("new")
    assert server.call("GET", f"{CLIENT}/register/available?username={name}").json == {"available": True}
    user = server.register(name, exact=True, device_id="MYDEVICE", initial_device_display_name="my device")
    assert (user.user_id, user.device_id) == (f"@{name}:{hearth.NAME}", "MYDEVICE")
    assert user.get("/account/whoami") == {"user_id": user.user_id, "device_id": "MYDEVICE", "is_guest": False}
    assert user.get("/devices/MYDEVICE")["display_name"] == "my device"
    assert "refresh_token" not in user.session and "expires_in_ms" not in user.session


def test_registration_without_login(server):
    name = hearth.unique("new")
    answer = server.register(name, exact=True, inhibit_login=True)
    assert answer["user_id"] == f"@{name}:{hearth.NAME}" and "access_token" not in answer and "device_id" not in answer
    server.login(name)


def test_registration_picks_a_name(server):
    body = {"password": PASSWORD}
    session = server.call("POST", f"{CLIENT}/register", body).json["session"]
    body["auth"] = {"type": "m.login.registration_token", "token": hearth.TOKEN, "session": session}
    answer = server.call("POST", f"{CLIENT}/register", body)
    assert answer.status == 200 and re.fullmatch(rf"@[a-z0-9._=/+-]+:{hearth.NAME}", answer.json["user_id"]), answer


def test_registration_session_is_good_once(server):
    body = {"username": hearth.unique("one"), "password": PASSWORD}
    session = server.call("POST", f"{CLIENT}/register", body).json["session"]
    auth = {"type": "m.login.registration_token", "token": hearth.TOKEN, "session": session}
    assert server.call("POST", f"{CLIENT}/register", {**body, "auth": auth}).status == 200
    other = {"username": hearth.unique("two"), "password": PASSWORD, "auth": {"session": session}}
    assert server.call("POST", f"{CLIENT}/register", other).status == 401


def test_one_name_at_the_same_time(server):
    name = hearth.unique("race")

    def attempt(_):
        try:
            return server.register(name, exact=True).user_id
        except hearth.Refused as error:
            return error.errcode
        except AssertionError:              # refused with the first call, before the token was asked for
            return "M_USER_IN_USE"

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(attempt, range(6)))
    assert sorted(results) == sorted([f"@{name}:{hearth.NAME}"] + ["M_USER_IN_USE"] * 5)


def test_guests_are_not_served(server):
    answer = server.call("POST", f"{CLIENT}/register?kind=guest", {})
    assert (answer.status, answer.errcode) in {(403, "M_GUEST_ACCESS_FORBIDDEN"), (403, "M_FORBIDDEN")}
    assert server.call("POST", f"{CLIENT}/register?kind=nonsense", {}).status == 400


def test_closed_registration(tmp_path):
    with hearth.Server(tmp_path, allow_registration=False) as server:
        answer = server.call("POST", f"{CLIENT}/register", {"username": "a", "password": PASSWORD})
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
        answer = server.call("GET", f"{CLIENT.replace('v3', 'v1')}/register/m.login.registration_token/validity?token=x")
        assert answer.status == 403


def test_open_registration(own_server):
    own_server.write_config(
        yes_i_am_very_very_sure_i_want_an_open_registration_server_prone_to_abuse=True)
    lines = [line for line in own_server.config.read_text().splitlines() if not line.startswith("registration_token")]
    own_server.config.write_text("\n".join(lines) + "\n")
    with own_server as server:
        body = {"username": "anybody", "password": PASSWORD}
        challenge = server.call("POST", f"{CLIENT}/register", body)
        assert challenge.status == 401 and challenge.json["flows"] == [{"stages": ["m.login.dummy"]}]
        body["auth"] = {"type": "m.login.dummy", "session": challenge.json["session"]}
        assert server.call("POST", f"{CLIENT}/register", body).json["user_id"] == "@anybody:localhost"


# --- login, logout, renewal ---

def test_login_forms(server, alice):
    name = alice.user_id[1:].split(":")[0]
    forms = [{"identifier": {"type": "m.id.user", "user": alice.user_id}},
             {"identifier": {"type": "m.id.user", "user": name}},
             {"user": name}, {"user": alice.user_id}]
    for form in forms:
        answer = server.call("POST", f"{CLIENT}/login", {"type": "m.login.password", "password": PASSWORD, **form})
        assert answer.status == 200 and answer.json["user_id"] == alice.user_id, (form, answer)
    assert len(alice.get("/devices")["devices"]) == 1 + len(forms)


def test_a_login_takes_over_its_device(server, alice):
    again = server.login(alice.user_id, device_id=alice.device_id, initial_device_display_name="not for an old device")
    assert again.device_id == alice.device_id
    with refused("M_UNKNOWN_TOKEN", 401):
        alice.get("/account/whoami")
    assert len(again.get("/devices")["devices"]) == 1


def test_logout(server, alice):
    other = server.login(alice.user_id)
    assert other.post("/logout") == {}
    with refused("M_UNKNOWN_TOKEN", 401):
        other.get("/account/whoami")
    assert [d["device_id"] for d in alice.get("/devices")["devices"]] == [alice.device_id]
    others = [server.login(alice.user_id) for _ in range(3)]
    answer = others[0].call("POST", "/logout/all", body=b"")
    assert answer.status == 200, answer
    for client in (alice, *others):
        with refused("M_UNKNOWN_TOKEN", 401):
            client.get("/account/whoami")


def renew(server, token):
    return server.call("POST", f"{CLIENT}/refresh", {"refresh_token": token})


def test_refresh(server):
    user = server.register(refresh_token=True)
    assert user.session["refresh_token"] and user.session["expires_in_ms"] > 0
    first = renew(server, user.session["refresh_token"])
    assert first.status == 200 and first.json["access_token"] != user.token
    # Until the new token is used, the old one is good for another try: the answer may have been lost.
    second = renew(server, user.session["refresh_token"])
    assert second.status == 200
    device = user.device_id
    user.token = second.json["access_token"]
    assert user.get("/account/whoami")["device_id"] == device
    for old in (user.session["refresh_token"],):
        assert (renew(server, old).status, renew(server, old).errcode) == (401, "M_UNKNOWN_TOKEN")
    answer = server.call("GET", f"{CLIENT}/account/whoami", token=user.session["access_token"])
    assert (answer.status, answer.errcode) == (401, "M_UNKNOWN_TOKEN")
    if "refresh_token" in second.json:
        assert renew(server, second.json["refresh_token"]).status == 200
    assert renew(server, "nonsense").errcode == "M_UNKNOWN_TOKEN"


def test_one_refresh_token_at_the_same_time(server):
    """Whoever asks twice has one session afterwards, and whatever was answered first is not left over."""
    user = server.register(refresh_token=True)
    for _ in range(5):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: renew(server, user.session["refresh_token"]), range(4)))
        assert all(answer.status == 200 for answer in answers), answers

        def status(answer):
            return server.call("GET", f"{CLIENT}/account/whoami", token=answer.json["access_token"]).status

        good = [answer for answer in answers if status(answer) == 200]
        assert len(good) == 1 and sorted(map(status, answers)) == [200, 401, 401, 401], answers
        assert renew(server, user.session["refresh_token"]).errcode == "M_UNKNOWN_TOKEN"
        user.session = {**user.session, **good[0].json}
        assert all(renew(server, answer.json["refresh_token"]).status == 401 for answer in answers if answer not in good)


def test_the_life_of_tokens_is_an_option(tmp_path):
    with hearth.Server(tmp_path, access_token_ttl=60) as server:
        user = server.register(refresh_token=True)
        assert 50_000 <= user.session["expires_in_ms"] <= 60_000


def test_logout_ends_the_refresh_token(server):
    user = server.register(refresh_token=True)
    user.post("/logout")
    assert renew(server, user.session["refresh_token"]).errcode == "M_UNKNOWN_TOKEN"


def test_tokens_outlive_a_restart(own_server):
    with own_server as server:
        user = server.register(refresh_token=True)
        server.restart()
        user.get("/account/whoami")
        renewed = renew(server, user.session["refresh_token"]).json
        server.restart()
        user.token = renewed["access_token"]
        user.get("/account/whoami")


# --- passwords and devices ---

def test_change_password(server, alice):
    other = server.login(alice.user_id)
    assert uia(alice, "POST", "/account/password", {"new_password": "another password"}).status == 200
    alice.get("/account/whoami")                        # who changed it stays
    with refused("M_UNKNOWN_TOKEN", 401):
        other.get("/account/whoami")
    with refused("M_FORBIDDEN", 403):
        server.login(alice.user_id)
    kept = server.login(alice.user_id, "another password")
    answer = uia(alice, "POST", "/account/password", {"new_password": "a third password", "logout_devices": False},
                 "another password")
    assert answer.status == 200, answer
    kept.get("/account/whoami")


def test_change_password_needs_the_old_one(server, alice):
    answer = uia(alice, "POST", "/account/password", {"new_password": "another password"}, "wrong password")
    assert answer.status == 401 and answer.errcode == "M_FORBIDDEN" and answer.json["flows"], answer
    server.login(alice.user_id)


def test_nobody_else_s_password_will_do(alice, bob):
    challenge = alice.call("POST", "/account/password", body={"new_password": "another password"})
    auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": bob.user_id}, "password": PASSWORD,
            "session": challenge.json["session"]}
    answer = alice.call("POST", "/account/password", body={"new_password": "another password", "auth": auth})
    assert answer.status in (401, 403), answer
    alice.server.login(alice.user_id)
    bob.server.login(bob.user_id)


def test_a_session_is_for_what_it_was_begun_for(server, alice):
    """The password given to delete a device deletes no account."""
    other = server.login(alice.user_id)
    challenge = alice.call("DELETE", "/devices/{}", other.device_id, body={})
    auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": alice.user_id}, "password": PASSWORD,
            "session": challenge.json["session"]}
    answer = alice.call("POST", "/account/deactivate", body={"auth": auth})
    assert answer.status in (400, 401, 403), answer
    answer = alice.call("POST", "/account/deactivate", body={"auth": {"session": challenge.json["session"]}})
    assert answer.status in (400, 401, 403), answer
    alice.get("/account/whoami")


def test_devices(server, alice, bob):
    phone = server.login(alice.user_id, device_id="PHONE", initial_device_display_name="phone")
    devices = {d["device_id"]: d for d in alice.get("/devices")["devices"]}
    assert devices.keys() == {alice.device_id, "PHONE"} and devices["PHONE"]["display_name"] == "phone"
    alice.put("/devices/PHONE", body={"display_name": "renamed"})
    assert phone.get("/devices/PHONE")["display_name"] == "renamed"
    with refused("M_NOT_FOUND", 404):
        alice.put("/devices/NOTHING", body={"display_name": "x"})
    for path in ("/devices/NOTHING", "/devices/{}"):
        with refused("M_NOT_FOUND", 404):
            bob.get(path.format(alice.device_id))
    assert uia(alice, "DELETE", "/devices/PHONE").status == 200
    with refused("M_UNKNOWN_TOKEN", 401):
        phone.get("/account/whoami")
    more = [server.login(alice.user_id).device_id for _ in range(3)]
    assert uia(alice, "POST", "/delete_devices", {"devices": more[:2]}).status == 200
    assert {d["device_id"] for d in alice.get("/devices")["devices"]} == {alice.device_id, more[2]}


def test_devices_tell_when_they_were_seen(server, alice):
    """The device that asks has been seen: now."""
    device = alice.get("/devices/{}", alice.device_id)
    assert device["last_seen_ip"] == "127.0.0.1" and device["last_seen_ts"] > 1_500_000_000_000


def test_a_proxy_tells_the_address(server, alice):
    phone = server.login(alice.user_id)
    phone.call("GET", "/account/whoami", headers={"X-Forwarded-For": "203.0.113.7"})
    assert alice.get("/devices/{}", phone.device_id)["last_seen_ip"] == "203.0.113.7"


# --- profiles ---

def test_profile(server, alice, bob):
    field = "/profile/{}/{}"
    assert bob.get("/profile/{}", alice.user_id).get("avatar_url") is None
    values = {"displayname": "Alice \U0001f525", "avatar_url": "mxc://localhost/alice", "m.tz": "Europe/Berlin",
              "org.example.field": {"any": ["json", 1, None]}}
    for key, value in values.items():
        alice.put(field, alice.user_id, key, body={key: value})
        assert server.anonymous().get(field, alice.user_id, key) == {key: value}
    assert bob.get("/profile/{}", alice.user_id) == values
    for key in values:
        alice.delete(field, alice.user_id, key)
        with refused("M_NOT_FOUND", 404):
            bob.get(field, alice.user_id, key)
    assert bob.get("/profile/{}", alice.user_id) == {}
    for key in ("displayname", "org.example.field"):
        with refused("M_FORBIDDEN", 403):
            bob.put(field, alice.user_id, key, body={key: "x"})
        with refused("M_FORBIDDEN", 403):
            bob.delete(field, alice.user_id, key)
    with refused("M_NOT_FOUND", 404):
        bob.get("/profile/{}", f"@nobody:{hearth.NAME}")


def test_profiles_outlive_a_restart(own_server):
    with own_server as server:
        alice = server.register("alice")
        alice.put("/profile/{}/displayname", alice.user_id, body={"displayname": "Alice"})
        server.restart()
        assert alice.get("/profile/{}/displayname", alice.user_id) == {"displayname": "Alice"}
        assert alice.get("/profile/{}", alice.user_id)["displayname"] == "Alice"


@pytest.mark.parametrize("erase", [False, True])
def test_deactivation(server, alice, bob, erase):
    name = alice.user_id[1:].split(":")[0]
    answer = uia(alice, "POST", "/account/deactivate", {"erase": erase})
    assert answer.status == 200 and answer.json["id_server_unbind_result"] in ("success", "no-support"), answer
    with refused("M_UNKNOWN_TOKEN", 401):
        alice.get("/account/whoami")
    with refused("M_USER_DEACTIVATED", 403):
        server.login(alice.user_id)
    answer = server.call("GET", f"{CLIENT}/register/available?username={name}")
    assert (answer.status, answer.errcode) == (400, "M_USER_IN_USE")


def membership(watcher, room, user):
    return watcher.state(room, "m.room.member", user.user_id)["membership"]


def test_deactivation_goes_on_after_a_restart(own_server):
    """The account was closed and the server ended before it had left the rooms."""
    with own_server as server:
        alice, bob = server.register("alice"), server.register("bob")
        rooms = [bob.create_room(preset="public_chat") for _ in range(25)]
        for room in rooms:
            alice.join(room)
        invited = bob.create_room(invite=[alice.user_id])
        server.stop()
        account = f"(SELECT user_nid FROM users WHERE user_id = '{alice.user_id}')"
        server.sql(f"UPDATE accounts SET deactivated_ts = 1, password_hash = NULL WHERE user_nid = {account}")
        server.sql(f"INSERT INTO departures (user_nid) SELECT {account}")
        server.start()
        for room in [*rooms, invited]:
            hearth.eventually(lambda room=room: membership(bob, room, alice) == "leave")
        # And that was that: who is let in again by nobody stays out, and nothing is left to do.
        server.stop()
        assert server.sql("SELECT count(*) FROM departures") == "0"
        server.start()


def test_deactivation_that_is_killed(own_server):
    """Whenever it dies: either nothing has happened, or all rooms are left after the next start."""
    with own_server as server:
        bob = server.register("bob")
        rooms = [bob.create_room(preset="public_chat") for _ in range(30)]
        begun = 0
        delays = iter(hearth.seconds(0.02 * 1.5**n) for n in range(12))     # to 1.7 s, on a busy machine
        while begun < 2:
            delay = next(delays)
            alice = server.register("alice")
            for room in rooms:
                alice.join(room)

            def deactivate(alice=alice):
                with contextlib.suppress(OSError, hearth.http.client.HTTPException):
                    uia(alice, "POST", "/account/deactivate")

            thread = threading.Thread(target=deactivate)
            thread.start()
            time.sleep(delay)
            server.kill()
            thread.join()
            server.start()
            if alice.call("GET", "/account/whoami").status == 200:
                assert all(membership(bob, room, alice) == "join" for room in rooms)
                continue
            begun += 1
            for room in rooms:
                hearth.eventually(lambda room=room, alice=alice: membership(bob, room, alice) == "leave")
