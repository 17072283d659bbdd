"""Every room version, from its creation to a restart (room version pages of the specification)."""

import re

import pytest

import hearth
from hearth import refused

VERSIONS = [str(n) for n in range(1, 13)]


def event_id_form(version):
    if int(version) < 3:
        return rf"\$[A-Za-z0-9._~-]+:{re.escape(hearth.NAME)}"
    return r"\$[A-Za-z0-9+/]{43}" if version == "3" else r"\$[A-Za-z0-9_-]{43}"


def make(alice, version, **more):
    return alice.create_room(room_version=version, preset="public_chat", **more)


def test_capabilities_list_them(alice):
    versions = alice.get("/capabilities")["capabilities"]["m.room_versions"]
    assert versions["available"] == dict.fromkeys(VERSIONS, "stable")
    assert versions["default"] == "12"


@pytest.mark.parametrize("version", VERSIONS)
def test_talk(alice, bob, version):
    """Created, joined, spoken in; every id of the version's form and good in a path."""
    room = make(alice, version, name="den", invite=[bob.user_id])
    bob.join(room)
    said = [bob.send(room, f"{n}") for n in range(25)] + [alice.set_state(room, "m.room.topic", {"topic": "t"})]
    events = alice.all_messages(room, "f")
    assert events[0]["content"]["room_version"] == version
    assert hearth.ids(events)[-26:] == said
    for event in events:
        assert re.fullmatch(event_id_form(version), event["event_id"])
        assert alice.event(room, event["event_id"])["event_id"] == event["event_id"]
    assert len(set(hearth.ids(events))) == len(events)
    context = bob.get("/rooms/{}/context/{}", room, said[3])
    assert context["event"]["content"]["body"] == "3"
    bob.read(room, said[5])
    timeline = bob.sync()["rooms"]["join"][room]["timeline"]["events"]
    assert hearth.ids(timeline)[-1] == said[-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_redact(alice, bob, version):
    room = make(alice, version)
    bob.join(room)
    own, other = bob.send(room, "own"), alice.send(room, "other")
    bob.redact(room, own, reason="typo")
    with refused("M_FORBIDDEN", 403):
        bob.redact(room, other)
    by = alice.redact(room, bob.send(room, "spam"))
    event = alice.event(room, own)
    assert event["content"] == {} and event["unsigned"]["redacted_because"]["content"].get("reason") == "typo"
    assert alice.event(room, other)["content"]["body"] == "other"
    assert re.fullmatch(event_id_form(version), by)


@pytest.mark.parametrize("version", VERSIONS)
def test_redaction_keeps(alice, version):
    """m.room.aliases to 5, `allow` since 8, `invite` since 11."""
    number = int(version)
    room = make(alice, version)
    expected = {
        "m.room.join_rules": ({"join_rule": "public", "allow": [], "x": 1},
                              {"join_rule": "public", **({"allow": []} if number >= 8 else {})}),
        "m.room.power_levels": ({"users": {} if number == 12 else {alice.user_id: 100}, "invite": 5, "ban": 60},
                                {"users": {} if number == 12 else {alice.user_id: 100}, "ban": 60,
                                 **({"invite": 5} if number >= 11 else {})}),
    }
    for kind, (content, kept) in expected.items():
        alice.redact(room, alice.set_state(room, kind, content))
        assert alice.state(room, kind) == kept
    aliases = {"aliases": ["#a:" + hearth.NAME]}
    alice.redact(room, alice.set_state(room, "m.room.aliases", aliases, hearth.NAME))
    assert alice.state(room, "m.room.aliases", hearth.NAME) == (aliases if number <= 5 else {})


@pytest.mark.parametrize("version", VERSIONS)
def test_aliases_need_no_power_to_5(alice, bob, version):
    room = make(alice, version)
    bob.join(room)
    if int(version) <= 5:
        bob.set_state(room, "m.room.aliases", {"aliases": []}, hearth.NAME)
        with refused("M_FORBIDDEN", 403):
            alice.set_state(room, "m.room.aliases", {"aliases": []}, "elsewhere.test")
    else:
        with refused("M_FORBIDDEN", 403):
            bob.set_state(room, "m.room.aliases", {"aliases": []}, hearth.NAME)
        alice.set_state(room, "m.room.aliases", {"aliases": []}, "elsewhere.test")


@pytest.mark.parametrize("version", VERSIONS)
def test_numbers(alice, version):
    """Versions 1 to 5 know nothing of canonical JSON; what no double holds is no number anywhere."""
    room = make(alice, version)
    content = {"msgtype": "m.text", "body": "x", "n": [1.5, 2**60, 1e22]}
    if int(version) >= 6:
        with refused("M_BAD_JSON", 400):
            alice.send(room, content)
    else:
        assert alice.event(room, alice.send(room, content))["content"]["n"] == [1.5, 2**60, 1e22]
    assert alice.send(room, "and on")


@pytest.mark.parametrize("version", VERSIONS)
def test_join_rules(alice, bob, version):
    """Knocking since 7, restricted joins since 8, both in one since 10."""
    hall = make(alice, version)
    bob.join(hall)
    allow = [{"type": "m.room_membership", "room_id": hall}]
    for rule, knock_since, join_since in (("knock", 7, 99), ("restricted", 99, 8), ("knock_restricted", 10, 10)):
        room = make(alice, version)
        alice.set_state(room, "m.room.join_rules", {"join_rule": rule, "allow": allow})
        if int(version) >= knock_since:
            bob.knock(room)
        else:
            with refused("M_FORBIDDEN", 403):
                bob.knock(room)
        if int(version) >= join_since:
            bob.join(room)
        else:
            with refused("M_FORBIDDEN", 403):
                bob.join(room)


def test_restart(own_server):
    """What was made goes on: state, history and redactions are there, and the next event follows the last."""
    with own_server as server:
        alice, bob = server.register("alice"), server.register("bob")
        rooms = {version: make(alice, version, name=version) for version in VERSIONS}
        first = {}
        for version, room in rooms.items():
            bob.join(room)
            first[version] = bob.send(room, "before")
            bob.redact(room, bob.send(room, "gone"))
        server.restart()
        for version, room in rooms.items():
            assert alice.state(room, "m.room.name") == {"name": version}
            assert bob.event(room, first[version])["content"]["body"] == "before"
            bob.send(room, "after")
            alice.set_state(room, "m.room.name", {"name": "new"})
            alice.redact(room, first[version])
            assert bob.event(room, first[version])["content"] == {}
            kinds = [e["type"] for e in bob.all_messages(room, "f")]
            assert kinds[-3:] == ["m.room.message", "m.room.name", "m.room.redaction"]
