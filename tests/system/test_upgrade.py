"""POST /rooms/{roomId}/upgrade: one room replaced by another (client-server API, module "Room Upgrades")."""

import contextlib
import http.client
import threading
import time

import nio
import pytest

import hearth
from hearth import refused
from test_nio import good, make, register, run_async, synced, text  # noqa: F401: `make` is a fixture

PAIRS = [("1", "12"), ("5", "11"), ("11", "12"), ("12", "12"), ("12", "11"), ("12", "1"), ("10", "6"), ("3", "4")]

CARRIED = {
    "m.room.server_acl": {"allow": ["*"], "deny": ["evil.example"], "allow_ip_literals": False},
    "m.room.encryption": {"algorithm": "m.megolm.v1.aes-sha2"},
    "m.room.name": {"name": "Hearth"},
    "m.room.avatar": {"url": "mxc://localhost/avatar"},
    "m.room.topic": {"topic": "Fire"},
    "m.room.guest_access": {"guest_access": "can_join"},
    "m.room.history_visibility": {"history_visibility": "joined"},
    "m.room.join_rules": {"join_rule": "public"},
}


def upgrade(who, room, version, **more):
    return who.post("/rooms/{}/upgrade", room, body={"new_version": version, **more})["replacement_room"]


def furnished(alice, version):
    return alice.create_room(room_version=version, preset="public_chat", initial_state=[
        {"type": kind, "content": content} for kind, content in CARRIED.items()])


def alias_of(alice, room):
    alias = f"#{hearth.unique('upgrade').lower()}:{hearth.NAME}"
    alice.put("/directory/room/{}", alias, body={"room_id": room})
    return alias


def tags_of(who, room):
    return who.get("/user/{}/rooms/{}/tags", who.user_id, room)["tags"]


@pytest.mark.parametrize("old_version, version", PAIRS)
def test_upgrade(alice, bob, carol, old_version, version):
    old = furnished(alice, old_version)
    alias = alias_of(alice, old)
    alice.set_state(old, "m.room.canonical_alias", {"alias": alias})
    bob.join(old)
    alice.member("ban", old, carol, reason="spam")
    bob.send(old, "before")
    since = bob.sync()["next_batch"]

    new = upgrade(alice, old, version)

    # Bob is told by the tombstone, and finds his way by it or by the alias.
    def tombstone(answer):
        events = answer["rooms"].get("join", {}).get(old, {}).get("timeline", {}).get("events", [])
        return next((e for e in events if e["type"] == "m.room.tombstone"), None)
    event = bob.sync_until(since, tombstone)
    assert event["state_key"] == "" and event["sender"] == alice.user_id
    assert event["content"]["replacement_room"] == new and event["content"]["body"]
    with refused("M_FORBIDDEN", 403):
        bob.send(old, "after")
    assert bob.join(alias) == new
    bob.send(new, "after")
    with refused("M_FORBIDDEN", 403):
        carol.join(new)

    state = {kind: e["content"] for (kind, key), e in alice.all_state(new).items() if key == ""}
    assert {kind: state[kind] for kind in CARRIED} == CARRIED
    assert state["m.room.canonical_alias"] == {"alias": alias}
    create = state["m.room.create"]
    assert create["room_version"] == version and create["predecessor"]["room_id"] == old
    assert alice.event(old, create["predecessor"]["event_id"])["content"]["body"] == "before"
    assert "type" not in create
    assert alice.get("/rooms/{}/aliases", new)["aliases"] == [alias]
    assert alice.get("/rooms/{}/aliases", old)["aliases"] == []
    assert alice.state(new, "m.room.member", carol.user_id) == {"membership": "ban", "reason": "spam"}
    powers = alice.state(old, "m.room.power_levels")
    assert powers["events_default"] == powers["invite"] == 50
    assert state["m.room.power_levels"].get("events_default", 0) == 0
    # Alice is in charge of it.
    alice.set_state(new, "m.room.power_levels", {**state["m.room.power_levels"], "kick": 60})
    alice.set_state(new, "m.room.name", {"name": "New"})


def test_survives_a_restart(own_server):
    with own_server as server:
        alice, bob = server.register("alice"), server.register("bob")
        old = furnished(alice, "11")
        alias = alias_of(alice, old)
        bob.join(old)
        new = upgrade(alice, old, "12")
        server.kill()
        server.start()
        assert bob.state(old, "m.room.tombstone")["replacement_room"] == new
        assert bob.join(alias) == new
        bob.send(new, "hello")


def try_upgrade(alice, room):
    """The server may go away meanwhile."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        upgrade(alice, room, "12")


def test_killed_half_way(own_server):
    """Whenever it happens: a tombstone leads to a room that is there, and the aliases lead where it does."""
    own_server.start()
    alice = own_server.register("alice")
    delay, outcomes = 0, []
    # The delay settles where it matters: between those who are killed before, and those after.
    while len(outcomes) < 12 or len(set(outcomes)) == 1:
        assert len(outcomes) < 50, outcomes
        old = furnished(alice, "11")
        alias = alias_of(alice, old)
        request = threading.Thread(target=try_upgrade, args=(alice, old))
        request.start()
        time.sleep(delay)
        own_server.kill()
        request.join()
        own_server.start()
        new = alice.all_state(old).get(("m.room.tombstone", ""), {}).get("content", {}).get("replacement_room")
        outcomes.append(new is not None)
        delay = delay * 0.6 if new else delay * 1.4 + 0.001
        if not new:
            alice.send(old, "as if nothing had happened")
        assert alice.get("/directory/room/{}", alias)["room_id"] == (new or old)
        new = new or upgrade(alice, old, "12")
        assert alice.state(new, "m.room.create")["predecessor"]["room_id"] == old
        alice.send(new, "hello")


def test_a_space_with_its_children_stays_one(alice):
    child = alice.create_room()
    old = alice.create_room(creation_content={"type": "m.space"}, room_version="11")
    alice.set_state(old, "m.space.child", {"via": [hearth.NAME]}, child)
    alice.set_state(old, "m.space.child", {}, "!gone:" + hearth.NAME)
    new = upgrade(alice, old, "12")
    state = alice.all_state(new)
    assert state["m.room.create", ""]["content"]["type"] == "m.space"
    assert [key for kind, key in state if kind == "m.space.child"] == [child]


def test_additional_creators(alice, bob):
    old = alice.create_room(room_version="11")
    new = upgrade(alice, old, "12", additional_creators=[bob.user_id])
    assert alice.state(new, "m.room.create")["additional_creators"] == [bob.user_id]
    assert alice.user_id not in alice.state(new, "m.room.power_levels")["users"]
    for wrong in (["bob"], ["@bob"], [""]):
        with refused("M_INVALID_PARAM", 400):
            upgrade(alice, old, "12", additional_creators=wrong)
    for wrong in (bob.user_id, {}, [1], [None], [[bob.user_id]]):
        with refused("M_BAD_JSON", 400):
            upgrade(alice, old, "12", additional_creators=wrong)
        upgrade(alice, old, "11", additional_creators=wrong)      # "is ignored and has no effect"
    assert "additional_creators" not in alice.state(upgrade(alice, old, "11", additional_creators=[bob.user_id]),
                                                    "m.room.create")


def test_who_may_not(alice, bob, carol):
    room = alice.create_room(preset="public_chat", invite=[carol.user_id])
    bob.join(room)
    for who, where in ((bob, room), (carol, room), (alice, "!nowhere:" + hearth.NAME), (alice, "nonsense")):
        with refused("M_FORBIDDEN", 403):
            upgrade(who, where, "12")
    for version in ("0", "13", "", "org.example", "12 ", "012", "x" * 1000, "12\u0000"):
        with refused("M_UNSUPPORTED_ROOM_VERSION", 400):
            upgrade(alice, room, version)
    with refused("M_NOT_FOUND", 404):
        alice.state(room, "m.room.tombstone")
    assert alice.get("/joined_rooms")["joined_rooms"] == [room]
    bob.send(room, "nothing has happened")


def test_upgrading_again(alice, bob):
    old = alice.create_room(preset="public_chat", room_version="10")
    first, second = upgrade(alice, old, "11"), upgrade(alice, old, "12")
    third = upgrade(alice, second, "12")
    assert alice.state(old, "m.room.tombstone")["replacement_room"] == second
    assert alice.state(second, "m.room.tombstone")["replacement_room"] == third
    for room in (first, third):
        bob.join(room)
        bob.send(room, "everybody may speak")
    bob.join(second)
    with refused("M_FORBIDDEN", 403):
        bob.send(second, "nobody may")


def test_a_double_click_makes_one_room(alice):
    old = alice.create_room(room_version="11")
    answers = []
    clicks = [threading.Thread(target=lambda: answers.append(upgrade(alice, old, "12"))) for _ in range(4)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    answers.append(upgrade(alice, old, "12"))       # whose answer got lost
    assert len(answers) == 5 and set(answers) == {alice.state(old, "m.room.tombstone")["replacement_room"]}
    assert sorted(alice.get("/joined_rooms")["joined_rooms"]) == sorted([old, answers[0]])


def test_settings_follow(alice, bob, carol):
    old = alice.create_room(preset="public_chat", room_version="11")
    for who in (alice, bob, carol):
        if who is not alice:
            who.join(old)
        who.put("/user/{}/rooms/{}/tags/{}", who.user_id, old, "m.favourite", body={"order": 0.25})
        who.put("/user/{}/account_data/{}", who.user_id, "m.direct", body={"@friend:x": [old], "@other:x": ["!a:x"]})
    new = upgrade(alice, old, "12")
    assert tags_of(alice, new) == {"m.favourite": {"order": 0.25}}
    assert tags_of(bob, new) == {}
    since = bob.sync()["next_batch"]
    bob.join(new)
    assert tags_of(bob, new) == tags_of(bob, old) == {"m.favourite": {"order": 0.25}}
    direct = {"@friend:x": [old, new], "@other:x": ["!a:x"]}
    assert bob.get("/user/{}/account_data/{}", bob.user_id, "m.direct") == direct
    answer = bob.sync(since)
    assert {"type": "m.direct", "content": direct} in answer["account_data"]["events"]
    assert {"type": "m.tag", "content": {"tags": {"m.favourite": {"order": 0.25}}}} in \
        answer["rooms"]["join"][new]["account_data"]["events"]
    # A room that says of itself that it replaces another gets nothing.
    false_one = bob.create_room(preset="public_chat", creation_content={"predecessor": {"room_id": old}})
    carol.join(false_one)
    assert tags_of(carol, false_one) == {}


@run_async
async def test_nio(server, make):       # noqa: F811
    """A client that was written elsewhere makes its way from the old room to the new one."""
    for version in ("1", "9", "11", "12"):
        async with make(hearth.unique("alice").lower(), hearth.unique("bob").lower()) as (alice, bob):
            for client in (alice, bob):
                await register(client)
            old = good(await alice.room_create(name="Hearth", preset=nio.RoomPreset.public_chat, room_version=version),
                       nio.RoomCreateResponse).room_id
            good(await bob.join(old), nio.JoinResponse)
            good(await bob.sync(), nio.SyncResponse)
            # nio's own room_upgrade() makes the room itself, by createRoom.
            answer = server.call("POST", f"{hearth.CLIENT}/rooms/{old}/upgrade", {"new_version": "12"},
                                 alice.access_token)
            new = answer.json["replacement_room"]
            await synced(bob, lambda response: old in response.rooms.join)
            events = (await bob.room_messages(old, limit=10)).chunk
            tombstone = next(e for e in events if isinstance(e, nio.RoomUpgradeEvent))
            assert tombstone.replacement_room == new
            assert isinstance(await bob.room_send(old, "m.room.message", text("?")), nio.RoomSendError)
            good(await bob.join(tombstone.replacement_room), nio.JoinResponse)
            good(await bob.room_send(new, "m.room.message", text("here")), nio.RoomSendResponse)
            await synced(bob, lambda response: new in response.rooms.join)
            assert bob.rooms[new].name == "Hearth" and bob.rooms[new].room_version == "12"
