"""The routes that the server has, read from its own tables (src/api/*.c), so that no endpoint goes untested: a new row is
a new case of every test that is about all routes."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from hearth import ROOT

ROW = re.compile(r'\{HTTP_(\w+),\s*((?:"[^"]*"|[A-Z_]+|\s)+),\s*AUTH_(\w+),\s*BODY_(\w+)')
DEFINE = re.compile(r'^#define (\w+)\s+((?:"[^"]*"|[A-Z_]+| )+)$', re.M)


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    auth: str           # NONE, OPTIONAL, USER, GUEST
    body: str           # NONE, OBJECT, MAYBE

    @property
    def name(self):
        return f"{self.method} {self.pattern}"

    @property
    def parameters(self):
        return re.findall(r"\{(\w+)\}", self.pattern)

    @property
    def takes_body(self):
        return self.body != "NONE"

    @property
    def needs_token(self):
        return self.auth in ("USER", "GUEST")

    def path(self, values, raw=None):
        """The path with values escaped in place of the parameters; `raw` stands as it is."""
        raw = raw or {}
        return re.sub(r"\{(\w+)\}", lambda m: raw.get(m[1]) or quote(values[m[1]], safe=""), self.pattern)


def evaluate(expression, names):
    """A C expression of string literals and names, put together."""
    return "".join(part[1:-1] if part[0] == '"' else names[part]
                   for part in re.findall(r'"[^"]*"|[A-Z_]+', expression))


def read_routes():
    routes = []
    for file in sorted((ROOT / "src/api").glob("*.c")):
        text = file.read_text()
        names = {}
        for name, expression in DEFINE.findall(text):
            if '"' in expression:
                names[name] = evaluate(expression, names)
        for method, expression, auth, body in ROW.findall(text):
            if auth != "CONTROL":
                routes.append(Route(method, evaluate(expression, names), auth, body))
    return routes


ROUTES = read_routes()
