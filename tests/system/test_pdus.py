"""What the server stores of its own events, in every room version, checked by a second writing of the rules: content hash,
reference hash, event id, citations, signature (server-server API, "Signing Events"; room version pages)."""

import base64
import contextlib
import hashlib
import json
import sqlite3

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

import hearth

pytestmark = pytest.mark.sqlite  # it reads the file

TOP = {"event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures", "depth", "prev_events",
       "auth_events", "origin_server_ts"}
TOP_TO_10 = TOP | {"prev_state", "origin", "membership"}
LEVELS = {"ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"}


def canonical(value):
    """The appendices' own code."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def kept_of(version, kind, content):
    """The keys of content that survive a redaction; of third-party invites there are none here."""
    return {
        "m.room.member": {"membership"} | ({"join_authorised_via_users_server"} if version >= 9 else set()),
        "m.room.create": {"creator"} if version <= 10 else set(content),
        "m.room.join_rules": {"join_rule"} | ({"allow"} if version >= 8 else set()),
        "m.room.power_levels": LEVELS | ({"invite"} if version >= 11 else set()),
        "m.room.history_visibility": {"history_visibility"},
        "m.room.aliases": {"aliases"} if version <= 5 else set(),
        "m.room.redaction": {"redacts"} if version >= 11 else set(),
    }.get(kind, set())


def signed_text(version, pdu):
    top = TOP if version >= 11 else TOP_TO_10
    redacted = {k: v for k, v in pdu.items() if k in top and k != "signatures"}
    kept = kept_of(version, pdu["type"], pdu["content"])
    redacted["content"] = {k: v for k, v in pdu["content"].items() if k in kept}
    return canonical(redacted)


def reference_hash(version, pdu):
    return hashlib.sha256(signed_text(version, pdu)).digest()


def event_id(version, pdu):
    if version <= 2:
        return pdu["event_id"]
    text = unpadded(reference_hash(version, pdu))
    return "$" + (text if version == 3 else text.replace("+", "-").replace("/", "_"))


def content_hash(pdu):
    covered = {k: v for k, v in pdu.items() if k not in ("unsigned", "signatures", "hashes")}
    return unpadded(hashlib.sha256(canonical(covered)).digest())


def citations(version, pdus, ids):
    if version >= 3:
        return ids
    return [[i, {"sha256": unpadded(reference_hash(version, pdus[i]))}] for i in ids]


def ids_in(version, cited):
    return cited if version >= 3 else [event_id for event_id, _ in cited]


def read_events(server, room):
    """Ids and PDUs in their order, and which are redacted."""
    with contextlib.closing(sqlite3.connect(next(server.data.glob("*.db")))) as database:
        return list(database.execute("SELECT event_id, pdu, redacted_by_nid FROM events e JOIN rooms r "
                                     "ON r.room_nid = e.room_nid WHERE r.room_id = ? ORDER BY event_nid", (room,)))


def verifier(server):
    for path in server.data.iterdir():
        if path.is_file() and path.read_bytes()[:8] == b"ed25519 ":
            _, key, seed = path.read_text().split()
            public = ECC.construct(curve="Ed25519", seed=base64.b64decode(seed + "==")).public_key()
            return "ed25519:" + key, eddsa.new(public, "rfc8032")
    raise AssertionError("no signing key")


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("version", range(1, 13))
def test_events_of_our_own(server, alice, bob, version):
    room = alice.create_room(room_version=str(version), preset="public_chat", name="ä", invite=[bob.user_id])
    bob.join(room)
    bob.send(room, "\u0001\u007f\u2028 😀 \"\\")
    if version <= 5:
        bob.send(room, {"msgtype": "m.text", "body": "x", "n": [1.50, -0.0, 1e-7, 1e22, 2**70, 0.1, 5e-324]})
    alice.set_state(room, "m.room.aliases", {"aliases": ["#x:" + hearth.NAME]}, hearth.NAME)
    alice.set_state(room, "m.room.power_levels", {"users": {} if version == 12 else {alice.user_id: 100}, "invite": 7})
    alice.redact(room, bob.send(room, "x"), reason="r")
    rows = [(text_of(i), json.loads(text_of(p)), redacted) for i, p, redacted in read_events(server, room)]
    pdus = {i: pdu for i, pdu, _ in rows}
    key_id, verify = verifier(server)
    previous = []
    assert len(rows) == 14 + (version <= 5)
    for depth, (stored_id, pdu, redacted) in enumerate(rows, 1):
        assert event_id(version, pdu) == stored_id
        assert ("event_id" in pdu) == (version <= 2)
        assert redacted or content_hash(pdu) == pdu["hashes"]["sha256"]
        assert pdu["depth"] == depth
        assert pdu["prev_events"] == citations(version, pdus, previous)
        cited = ids_in(version, pdu["auth_events"])
        assert pdu["auth_events"] == citations(version, pdus, cited)
        assert ("m.room.create" in [pdus[i]["type"] for i in cited]) == (version <= 11 and depth > 1)
        verify.verify(signed_text(version, pdu), base64.b64decode(pdu["signatures"][hearth.NAME][key_id] + "=="))
        previous = [stored_id]
