"""The keys file: real files, real processes that change it at once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.access.key_file import KeyFile, KeyFileError
from tests.keys import make_key


def test_the_file_is_its_owners_alone_and_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    token = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token.rpartition("_")[2] not in path.read_text()
    assert [file.name for file in path.parent.iterdir() if file.suffix != ".lock"] == ["keys.json"]


def test_a_change_is_seen_by_who_has_read_already(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    file = KeyFile(path)
    assert file.keys() == {}
    make_key(path)
    assert len(file.keys()) == 1
    assert file.keys() is file.keys()  # read once
    path.unlink()
    assert file.keys() == {}


def test_commands_at_once_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    commands = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "api.command_line", "keys", "create"),
                *("--tenant", "acme", "--name", f"key {number}"),
            ],
            env={**os.environ, "OMNICHANNEL_KEYS_FILE": str(path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    tokens = [command.communicate(timeout=120)[0].strip() for command in commands]
    assert all(command.returncode == 0 for command in commands)
    keys = KeyFile(path).keys()
    assert {token.split("_")[1] for token in tokens} == set(keys)
    assert {key.name for key in keys.values()} == {f"key {number}" for number in range(6)}


def test_a_change_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    make_key(path)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        KeyFile(path).change(lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert path.read_bytes() == before
    make_key(path)  # the lock is free again


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"keys": [{"id": "x"}]}', b"\xff"])
def test_a_file_that_is_none_lets_nobody_in_and_says_what_to_do(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="restore it, or move it away"):
        KeyFile(path).keys()


def test_list_and_revoke_show_what_became_of_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from api.command_line.main import app  # noqa: PLC0415 - the command line, as it is called

    def run(*words: str) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as ended:
            app.meta(["keys", *words])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    monkeypatch.setenv("OMNICHANNEL_KEYS_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("COLUMNS", "160")
    status, token, said = run("create", "--tenant", "acme", "--role", "admin", "--name", "[b]Ann")
    assert status == 0
    assert token.startswith("omni_")
    key_id = token.split("_")[1]
    assert key_id in said
    _, shown, _ = run("list", "--tenant", "acme")
    assert "[b]Ann" in shown
    assert "valid" in shown
    assert token.strip() not in shown
    assert run("revoke", key_id)[0] == 0
    assert "revoked" in run("list")[1]
    assert "[b]Ann" not in run("list", "--tenant", "umbrella")[1]
    status, _, said = run("revoke", "nobody")
    assert (status, said) == (
        1,
        "omnichannel: there is no key nobody: `omnichannel keys list` has their ids\n",
    )
