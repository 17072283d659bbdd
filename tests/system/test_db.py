"""What is done to whole databases: copying leaves the source alone, and nothing is made beside what is no database."""

import sqlite3
import subprocess

import pytest

import hearth

pytestmark = pytest.mark.sqlite


def refused(server, *arguments, code=1):
    done = server.command("db", *arguments)
    assert done.returncode == code, done
    assert not any(word in done.stderr for word in ("PRAGMA", "SELECT", " in: ")), done.stderr
    return done.stderr


@pytest.fixture
def stopped(own_server):
    """A server that has a user, and does not run."""
    with own_server:
        own_server.register("alice", exact=True)
    return own_server


def all_of(path):
    with sqlite3.connect(path) as db:
        return "\n".join(db.iterdump())


def test_copy_does_not_change_its_source(stopped, tmp_path):
    file, copy = stopped.data / "hearth.db", tmp_path / "copy.db"
    before = file.read_bytes()
    assert stopped.command("db", "copy", file, copy).returncode == 0
    assert file.read_bytes() == before

    # A database of before: without the newest schema change.
    with sqlite3.connect(file) as db:
        db.execute("DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)")
    older = all_of(file)
    assert "older than this program" in refused(stopped, "copy", file, tmp_path / "other.db")
    assert all_of(file) == older

    # In another mode, as "VACUUM INTO" may leave it: the mode stays too.
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    before = copy.read_bytes()
    assert stopped.command("db", "copy", copy, tmp_path / "third.db").returncode == 0
    assert copy.read_bytes() == before

    (tmp_path / "empty.db").touch()
    assert "it is empty" in refused(stopped, "copy", tmp_path / "empty.db", tmp_path / "fourth.db")
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_links_do_not_pass_the_lock(own_server, tmp_path):
    link, folder = tmp_path / "link.db", tmp_path / "folder"
    with hearth.Server(tmp_path / "other") as other:
        other.register("bob")
    good = other.data / "hearth.db"
    with own_server:
        link.symlink_to(own_server.data / "hearth.db")
        folder.symlink_to(own_server.data)
        for path in (link, folder / "hearth.db"):
            assert "has it open" in refused(own_server, "copy", path, tmp_path / "copy.db")
            assert "has it open" in refused(own_server, "copy", good, path)
    assert not (tmp_path / "link.db.lock").exists()
    assert "are the same" in refused(own_server, "copy", link, folder / "hearth.db", code=2)


def test_nothing_is_left_beside_what_is_no_database(stopped, tmp_path):
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "text").write_text("a letter\n" * 100)
    (strange / "short").write_text("x")
    (strange / "folder").mkdir()
    with sqlite3.connect(strange / "foreign.db") as db:
        db.execute("CREATE TABLE t (a)")
    subprocess.run(["mkfifo", strange / "pipe"], check=True)
    before = sorted(p.name for p in strange.iterdir())
    good = stopped.data / "hearth.db"
    for name, why in {"text": "not a database", "short": "not a database", "folder": "is a folder", "none.db": "there is none",
                      "foreign.db": "not a database of Hearth", "pipe": "is no file"}.items():
        assert why in refused(stopped, "copy", strange / name, tmp_path / "out.db")
        if name != "none.db":
            assert why in refused(stopped, "copy", good, strange / name)
    assert "folder is not there" in refused(stopped, "copy", good, strange / "nowhere" / "db")
    assert sorted(p.name for p in strange.iterdir()) == before
    assert not (tmp_path / "out.db").exists()


@pytest.mark.parametrize("table", ["migrations", "meta", "users"])
def test_damage_is_told_without_statements(stopped, tmp_path, table):
    file = stopped.data / "hearth.db"
    with sqlite3.connect(file) as db:
        page, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        size, = db.execute("PRAGMA page_size").fetchone()
    data = bytearray(file.read_bytes())
    data[(page - 1) * size:page * size] = b"\xff" * size
    file.write_bytes(data)
    done = stopped.command("db", "copy", file, tmp_path / "out.db")
    said = [line for line in done.stderr.splitlines() if line.startswith("hearth: ")]     # the rest is the log
    assert done.returncode == 1 and len(said) == 1 and " in: " not in said[0] and "SELECT" not in said[0], done


OTHER_KEY = "ed25519 other AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"


def meta(server, like):
    with sqlite3.connect(server.data / "hearth.db") as db:
        return dict(db.execute("SELECT name, value FROM meta WHERE name LIKE ? ORDER BY name", (like,)))


def serve_refused(server, code):
    done = server.command("serve")
    assert done.returncode == code, done
    return done.stderr


def test_a_key_is_changed_on_purpose_only(stopped, tmp_path):
    key = stopped.data / "signing.key"
    own, public = key.read_text(), meta(stopped, "signing_key")["signing_key"]
    assert public.startswith("ed25519:" + own.split()[1] + " ") and own.split()[2] not in public
    key.write_text(OTHER_KEY)
    for _ in range(2):
        said = serve_refused(stopped, 78)
        assert public.split()[0] in said and "ed25519:other" in said and "hearth key accept" in said
    assert "hearth key accept" in stopped.command("user", "list").stderr
    # The same id, and another key.
    key.write_text(f"ed25519 {own.split()[1]} {OTHER_KEY.split()[2]}\n")
    assert "another key with the id" in serve_refused(stopped, 78)

    key.write_text(OTHER_KEY)
    done = stopped.command("--json", "key", "accept")
    assert done.returncode == 0 and '"ed25519:other"' in done.stdout and public.split()[0] in done.stdout, done
    with stopped:
        stopped.login("alice")
        assert "has it open" in stopped.command("key", "accept").stderr
    assert meta(stopped, "signing_key")["signing_key"].startswith("ed25519:other ")
    (name, expired), = meta(stopped, "old_signing_key%").items()
    assert name == "old_signing_key " + public and int(expired) > 1_600_000_000_000

    # And back: of the two one is the old one.
    key.write_text(own)
    assert "hearth key accept" in serve_refused(stopped, 78)
    assert "and no more with ed25519:other" in stopped.command("key", "accept").stdout
    assert [n.split()[1] for n in meta(stopped, "old_signing_key%")] == ["ed25519:other"]
    assert stopped.command("key", "accept").returncode == 0
    with stopped:
        stopped.login("alice")


def test_a_copy_without_its_key(stopped, tmp_path):
    other = hearth.Server(tmp_path / "elsewhere")
    other.data.mkdir(parents=True)
    assert stopped.command("db", "copy", stopped.data / "hearth.db", other.data / "hearth.db").returncode == 0
    assert "signing.key is missing" in serve_refused(other, 1)
    (other.data / "signing.key").write_text(OTHER_KEY)
    assert "hearth key accept" in serve_refused(other, 78)
    (other.data / "signing.key").write_text((stopped.data / "signing.key").read_text())
    with other:
        other.login("alice")


def test_a_database_of_before_knows_no_key(stopped):
    """It takes the one that is there."""
    known = meta(stopped, "signing_key")
    with sqlite3.connect(stopped.data / "hearth.db") as db:
        db.execute("DELETE FROM meta WHERE name = 'signing_key'")
    with stopped:
        pass
    assert meta(stopped, "signing_key") == known


def test_arguments_that_cannot_be(stopped, tmp_path):
    good = stopped.data / "hearth.db"
    for url in ("mysql://localhost/db", "postgresql://a:p@h:99999/db", "postgresql://a:p@h:0/db",
                "postgresql://a:p@h:1,h2:70000/db"):
        assert "is no URL" in refused(stopped, "copy", good, url, code=2)
        assert "is no URL" in refused(stopped, "copy", url, tmp_path / "out.db", code=2)
        stopped.write_config(database=url)
        assert stopped.command("check-config").returncode != 0
        stopped.write_config()
    stopped.write_config(database="postgresql://a:p@h:5432,h2:5433/db")
    assert stopped.command("check-config").returncode == 0
