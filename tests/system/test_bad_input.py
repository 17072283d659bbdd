"""Bad input, for every route there is: the right error, never a 500, never a hang, and the server lives on."""

import json
import time

import pytest

import hearth
from routes import ROUTES

# Bodies that are right, for what takes one. What stands here is tested field by field: each gets values of other types.
BODIES = {
    "POST /_matrix/client/v3/login": {
        "type": "m.login.password", "identifier": {"type": "m.id.user", "user": "nobody"}, "password": "password",
        "device_id": "X", "initial_device_display_name": "X", "refresh_token": False},
    "POST /_matrix/client/v3/refresh": {"refresh_token": "x"},
    "POST /_matrix/client/v3/register": {
        "username": "nobody", "password": "password", "device_id": "X", "initial_device_display_name": "X",
        "refresh_token": False, "inhibit_login": False, "auth": {"type": "m.login.dummy"}},
    "POST /_matrix/client/v3/account/password": {
        "new_password": "new password", "logout_devices": True, "auth": {"type": "m.login.dummy"}},
    "POST /_matrix/client/v3/account/deactivate": {"erase": False, "auth": {"type": "m.login.dummy"}},
    "PUT /_matrix/client/v3/devices/{deviceId}": {"display_name": "X"},
    "DELETE /_matrix/client/v3/devices/{deviceId}": {"auth": {"type": "m.login.dummy"}},
    "POST /_matrix/client/v3/delete_devices": {"devices": [], "auth": {"type": "m.login.dummy"}},
    "PUT /_matrix/client/v3/profile/{userId}/{keyName}": {"displayname": "X"},
    "PUT /_matrix/client/v3/user/{userId}/account_data/{type}": {},
    "PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}": {},
    "PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}": {},
    "POST /_matrix/client/v3/user/{userId}/filter": {
        "event_fields": [], "event_format": "client", "presence": {}, "account_data": {}, "room": {}},
    "POST /_matrix/client/v3/createRoom": {
        "visibility": "private", "room_alias_name": "", "name": "X", "topic": "X", "invite": [], "invite_3pid": [],
        "room_version": "12", "creation_content": {}, "initial_state": [], "preset": "private_chat", "is_direct": False,
        "power_level_content_override": {}},
    "POST /_matrix/client/v3/join/{roomIdOrAlias}": {"reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/join": {"reason": "X"},
    "POST /_matrix/client/v3/knock/{roomIdOrAlias}": {"reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/leave": {"reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/forget": {},
    "POST /_matrix/client/v3/rooms/{roomId}/invite": {"user_id": "@nobody:localhost", "reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/kick": {"user_id": "@nobody:localhost", "reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/ban": {"user_id": "@nobody:localhost", "reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/unban": {"user_id": "@nobody:localhost", "reason": "X"},
    "POST /_matrix/client/v3/rooms/{roomId}/upgrade": {"new_version": "12", "additional_creators": []},
    "PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}": {},
    "PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}": {"reason": "X"},
    "PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}": {},
    "PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/": {},
    "PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}": {},
    "POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}": {"thread_id": "main"},
    "POST /_matrix/client/v3/rooms/{roomId}/read_markers": {
        "m.fully_read": "EVENT", "m.read": "EVENT", "m.read.private": "EVENT"},
    "PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}": {"typing": True, "timeout": 1000},
    "PUT /_matrix/client/v3/directory/room/{roomAlias}": {"room_id": "!x:localhost"},
}

# What is wrong where a value of that type stands.
WRONG = {
    str: [1, True, [], {}],
    bool: ["true", 1, [], {}],
    int: ["1", 1.5, True, [], {}],
    list: ["x", 1, {}],
    dict: ["x", 1, []],
}

named = {"ids": lambda route: route.name}
EVERY = pytest.mark.parametrize("route", ROUTES, **named)
WITH_BODY = pytest.mark.parametrize("route", [r for r in ROUTES if r.takes_body], **named)
WITH_TOKEN = pytest.mark.parametrize("route", [r for r in ROUTES if r.needs_token], **named)


class World:
    """One user, one room, and a value for each parameter of a path."""

    def __init__(self, server):
        self.server = server
        self.alice, self.bob = server.register("alice"), server.register("bob")
        self.room = self.alice.create_room(preset="public_chat")
        self.bob.join(self.room)
        self.event = self.alice.send(self.room, "hello")
        self.alias = f"#{hearth.unique('alias')}:{hearth.NAME}"
        self.values = {
            "userId": self.alice.user_id, "roomId": self.room, "roomIdOrAlias": self.room, "roomAlias": self.alias,
            "eventId": self.event, "eventType": "org.example.type", "stateKey": "key", "txnId": "txn",
            "deviceId": self.alice.device_id, "keyName": "displayname", "type": "org.example.type", "tag": "u.tag",
            "filterId": "1", "receiptType": "m.read"}

    def call(self, route, body=None, token=True, raw=None, query="", **values):
        answer = self.server.call(route.method, route.path({**self.values, **values}, raw) + query, body,
                                  self.alice.token if token is True else token, timeout=20)
        assert answer.status < 500, answer
        return answer


@pytest.fixture(scope="module")
def world(server):
    return World(server)


@pytest.fixture(autouse=True)
def alive(server):
    """Whatever a test sent, the server lives on."""
    yield
    server.assert_alive()


def is_error(answer, status, errcode):
    assert (answer.status, answer.errcode) == (status, errcode), answer
    assert isinstance(answer.json["error"], str) and answer.json["error"]
    has_cors(answer)


def has_cors(answer):
    assert answer.headers["Access-Control-Allow-Origin"] == "*", answer.headers
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        assert method in answer.headers["Access-Control-Allow-Methods"]
    for header in ("X-Requested-With", "Content-Type", "Authorization"):
        assert header in answer.headers["Access-Control-Allow-Headers"]


def test_the_tables_are_whole(world):
    assert len(ROUTES) > 50
    assert {p for r in ROUTES for p in r.parameters} <= world.values.keys()
    assert {r.name for r in ROUTES if r.takes_body} == BODIES.keys()


# --- who asks, and how ---

@WITH_TOKEN
def test_no_token(world, route):
    is_error(world.call(route, {}, token=None), 401, "M_MISSING_TOKEN")


@pytest.mark.parametrize("route", [r for r in ROUTES if r.auth != "NONE"], **named)
def test_wrong_tokens(world, route):
    for token in ("x", world.alice.token[:-1], world.alice.token + "x", "\x7f", "x" * 5000, "é"):
        answer = world.server.call(route.method, route.path(world.values), {}, timeout=20,
                                   headers={"Authorization": f"Bearer {token}".encode()})
        if token in ("\x7f", ):
            assert answer.status in (400, 401), answer      # no header may hold it
        else:
            is_error(answer, 401, "M_UNKNOWN_TOKEN")
    is_error(world.call(route, {}, token=None, query="?access_token=nonsense"), 401, "M_UNKNOWN_TOKEN")


@WITH_TOKEN
@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Bear", ""])
def test_no_bearer(world, route, header):
    answer = world.server.call(route.method, route.path(world.values), {}, headers={"Authorization": header})
    is_error(answer, 401, "M_MISSING_TOKEN")


def test_a_token_of_old_clients(world):
    path = f"{hearth.CLIENT}/account/whoami?access_token={world.alice.token}"
    assert world.server.call("GET", path).json["user_id"] == world.alice.user_id


@EVERY
def test_wrong_method(world, route):
    there = {r.method for r in ROUTES if r.pattern == route.pattern}
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"} - there:
        answer = world.server.call(method, route.path(world.values), None, world.alice.token)
        if (answer.status, answer.errcode) != (405, "M_UNRECOGNIZED"):
            # Unless another pattern has the path too.
            assert answer.status != 404, answer
            assert any(r.method == method and len(r.pattern.split("/")) == len(route.pattern.split("/"))
                       for r in ROUTES), answer
        has_cors(answer)


@EVERY
def test_options_and_head(world, route):
    answer = world.server.call("OPTIONS", route.path(world.values))
    assert answer.status in (200, 204), answer
    has_cors(answer)
    if route.method == "GET" and "sync" not in route.pattern:
        head = world.server.call("HEAD", route.path(world.values), token=world.alice.token)
        assert head.status == world.call(route).status and head.body == b""


@pytest.mark.parametrize("path", [
    "/_matrix", "/_matrix/client/v3", "/_matrix/client/v3/nothing", "/_matrix/client/v2/login", "/_matrix/client/r1/login",
    "/_matrix/client/v3/login/", "/_matrix/client/v3//login", "//_matrix/client/v3/login", "/_matrix/client/v3/LOGIN",
    "/_matrix/client/v3/rooms", "/_matrix/client/v3/rooms//state", "/_matrix/client/v3/rooms/../login",
    "/_matrix/client/v3/rooms/a/b/c/d/e/f/g", "/_matrix/client/v3/sync/x", "/_matrix/federation/v1/nothing",
    "/_hearth/control", "/_matrix/client/v3/" + "x/" * 200, "/favicon.ico", "/.well-known/matrix/nothing", "/a" * 30])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_unknown_path(world, path, method):
    answer = world.server.call(method, path, {} if method != "GET" else None, world.alice.token)
    if path.count("/") > 60:
        assert answer.status in (400, 404, 414), answer
        return
    is_error(answer, 404, "M_UNRECOGNIZED")


def test_old_names_of_paths(world):
    for version in ("r0", "v3"):
        assert world.server.call("GET", f"/_matrix/client/{version}/login").status == 200


# --- bodies ---

NO_JSON = [b"{", b"}", b"nonsense", b'{"a":1}x', b'{"a":1} {"b":2}', b"{'a':1}", b'{"a":}', b'{"a" 1}', b'{"a":1,}',
           b"{a:1}", b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":1.}', b'{"a":1e}', b'{"a":NaN}', b'{"a":Infinity}',
           b'{"a":"\x01"}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a":"\xff"}', b'{"a":"\xc3\x28"}', b'{"a":"\xed\xa0\x80"}',
           b'{"a":"\\ud800"}', b'{"a":"\\udc00\\ud800"}', b'{"a":"', b"\x00", b"\xef\xbb\xbf{}", b'{"a":1}\x00', b"{\"a\":tru}",
           b"[" * 50000, b'{"a":' * 10000, b"{}" + b"\x00" * 10]


@WITH_BODY
def test_not_json(world, route):
    for body in NO_JSON + ([b""] if route.body == "OBJECT" else []):
        answer = world.call(route, body)
        assert answer.status == 400, (body[:40], answer)
        # Too deep is JSON, and more than is taken.
        allowed = {"M_NOT_JSON", "M_BAD_JSON"} if len(body) > 1000 else {"M_NOT_JSON"}
        assert answer.errcode in allowed, (body[:40], answer)


@WITH_BODY
def test_not_an_object(world, route):
    for body in (b"[]", b'"x"', b"1", b"null", b"true", b"[{}]", b" [1] "):
        is_error(world.call(route, body), 400, "M_BAD_JSON")


@WITH_BODY
def test_nested_too_deeply(world, route):
    for depth in (300, 1000, 50000):
        body = b'{"x":' * depth + b"1" + b"}" * depth
        answer = world.call(route, body)
        assert answer.status in (400, 413) and answer.errcode in ("M_NOT_JSON", "M_BAD_JSON", "M_TOO_LARGE"), answer


FIELDS = [(route, field) for route in ROUTES if route.takes_body for field in BODIES.get(route.name, {})]


@pytest.mark.parametrize("route, field", FIELDS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_fields_of_wrong_type(world, route, field):
    body = {k: world.event if v == "EVENT" else v for k, v in BODIES[route.name].items()}
    for value in WRONG[type(body[field])]:
        answer = world.call(route, {**body, field: value})
        is_error(answer, 400, "M_BAD_JSON")
        assert field in answer.json["error"], answer


MISSING = [
    ("POST /_matrix/client/v3/login", "type"), ("POST /_matrix/client/v3/login", "password"),
    ("POST /_matrix/client/v3/login", "identifier"), ("POST /_matrix/client/v3/refresh", "refresh_token"),
    ("POST /_matrix/client/v3/account/password", "new_password"), ("POST /_matrix/client/v3/delete_devices", "devices"),
    ("PUT /_matrix/client/v3/profile/{userId}/{keyName}", "displayname"),
    *((f"POST /_matrix/client/v3/rooms/{{roomId}}/{verb}", "user_id") for verb in ("invite", "kick", "ban", "unban")),
    ("POST /_matrix/client/v3/rooms/{roomId}/upgrade", "new_version"),
    ("PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}", "typing"),
    ("PUT /_matrix/client/v3/directory/room/{roomAlias}", "room_id"),
]


@pytest.mark.parametrize("name, field", MISSING)
def test_fields_that_are_missing(world, name, field):
    route = next(r for r in ROUTES if r.name == name)
    answer = world.call(route, {k: v for k, v in BODIES[name].items() if k != field})
    assert answer.status == 400 and answer.errcode in ("M_MISSING_PARAM", "M_BAD_JSON"), answer
    assert field in answer.json["error"], answer


FILTER_FIELDS = {
    "room": {"rooms": [], "not_rooms": [], "ephemeral": {}, "include_leave": False, "state": {}, "timeline": {},
             "account_data": {}},
    "timeline": {"limit": 1, "types": [], "not_types": [], "senders": [], "not_senders": [], "rooms": [], "not_rooms": [],
                 "contains_url": False, "lazy_load_members": False, "include_redundant_members": False,
                 "unread_thread_notifications": False},
}


@pytest.mark.parametrize("part, field", [(part, field) for part, fields in FILTER_FIELDS.items() for field in fields])
def test_filters_of_wrong_type(world, part, field):
    right = FILTER_FIELDS[part][field]
    for value in WRONG[type(right)] + ([[1], [{}]] if right == [] else []) + ([-1] if field == "limit" else []):
        content = {field: value} if part == "room" else {part: {field: value}}
        answer = world.alice.call("POST", "/user/{}/filter", world.alice.user_id, body={"room": content})
        assert answer.status == 400 and answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM"), (value, answer)
        answer = world.alice.call("GET", "/sync", query={"filter": {"room": content}})
        assert answer.status == 400 and answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM"), (value, answer)
        if part == "timeline":
            answer = world.alice.call("GET", "/rooms/{}/messages", world.room, query={"dir": "b", "filter": {field: value}})
            assert answer.status == 400 and answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM"), (value, answer)


# --- events ---

SEND = "/rooms/{}/send/m.room.message/{}"
NO_EVENT = [b'{"x":1.5}', b'{"x":1e3}', b'{"x":1.0}', b'{"x":9007199254740992}', b'{"x":-9007199254740992}',
            b'{"x":99999999999999999999}', b'{"x":[[1.5]]}', b'{"x":{"y":1E400}}']


@pytest.mark.parametrize("content", NO_EVENT, ids=lambda c: c.decode())
def test_numbers_that_no_event_may_hold(world, content):
    for path, parts in ((SEND, (world.room, hearth.unique("txn"))),
                        ("/rooms/{}/state/org.example.type/key", (world.room,))):
        is_error(world.alice.call("PUT", path, *parts, body=content), 400, "M_BAD_JSON")
    state = b'{"initial_state":[{"type":"org.example.type","content":' + content + b"}]}"
    is_error(world.alice.call("POST", "/createRoom", body=state), 400, "M_BAD_JSON")
    # Account data is no event of a room, and may.
    if b"999999" not in content and b"E400" not in content and b"00719925" not in content:
        assert world.alice.call("PUT", "/user/{}/account_data/org.example.float", world.alice.user_id,
                                body=content).status == 200


def test_the_largest_event(world):
    """65,536 bytes as servers send it to one another are the limit; just below it passes, just above it does not."""
    def send(size):
        return world.alice.call("PUT", SEND, world.room, hearth.unique("txn"), body={"msgtype": "m.text", "body": "x" * size})

    low, high = 60000, 65537
    assert send(low).status == 200
    is_error(send(high), 413, "M_TOO_LARGE")
    while high - low > 1:
        middle = (low + high) // 2
        answer = send(middle)
        assert answer.status in (200, 413), answer
        low, high = (middle, high) if answer.status == 200 else (low, middle)
    event = world.alice.sync(filter={"event_format": "federation", "room": {"rooms": [world.room], "timeline": {
        "limit": 10}}})["rooms"]["join"][world.room]["timeline"]["events"]
    largest = max((e for e in event if e["type"] == "m.room.message"), key=lambda e: len(e["content"].get("body", "")))
    for key in ("event_id", "unsigned", "age"):
        largest.pop(key, None)
    size = len(json.dumps(largest, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())
    assert 65536 - 50 <= size <= 65536 + 200, size      # unsigned is not counted; what of it is stored may differ


def test_the_largest_state(world):
    is_error(world.alice.call("PUT", "/rooms/{}/state/org.example.type/key", world.room, body={"x": "x" * 65537}),
             413, "M_TOO_LARGE")


BAD_CONTENT = {
    "power levels as text": ("m.room.power_levels", "", {"users_default": "50"}),
    "power levels as float": ("m.room.power_levels", "", {"ban": 50.5}),
    "power levels of no user": ("m.room.power_levels", "", {"users": {"nobody": 50}}),
    "users as list": ("m.room.power_levels", "", {"users": []}),
    "power of a user as text": ("m.room.power_levels", "", {"users": {"@x:localhost": "50"}}),
    "events as text": ("m.room.power_levels", "", {"events": "x"}),
    "membership missing": ("m.room.member", "@x:localhost", {}),
    "membership unknown": ("m.room.member", "@x:localhost", {"membership": "lurk"}),
    "membership as number": ("m.room.member", "@x:localhost", {"membership": 1}),
    "membership of nobody": ("m.room.member", "nobody", {"membership": "invite"}),
    "membership without key": ("m.room.member", "", {"membership": "invite"}),
    "a second create": ("m.room.create", "", {"room_version": "12"}),
    "alias as number": ("m.room.canonical_alias", "", {"alias": 1}),
    "aliases as text": ("m.room.canonical_alias", "", {"alt_aliases": "#x:localhost"}),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_state_that_is_refused(world, case):
    kind, key, content = BAD_CONTENT[case]
    answer = world.alice.call("PUT", "/rooms/{}/state/{}/{}", world.room, kind, key, body=content)
    assert answer.status in (400, 403), answer
    assert answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM", "M_FORBIDDEN", "M_MISSING_PARAM"), answer


def test_names_that_are_too_long(world):
    long = "x" * 256
    for path, parts in (("/rooms/{}/send/{}/{}", (world.room, long, "txn")), (SEND, (world.room, long)),
                        ("/rooms/{}/state/{}/{}", (world.room, long, "")), ("/rooms/{}/state/x/{}", (world.room, long))):
        answer = world.alice.call("PUT", path, *parts, body={})
        assert answer.status in (400, 413) and answer.errcode in ("M_INVALID_PARAM", "M_TOO_LARGE", "M_BAD_JSON"), answer


# --- paths ---

def with_parameter(*names):
    cases = [(r, p) for r in ROUTES for p in r.parameters if not names or p in names]
    return pytest.mark.parametrize("route, parameter", cases, ids=lambda x: x if isinstance(x, str) else x.name)


def body_of(route):
    return BODIES[route.name] if route.takes_body else None


@with_parameter()
def test_escapes_that_are_no_text(world, route, parameter):
    for text in ("%", "%0", "%zz", "a%2", "%ff", "%c3%28", "%ed%a0%80", "%f8%88%80%80%80", "%00", "a%00b", "%c0%80"):
        answer = world.call(route, body_of(route), raw={parameter: text})
        is_error(answer, 400, "M_INVALID_PARAM")


@with_parameter()
def test_escaped_slashes_stay_in_their_segment(world, route, parameter):
    for text in ("a%2Fb", "%2F", "%2f..%2f..", "a%2F%2e%2e%2Fb"):
        answer = world.call(route, body_of(route), raw={parameter: text})
        assert (answer.status, answer.errcode) != (404, "M_UNRECOGNIZED"), answer


BAD_IDS = {
    "roomId": ["x", "!", "@alice:localhost", "#alias:localhost", "$event", "!" + "x" * 300, "!a b:localhost", "!nowhere:localhost",
               "!" + "A" * 43, "é"],
    "roomIdOrAlias": ["x", "!", "@alice:localhost", "$event", "#", "#x", "!nowhere:localhost", "#nothing:localhost", "!" + "x" * 300],
    "eventId": ["x", "$", "!room:localhost", "@alice:localhost", "$" + "x" * 300, "$" + "A" * 43],
    "roomAlias": ["x", "#", "#x", "!room:localhost", "@alice:localhost", "#" + "x" * 300 + ":localhost", "#x:"],
    "filterId": ["x", "-1", "999999", "1.5", "9" * 30, "{}"],
    "deviceId": ["nothing", "x" * 300, "é"],
    "receiptType": ["x", "m.read.public", "M.READ", "x" * 300],
}


@with_parameter(*BAD_IDS)
def test_ids_that_are_wrong(world, route, parameter):
    for value in BAD_IDS[parameter]:
        answer = world.call(route, body_of(route), query="?dir=b", **{parameter: value})
        if "account_data" in route.pattern and value.startswith("!") or "tags" in route.pattern and value.startswith("!"):
            continue                        # a user may keep what he likes about any room
        if route.method == "DELETE" and parameter == "deviceId":
            assert answer.status == 401, answer     # authentication is asked for before the device is looked for
            continue
        assert answer.status in (400, 403, 404), (value, answer)
        assert answer.errcode in ("M_INVALID_PARAM", "M_FORBIDDEN", "M_NOT_FOUND", "M_BAD_JSON"), (value, answer)


@with_parameter("userId")
def test_users_who_are_somebody_else(world, route, parameter):
    if "/profile/" in route.pattern and route.method == "GET":
        for value in ("x", "@", "@x", "@nobody:localhost", "@nobody:elsewhere.example", "!x:localhost", "@" + "x" * 300):
            answer = world.call(route, **{parameter: value})
            assert answer.status in (400, 403, 404) and answer.errcode in ("M_NOT_FOUND", "M_FORBIDDEN", "M_INVALID_PARAM")
        return
    for value in (world.bob.user_id, "x", "@nobody:localhost", world.alice.user_id.upper(), world.alice.user_id + "x",
                  world.alice.user_id.split(":")[0], "@alice:elsewhere.example"):
        is_error(world.call(route, body_of(route), **{parameter: value}), 403, "M_FORBIDDEN")


# --- queries ---

TOKENS = ["x", "s", "s-1", "s1.5", "s1x", "S1", "t1", "-1", "1", "s99999999999999999999", "s9223372036854775807x", "s 1",
          "s+1", "s%00", "s0x1", "s1_2_3", "%ff"]
QUERIES = [
    ("/sync", "since", TOKENS),
    ("/sync", "timeout", ["x", "-1", "1.5", "99999999999999999999"]),
    ("/sync", "full_state", ["x", "1", "TRUE"]),
    ("/sync", "use_state_after", ["x", "yes"]),
    ("/sync", "filter", ["{", "{\"room\":", "{}x"]),
    ("/rooms/ROOM/messages?dir=b", "from", TOKENS),
    ("/rooms/ROOM/messages?dir=b", "to", TOKENS),
    ("/rooms/ROOM/messages?dir=f", "from", TOKENS),
    ("/rooms/ROOM/messages?dir=b", "limit", ["-1", "x", "1.5", "99999999999999999999", "1x", "+1", " 1"]),
    ("/rooms/ROOM/messages", "dir", ["x", "", "F", "back", "bf"]),
    ("/rooms/ROOM/messages?dir=b", "filter", ["{", "x", "[]", "1", "{\"types\":1}"]),
    ("/rooms/ROOM/context/EVENT", "limit", ["-1", "x", "1.5", "99999999999999999999"]),
    ("/rooms/ROOM/context/EVENT", "filter", ["{", "x", "[]"]),
    ("/rooms/ROOM/members", "at", TOKENS),
    ("/rooms/ROOM/members", "membership", ["x", "JOIN"]),
    ("/rooms/ROOM/members", "not_membership", ["x"]),
    ("/rooms/ROOM/state/m.room.create/", "format", ["x", "EVENT"]),
]


@pytest.mark.parametrize("path, parameter, values", QUERIES, ids=[f"{p} {q}" for p, q, _ in QUERIES])
def test_queries(world, path, parameter, values):
    path = hearth.CLIENT + path.replace("ROOM", world.room).replace("EVENT", world.event).replace("$", "%24")
    for value in values:
        value = value if "%" in value else hearth.quote(value)
        answer = world.server.call("GET", f"{path}{'&' if '?' in path else '?'}{parameter}={value}",
                                   token=world.alice.token)
        assert answer.status == 400, (value, answer)
        assert answer.errcode in ("M_INVALID_PARAM", "M_NOT_JSON", "M_BAD_JSON", "M_UNKNOWN", "M_MISSING_PARAM"), (value, answer)


def test_a_missing_dir(world):
    answer = world.alice.call("GET", "/rooms/{}/messages", world.room)
    assert (answer.status, answer.errcode) == (400, "M_MISSING_PARAM")


@pytest.mark.parametrize("limit", [0, 1001, 100000, 2**31, 2**53])
def test_large_limits_are_cut(world, limit):
    answer = world.alice.call("GET", "/rooms/{}/messages", world.room, query={"dir": "b", "limit": limit})
    assert answer.status == 200 and len(answer.json["chunk"]) <= 1000, answer
    answer = world.alice.call("GET", "/rooms/{}/context/{}", world.room, world.event, query={"limit": limit})
    assert answer.status == 200, answer


def test_queries_of_odd_form(world):
    for query in ("?", "?&&&", "?=", "?dir", "?dir=b&dir=f", "?dir=b&" + "x=1&" * 400, "?dir=b&x=%", "?dir=b&%ff=1", "?dir=b#x",
                  "?dir=b&limit=1&limit=x"):
        answer = world.server.call("GET", f"{hearth.CLIENT}/rooms/{hearth.quote(world.room)}/messages{query}",
                                   token=world.alice.token)
        assert answer.status in (200, 400), answer


# --- accounts ---

@pytest.mark.parametrize("username", ["", "with space", "a:b", "@a", "a@b", "é", "a\0b", "a" * 250, "a/b\n", "\U0001f525"])
def test_usernames(world, username):
    is_error(world.server.call("POST", f"{hearth.CLIENT}/register", {"username": username, "password": hearth.PASSWORD}),
             400, "M_INVALID_USERNAME")
    if "\0" not in username:
        is_error(world.server.call("GET", f"{hearth.CLIENT}/register/available?username={hearth.quote(username)}"), 400,
                 "M_INVALID_USERNAME")


def test_usernames_are_of_small_letters(world):
    """They are the basis of a user id: capitals are refused, or made small."""
    name = hearth.unique("Upper")
    answer = world.server.call("POST", f"{hearth.CLIENT}/register", {"username": name, "password": hearth.PASSWORD})
    if answer.status == 401:
        user = world.server.register(name, exact=True)
        assert user.user_id == f"@{name.lower()}:{hearth.NAME}"
        assert world.server.login(name).user_id == user.user_id
    else:
        is_error(answer, 400, "M_INVALID_USERNAME")


def test_a_taken_username(world):
    name = world.alice.user_id[1:].split(":")[0]
    is_error(world.server.call("POST", f"{hearth.CLIENT}/register", {"username": name, "password": hearth.PASSWORD}), 400,
             "M_USER_IN_USE")
    is_error(world.server.call("GET", f"{hearth.CLIENT}/register/available?username={name}"), 400, "M_USER_IN_USE")


@pytest.mark.parametrize("password", ["", "short", "x" * 2000])
def test_weak_passwords(world, password):
    answer = world.server.call("POST", f"{hearth.CLIENT}/register",
                               {"username": hearth.unique("weak"), "password": password})
    assert answer.status == 400 and answer.errcode in ("M_WEAK_PASSWORD", "M_INVALID_PARAM"), answer


LOGINS = {
    "unknown type": ({"type": "m.login.unknown"}, 400, "M_UNKNOWN"),
    "unknown identifier": ({"identifier": {"type": "m.id.unknown"}}, 400, None),
    "identifier without type": ({"identifier": {"user": "x"}}, 400, None),
    "identifier without user": ({"identifier": {"type": "m.id.user"}}, 400, None),
    "user as number": ({"identifier": {"type": "m.id.user", "user": 1}}, 400, "M_BAD_JSON"),
    "unknown user": ({"identifier": {"type": "m.id.user", "user": "nobody"}}, 403, "M_FORBIDDEN"),
    "user of another server": ({"identifier": {"type": "m.id.user", "user": "@x:elsewhere.example"}}, 403, "M_FORBIDDEN"),
    "device that is too long": ({"device_id": "x" * 300}, 400, None),
}


@pytest.mark.parametrize("case", LOGINS)
def test_logins(world, case):
    change, status, errcode = LOGINS[case]
    answer = world.server.call("POST", f"{hearth.CLIENT}/login", {**BODIES["POST /_matrix/client/v3/login"], **change})
    assert answer.status == status and (errcode is None and answer.errcode or answer.errcode == errcode), answer


AUTHS = [{}, {"type": "m.login.unknown"}, {"type": "m.login.registration_token"}, {"session": "x"},
         {"type": "m.login.registration_token", "token": 1}, {"type": 1}, {"session": 1},
         {"type": "m.login.registration_token", "token": "x", "session": "nonsense"},
         {"type": "m.login.registration_token", "token": "x" * 5000}, {"type": "m.login.dummy"}]


@pytest.mark.parametrize("auth", AUTHS, ids=lambda a: json.dumps(a)[:60])
def test_authentication_that_is_none(world, auth):
    answer = world.server.call("POST", f"{hearth.CLIENT}/register",
                               {"username": hearth.unique("uia"), "password": hearth.PASSWORD, "auth": auth})
    assert answer.status in (400, 401, 403), answer
    assert "access_token" not in answer.json
    assert answer.errcode or answer.json["flows"], answer


def test_guessing_is_slowed_down(own_server):
    """After a number of wrong passwords the answer is 429, with the time to wait at both places."""
    with own_server as server:
        alice = server.register("alice")
        body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": alice.user_id}, "password": "wrong one"}
        for _ in range(100):
            answer = server.call("POST", f"{hearth.CLIENT}/login", body)
            if answer.status != 403:
                break
        is_error(answer, 429, "M_LIMIT_EXCEEDED")
        assert int(answer.headers["Retry-After"]) >= 1 and answer.json["retry_after_ms"] > 0
        alice.get("/account/whoami")


def test_profile_limits(world):
    alice = world.alice

    def put(key, value, field=None):
        return alice.call("PUT", "/profile/{}/{}", alice.user_id, key, body={field or key: value})

    is_error(put("x" * 256, 1), 400, "M_KEY_TOO_LARGE")
    is_error(put("org.example.large", "x" * 66000), 400, "M_PROFILE_TOO_LARGE")
    is_error(put("org.example.a", 1, "org.example.b"), 400, "M_MISSING_PARAM")
    assert put("displayname", 1).status == 400
    assert put("avatar_url", {}).status == 400
    assert put("org.example.nested", {"deep": [1, 2, {"x": None}]}).status == 200
    assert alice.get("/profile/{}/org.example.nested", alice.user_id) == {"org.example.nested": {"deep": [1, 2, {"x": None}]}}
    assert alice.delete("/profile/{}/org.example.nested", alice.user_id) == {}
    is_error(alice.call("GET", "/profile/{}/org.example.nested", alice.user_id), 404, "M_NOT_FOUND")


def test_nothing_takes_long(world):
    """Large, but allowed: many keys, long arrays, many escapes."""
    for body in (b'{"x":[' + b"1," * 50000 + b"1]}", b'{"x":"' + b"\\u0041" * 20000 + b'"}',
                 b"{" + b",".join(b'"%d":1' % i for i in range(20000)) + b"}", b'{"x":' + b" " * 200000 + b"1}"):
        began = time.monotonic()
        answer = world.alice.call("PUT", "/user/{}/account_data/org.example.large", world.alice.user_id, body=body)
        assert answer.status in (200, 400, 413), answer
        assert time.monotonic() - began < hearth.seconds(3)


@pytest.mark.parametrize("path, names", [
    ("/rooms/{room}/members", ["membership", "not_membership"]),
    ("/rooms/{room}/state/m.room.create", ["format"]),
    ("/rooms/{room}/messages", ["dir"]),
    ("/sync", ["set_presence"]),
])
def test_one_of_a_few_words(world, path, names):
    """Neither another word nor none is taken for what is meant if the parameter is left out."""
    for name in names:
        for word in ("nonsense", ""):
            answer = world.alice.call("GET", path.format(room=world.room), query={name: word})
            is_error(answer, 400, "M_INVALID_PARAM")
    for kind in ("nonsense", ""):
        answer = world.server.call("POST", f"{hearth.CLIENT}/register?kind={kind}", {})
        is_error(answer, 400, "M_INVALID_PARAM")


@pytest.mark.parametrize("field, errcode", [("room_version", "M_UNSUPPORTED_ROOM_VERSION"),
                                            ("preset", "M_INVALID_PARAM"), ("visibility", "M_INVALID_PARAM")])
def test_a_room_of_no_kind(world, field, errcode):
    for word in ("nonsense", ""):
        is_error(world.alice.call("POST", "/createRoom", body={field: word}), 400, errcode)
