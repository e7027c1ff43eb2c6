"""What engines and gateways are told on the command line, and what they refuse to start with."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bracketd.cli.cluster_options import ShardList
from bracketd.cli.main import main


@pytest.mark.parametrize(
    ("text", "shards"), [("0", {0}), ("0-3,7", {0, 1, 2, 3, 7}), ("5, 5-6", {5, 6}), ("4095", {4095})]
)
def test_a_list_of_shards(text: str, shards: set[int]) -> None:
    """Numbers and ranges, with commas between."""
    assert ShardList().convert(text, None, None) == shards


@pytest.mark.parametrize("text", ["", ",", "-1", "3-", "4-3", "a", "0-4096", "1-2-3", "9" * 20, "1;2"])
def test_no_list_of_shards(text: str) -> None:
    """Everything else is a usage error that repeats what was said."""
    with pytest.raises(click.BadParameter):
        ShardList().convert(text, None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["engine", "--journal", "{store}", "--shards", "7"], "there is no shard 7: the map has 2, from 0 to 1"),
        (["engine", "--journal", "{store}", "--listen", "nowhere"], "is not an address and a port"),
        (["engine", "--journal", "postgresql://127.0.0.1:1/x"], "no primary answers at postgresql://127.0.0.1:1/x"),
        (["gateway", "--journal", "postgresql://127.0.0.1:1/x", "--port", "0"], "no primary answers"),
        (["gateway", "--journal", "{store}", "--host", "0.0.0.0", "--port", "0"], "would show passwords and tokens"),
    ],
)
def test_what_keeps_it_from_starting_is_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Exit code 1, and a sentence with its full stop."""
    given = [part.replace("{store}", str(tmp_path / "store")) for part in arguments]
    result = CliRunner().invoke(main, [*given, "--count", "2"])
    assert result.exit_code == 1, result.output
    assert said in result.output
    assert result.output.count("\n") == 1
