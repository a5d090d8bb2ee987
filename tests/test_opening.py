"""Where a database lies is said in one way everywhere: a folder, a file, a URI."""

from __future__ import annotations

from pathlib import Path

import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.opening import open_where
from atomsieve.structures.errors import InputError


def test_a_folder_a_file_and_a_server(tmp_path: Path, mongo: tuple[str, str]) -> None:
    file = tmp_path / "atomsieve.sqlite"
    with Database.embedded(file) as database:
        database.save_campaign("mine", {}, 1)
    for where in (tmp_path, str(tmp_path), file):
        with open_where(where) as database:
            assert database.campaign_names() == ["mine"]
    uri, name = mongo
    with open_where(uri, read_only=False, database=name) as database:
        database.save_campaign("theirs", {}, 1)
    with open_where(uri.replace("/?", f"/{name}?")) as database:
        # campaigns of other tests may lie there too
        assert "theirs" in database.campaign_names()
        assert database.title == f"MongoDB database {name!r}"
    assert open_where(uri).title == "MongoDB database 'atomsieve'"


def test_what_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no database .*nowhere/atomsieve.sqlite"):
        open_where(tmp_path / "nowhere")
    with pytest.raises(InputError, match="there is no database"):
        open_where(tmp_path)
    assert not list(tmp_path.iterdir())
    with open_where(tmp_path / "new", read_only=False) as database:
        assert database.path == tmp_path / "new" / "atomsieve.sqlite"


def test_no_password_is_repeated() -> None:
    with pytest.raises(InputError) as caught:
        open_where("postgres://me:secret@host/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError) as error, open_where("mongodb://me:sec@ret@[host/db"):
        pass
    assert "sec" not in str(error.value).replace("percent-escaped", "")
