"""Many at once: every client that syncs on and on sees every event once, in the order that all see."""

import threading

import hearth
from hearth import Refused

SENDERS, MESSAGES, READERS = 8, 40, 4


def together(works):
    """Runs functions at the same time; the first failure is raised."""
    errors = []

    def run(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001: raised below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Reader:
    """A client that polls until it has seen as many messages of the room as wanted; keeps all events it was sent."""

    def __init__(self, client, room, wanted):
        self.client, self.room, self.wanted = client, room, wanted
        self.since = client.sync()["next_batch"]
        self.events = []

    def run(self):
        messages = 0
        while messages < self.wanted:
            answer = self.client.sync(self.since, timeout=20000, filter={"room": {"timeline": {"limit": 1000}}})
            part = answer["rooms"].get("join", {}).get(self.room)
            assert part or answer["next_batch"] != self.since, "a poll ended with nothing"
            if part:
                assert not part["timeline"]["limited"]
                assert part["state"]["events"] == [], "state that is in the timeline came twice"
                self.events += part["timeline"]["events"]
                messages = sum(e["type"] == "m.room.message" for e in self.events)
            self.since = answer["next_batch"]


def test_all_see_the_same(server):
    owner = server.register("owner")
    room = owner.create_room(preset="public_chat", power_level_content_override={"state_default": 0})
    senders = [server.register("sender") for _ in range(SENDERS)]
    for client in senders:
        client.join(room)
    quiet = [server.register("reader") for _ in range(READERS - 1)]
    for client in quiet:
        client.join(room)
    readers = [Reader(client, room, SENDERS * MESSAGES) for client in [*quiet, senders[0]]]     # one who also sends
    start = owner.sync()["next_batch"]

    def talk(client):
        for i in range(MESSAGES):
            event = client.send(room, f"message {i}")
            if i % 5 == 0:
                client.set_state(room, "org.example.state", {"i": i}, client.user_id)
            if i % 7 == 0:
                client.put("/rooms/{}/typing/{}", room, client.user_id, body={"typing": i % 2 == 0})
            if i % 9 == 0:
                client.read(room, event)

    together([reader.run for reader in readers] + [lambda c=c: talk(c) for c in senders])

    truth = hearth.ids(owner.all_messages(room, "f", start, limit=500))
    assert len(truth) == len(set(truth)) == SENDERS * (MESSAGES + MESSAGES // 5)
    for reader in readers:
        seen = hearth.ids(reader.events)
        assert seen == truth[:len(seen)]                            # the last may be state that came after
    for client in senders:
        mine = [e["content"]["body"] for e in readers[0].events
                if e["type"] == "m.room.message" and e["sender"] == client.user_id]
        assert mine == [f"message {i}" for i in range(MESSAGES)]


def test_coming_and_going_at_once(server):
    """Members who join and leave at the same time: the state, the counts and every member's list agree at the end."""
    owner = server.register("owner")
    room = owner.create_room(preset="public_chat")
    crowd = [server.register("crowd") for _ in range(10)]

    def come_and_go(client, number):
        for _ in range(6):
            client.join(room)
            client.send(room, "here")
            client.leave(room)
        if number % 2:
            client.join(room)

    together([lambda c=c, i=i: come_and_go(c, i) for i, c in enumerate(crowd)])
    there = {owner.user_id, *(c.user_id for i, c in enumerate(crowd) if i % 2)}
    assert set(owner.get("/rooms/{}/joined_members", room)["joined"]) == there
    members = owner.get("/rooms/{}/members", room, query={"membership": "join"})["chunk"]
    assert {e["state_key"] for e in members} == there
    assert owner.sync()["rooms"]["join"][room]["summary"]["m.joined_member_count"] == len(there)
    for i, client in enumerate(crowd):
        assert (room in client.get("/joined_rooms")["joined_rooms"]) == bool(i % 2)


def test_changes_of_power_at_once(server):
    """Moderators who take the power of all below them at the same time: each change is one that the state before it
    allows. Who has lost his power in the meantime is refused."""
    owner = server.register("owner")
    moderators = [server.register("moderator") for _ in range(8)]
    room = owner.create_room(preset="public_chat", room_version="11")
    powers = owner.state(room, "m.room.power_levels")
    powers["events"]["m.room.power_levels"] = 50
    for i, client in enumerate(moderators):
        client.join(room)
        powers["users"][client.user_id] = 50 + i
    first = owner.set_state(room, "m.room.power_levels", powers)

    def take_power(client):
        own = powers["users"][client.user_id]
        try:
            client.set_state(room, "m.room.power_levels",
                             {**powers, "users": {k: v for k, v in powers["users"].items() if v >= own}})
        except Refused as error:
            assert error.errcode == "M_FORBIDDEN"

    together([lambda c=c: take_power(c) for c in moderators])
    history = [e for e in owner.all_messages(room, "f") if e["type"] == "m.room.power_levels"]
    history = history[hearth.ids(history).index(first):]
    assert len(history) >= 2
    for before, after in zip(history, history[1:]):
        had, has = before["content"]["users"], after["content"]["users"]
        own = had.get(after["sender"], 0)
        assert own >= 50, "somebody without power changed the powers"
        assert all(had[user] < own for user in had if had[user] != has.get(user)), "an equal lost his power"
        assert all(level <= own for user, level in has.items() if level != had.get(user)), "more was given than was had"
        assert after["unsigned"]["prev_content"] == before["content"]
