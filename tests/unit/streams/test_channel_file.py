"""The channels file, read from real files; the environment is given."""

from pathlib import Path

import pytest

from streams.channel_file import ChannelFileError, channels_in

GOOD = """
[[channels]]
tenant = "acme"
id = "wa-1"
platform = "whatsapp"
name = "Front desk"
account = "portfolio-9"
own_ids = ["+12025550100"]
secrets = ["env:WA_SECRET", "the-old-one"]
verify_token = "env:WA_VERIFY"
"""
ENVIRONMENT = {"WA_SECRET": "s3cret", "WA_VERIFY": "agreed"}


def written(tmp_path: Path, text: str) -> Path:
    """Return a file that holds the text."""
    path = tmp_path / "channels.toml"
    path.write_text(text)
    return path


def test_a_channel_has_what_the_file_says_and_secrets_come_from_the_environment(
    tmp_path: Path,
) -> None:
    channel = channels_in(written(tmp_path, GOOD), ENVIRONMENT)["acme", "wa-1"]
    assert (channel.platform, channel.name, channel.account) == (
        "whatsapp",
        "Front desk",
        "portfolio-9",
    )
    assert channel.own_ids == {"+12025550100"}
    assert [s.get_secret_value() for s in channel.secrets] == ["s3cret", "the-old-one"]


def test_without_a_file_there_are_no_channels() -> None:
    assert channels_in(None) == {}


def test_no_secret_shows_in_what_is_printed_of_a_channel(tmp_path: Path) -> None:
    channel = channels_in(written(tmp_path, GOOD), ENVIRONMENT)["acme", "wa-1"]
    shown = f"{channel!r} {channel}"
    assert not any(secret in shown for secret in ("s3cret", "the-old-one", "agreed"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[channels", "not TOML"),
        ("channel = 1", "[[channels]]"),
        ("channels = 1", "[[channels]]"),
        (GOOD.replace("whatsapp", "fax"), "known are whatsapp"),
        (GOOD.replace('id = "wa-1"', 'id = "wa 1"'), "id"),
        (GOOD.replace('"acme"', '"a b"'), "letters, digits"),
        (GOOD.replace("account", "acount"), "acount"),
        (GOOD + GOOD, "channel 2: acme/wa-1 is there twice"),
        (GOOD.replace("WA_SECRET", "UNSET_SECRET"), "set UNSET_SECRET in the environment"),
        (GOOD.replace('["env:WA_SECRET", "the-old-one"]', '"the-old-one"'), "secrets"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_what_to_do_and_quotes_no_secret(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ChannelFileError) as raised:
        channels_in(written(tmp_path, text), ENVIRONMENT)
    assert said in str(raised.value)
    assert "the-old-one" not in str(raised.value)
    assert raised.value.__cause__ is None or "TOML" in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ChannelFileError, match="cannot be read"):
        channels_in(tmp_path / "none.toml")
