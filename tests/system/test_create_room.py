"""POST /createRoom: presets, options, room versions (client-server API, "Creation")."""

import re

import pytest

import hearth
from hearth import refused

VERSIONS = ["10", "11", "12"]

# preset -> join rule, history visibility, guest access
PRESETS = {
    "private_chat": ("invite", "shared", "can_join"),
    "trusted_private_chat": ("invite", "shared", "can_join"),
    "public_chat": ("public", "shared", "forbidden"),
}


def order_of(alice, room):
    """What the room's events are, first to last."""
    return [(e["type"], e.get("state_key")) for e in alice.all_messages(room, "f")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
def test_preset(alice, bob, preset, version):
    room = alice.create_room(preset=preset, room_version=version, invite=[bob.user_id])
    state = alice.all_state(room)
    content = {kind: event["content"] for (kind, key), event in state.items() if key == ""}
    join_rule, visibility, guests = PRESETS[preset]
    assert content["m.room.join_rules"]["join_rule"] == join_rule
    assert content["m.room.history_visibility"]["history_visibility"] == visibility
    assert content["m.room.guest_access"]["guest_access"] == guests
    create, powers = content["m.room.create"], content["m.room.power_levels"]
    assert create["room_version"] == version
    equal = preset == "trusted_private_chat"
    if version == "12":
        # Creators stand above all levels and are not listed; equals of the creator are creators.
        assert alice.user_id not in powers.get("users", {})
        assert create.get("additional_creators", []) == ([bob.user_id] if equal else [])
        assert powers["events"]["m.room.tombstone"] > powers.get("state_default", 50)
    else:
        assert powers["users"][alice.user_id] == 100
        assert powers["users"].get(bob.user_id, powers.get("users_default", 0)) == (100 if equal else 0)
        assert "additional_creators" not in create
    assert create.get("creator") == (alice.user_id if version == "10" else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_form_of_room_and_events(alice, version):
    room = alice.create_room(room_version=version)
    events = alice.all_messages(room, "f")
    create = events[0]
    if version == "12":
        assert room == "!" + create["event_id"][1:]
        assert re.fullmatch(r"![A-Za-z0-9_-]{43}", room)
    else:
        assert re.fullmatch(rf"![^:]+:{hearth.NAME}", room)
    for event in events:
        assert re.fullmatch(r"\$[A-Za-z0-9_-]{43}", event["event_id"])
        assert event["room_id"] == room
        assert event["sender"] == alice.user_id
        assert isinstance(event["origin_server_ts"], int)
        unsigned = event.get("unsigned", {})
        assert unsigned.get("age", 0) >= 0
        # What only servers tell one another stays between them.
        assert not {"hashes", "signatures", "auth_events", "prev_events", "depth", "origin"} & event.keys()


def test_default_version_is_12(alice):
    capabilities = alice.get("/capabilities")["capabilities"]["m.room_versions"]
    assert capabilities["default"] == "12"
    assert {version: capabilities["available"][version] for version in VERSIONS} == dict.fromkeys(VERSIONS, "stable")
    assert alice.state(alice.create_room(), "m.room.create")["room_version"] == "12"


@pytest.mark.parametrize("visibility, join_rule", [(None, "invite"), ("private", "invite"), ("public", "public")])
def test_without_preset_visibility_decides(alice, visibility, join_rule):
    room = alice.create_room(**({"visibility": visibility} if visibility else {}))
    assert alice.state(room, "m.room.join_rules")["join_rule"] == join_rule


def test_preset_beats_visibility(alice):
    room = alice.create_room(visibility="public", preset="private_chat")
    assert alice.state(room, "m.room.join_rules")["join_rule"] == "invite"


def test_order_of_events(alice, bob):
    alias = hearth.unique("order")
    room = alice.create_room(
        room_alias_name=alias, name="Hearth", topic="Fire", invite=[bob.user_id],
        initial_state=[{"type": "org.example.first", "content": {"n": 1}},
                       {"type": "org.example.second", "state_key": "key", "content": {"n": 2}}])
    assert order_of(alice, room) == [
        ("m.room.create", ""), ("m.room.member", alice.user_id), ("m.room.power_levels", ""),
        ("m.room.canonical_alias", ""), ("m.room.join_rules", ""), ("m.room.history_visibility", ""),
        ("m.room.guest_access", ""), ("org.example.first", ""), ("org.example.second", "key"), ("m.room.name", ""),
        ("m.room.topic", ""), ("m.room.member", bob.user_id)]


def test_name_and_topic(alice):
    room = alice.create_room(name="Hearth", topic="Fire")
    assert alice.state(room, "m.room.name") == {"name": "Hearth"}
    topic = alice.state(room, "m.room.topic")
    assert topic["topic"] == "Fire"
    text, = (t for t in topic["m.topic"]["m.text"] if t.get("mimetype", "text/plain") == "text/plain")
    assert text["body"] == "Fire"


def test_name_and_topic_override_initial_state(alice):
    room = alice.create_room(name="named", topic="topical", initial_state=[
        {"type": "m.room.name", "content": {"name": "initial"}},
        {"type": "m.room.topic", "content": {"topic": "initial"}}])
    assert alice.state(room, "m.room.name")["name"] == "named"
    assert alice.state(room, "m.room.topic")["topic"] == "topical"


def test_initial_state_overrides_preset(alice):
    room = alice.create_room(preset="public_chat", initial_state=[
        {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}},
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
        {"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}])
    assert alice.state(room, "m.room.join_rules")["join_rule"] == "knock"
    assert alice.state(room, "m.room.history_visibility")["history_visibility"] == "joined"
    assert alice.state(room, "m.room.guest_access")["guest_access"] == "can_join"


def test_creation_content(alice):
    room = alice.create_room(creation_content={"m.federate": False, "type": "m.space", "org.example.more": [1],
                                               "creator": "@nobody:elsewhere", "room_version": "1"})
    create = alice.state(room, "m.room.create")
    assert create["m.federate"] is False and create["type"] == "m.space" and create["org.example.more"] == [1]
    # The server's own: not the client's to say.
    assert create["room_version"] == "12" and create.get("creator", alice.user_id) == alice.user_id


def test_predecessor(alice):
    old = alice.create_room()
    room = alice.create_room(creation_content={"predecessor": {"room_id": old}})
    assert alice.state(room, "m.room.create")["predecessor"] == {"room_id": old}


def test_additional_creators_are_put_together_once(alice, bob, carol):
    room = alice.create_room(preset="trusted_private_chat", invite=[bob.user_id, carol.user_id],
                             creation_content={"additional_creators": [bob.user_id]})
    creators = alice.state(room, "m.room.create")["additional_creators"]
    assert sorted(creators) == sorted([bob.user_id, carol.user_id])
    # They have a creator's power: over each other too.
    bob.join(room)
    bob.set_state(room, "m.room.power_levels", {"users": {}, "events": {"m.room.tombstone": 150}})


def test_power_level_override_is_put_on_top(alice, bob):
    room = alice.create_room(power_level_content_override={"users_default": 20, "events": {"m.room.name": 10},
                                                           "invite": 15})
    powers = alice.state(room, "m.room.power_levels")
    assert powers["users_default"] == 20 and powers["events"] == {"m.room.name": 10} and powers["invite"] == 15
    assert powers["ban"] == 50
    alice.invite(room, bob)
    bob.join(room)
    bob.set_state(room, "m.room.name", {"name": "bob may"})
    with refused("M_FORBIDDEN", 403):
        bob.set_state(room, "m.room.topic", {"topic": "bob may not"})


def test_is_direct(alice, bob):
    room = alice.create_room(is_direct=True, invite=[bob.user_id])
    assert alice.state(room, "m.room.member", bob.user_id)["is_direct"] is True
    assert "is_direct" not in alice.state(room, "m.room.member", alice.user_id)


def test_alias_is_canonical_and_resolves(alice, bob):
    name = hearth.unique("pub")
    room = alice.create_room(room_alias_name=name, preset="public_chat")
    alias = f"#{name}:{hearth.NAME}"
    assert alice.state(room, "m.room.canonical_alias")["alias"] == alias
    assert bob.get("/directory/room/{}", alias)["room_id"] == room
    assert bob.join(alias) == room
    with refused("M_ROOM_IN_USE", 400):
        bob.create_room(room_alias_name=name)


def test_an_alias_in_use_leaves_no_room_behind(alice):
    name = hearth.unique("pub")
    room = alice.create_room(room_alias_name=name)
    with refused("M_ROOM_IN_USE", 400):
        alice.create_room(room_alias_name=name)
    assert alice.get("/joined_rooms")["joined_rooms"] == [room]


def test_federation_can_be_switched_off(server, tmp_path):
    with hearth.Server(tmp_path / "own", allow_federation=False) as own:
        alice = own.register("alice")
        assert alice.state(alice.create_room(), "m.room.create")["m.federate"] is False


REFUSED = {
    "unknown version": ({"room_version": "999"}, "M_UNSUPPORTED_ROOM_VERSION"),
    "version that is no string": ({"room_version": 12}, "M_BAD_JSON"),
    "unknown preset": ({"preset": "secret_chat"}, "M_INVALID_PARAM"),
    "preset that is no string": ({"preset": ["private_chat"]}, "M_BAD_JSON"),
    "unknown visibility": ({"visibility": "secret"}, "M_INVALID_PARAM"),
    "alias with colon": ({"room_alias_name": "a:b"}, "M_INVALID_PARAM"),
    "alias with NUL": ({"room_alias_name": "a\0b"}, "M_INVALID_PARAM"),
    "alias too long": ({"room_alias_name": "a" * 255}, "M_INVALID_PARAM"),
    "alias that is no string": ({"room_alias_name": {}}, "M_BAD_JSON"),
    "name that is no string": ({"name": 1}, "M_BAD_JSON"),
    "topic that is no string": ({"topic": False}, "M_BAD_JSON"),
    "invite that is no list": ({"invite": "@a:localhost"}, "M_BAD_JSON"),
    "invite of no user id": ({"invite": ["somebody"]}, "M_INVALID_PARAM"),
    "invite of a number": ({"invite": [1]}, "M_BAD_JSON"),
    "is_direct that is no boolean": ({"is_direct": "yes"}, "M_BAD_JSON"),
    "creation_content that is no object": ({"creation_content": []}, "M_BAD_JSON"),
    "creators that are no list": ({"creation_content": {"additional_creators": "@a:localhost"}}, None),
    "creators that are no users": ({"creation_content": {"additional_creators": ["a"]}}, None),
    "initial_state that is no list": ({"initial_state": {}}, "M_BAD_JSON"),
    "initial_state of strings": ({"initial_state": ["m.room.name"]}, "M_BAD_JSON"),
    "initial_state without type": ({"initial_state": [{"content": {}}]}, "M_BAD_JSON"),
    "initial_state without content": ({"initial_state": [{"type": "m.room.name"}]}, "M_BAD_JSON"),
    "initial_state with float": ({"initial_state": [{"type": "org.example", "content": {"x": 1.5}}]}, "M_BAD_JSON"),
    "power levels that are no object": ({"power_level_content_override": 50}, "M_BAD_JSON"),
    "power levels that are strings": ({"power_level_content_override": {"ban": "50"}}, None),
    "powers that forbid naming": ({"name": "x", "room_version": "11",
                                   "power_level_content_override": {"users_default": 0, "users": {}, "state_default": 50}},
                                  "M_INVALID_ROOM_STATE"),
    "invite_3pid that is no list": ({"invite_3pid": {}}, "M_BAD_JSON"),
    "a name that makes the event too large": ({"name": "x" * 66000}, "M_TOO_LARGE"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(alice, case):
    body, errcode = REFUSED[case]
    answer = alice.call("POST", "/createRoom", body=body)
    assert answer.status in ({413} if errcode == "M_TOO_LARGE" else {400}), answer
    assert answer.errcode == errcode or errcode is None and answer.errcode.startswith("M_"), answer
    assert alice.get("/joined_rooms")["joined_rooms"] == []


def test_a_room_is_created_once(alice):
    answer = alice.call("POST", "/createRoom", body={"initial_state": [
        {"type": "m.room.create", "content": {"room_version": "1", "m.federate": False}}]})
    if answer.status == 200:
        creates = [e for e in alice.all_messages(answer.json["room_id"]) if e["type"] == "m.room.create"]
        assert [e["content"]["room_version"] for e in creates] == ["12"]
    else:
        assert answer.status == 400, answer


def test_creation_can_be_kept_to_administrators(tmp_path):
    with hearth.Server(tmp_path / "own", allow_room_creation=False) as own:
        alice = own.register("alice")
        with refused("M_FORBIDDEN", 403):
            alice.create_room()
        assert own.command("user", "admin", alice.user_id).returncode == 0
        alice.create_room()
