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
        own_server.register("alice")
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
