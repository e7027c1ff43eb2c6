"""`bracketd sim`: what it prints and how it ends."""

import pytest
from click.testing import CliRunner
from tests.simulation.plants import reply_before_durable

from bracketd.cli.main import main


def test_seeds_without_a_lie_end_well() -> None:
    """Two seeds without a lie: the tally and the hash are printed, the same each time, and the exit code is 0."""
    runs = [CliRunner().invoke(main, ["sim", "--seeds", "2", "--seed", "3", "--minutes", "0.3"]) for _ in range(2)]
    assert [run.exit_code for run in runs] == [0, 0]
    first, second = ([line for line in run.output.splitlines() if "orders/s" not in line] for run in runs)
    assert first == second
    assert first[0] == "seeds 3 to 4, 0.3 simulated minutes each"
    assert first[-1].startswith("no lie found; the last run's hash is ")


def test_a_random_first_seed_is_printed() -> None:
    """Without a seed a random one is taken, and printed."""
    runs = [CliRunner().invoke(main, ["sim", "--seeds", "1", "--minutes", "0.02"]) for _ in range(2)]
    assert [run.exit_code for run in runs] == [0, 0]
    assert runs[0].output.splitlines()[0] != runs[1].output.splitlines()[0]


def test_a_lie_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lie is told with the command that repeats it, and the exit code is 1."""
    reply_before_durable(monkeypatch)
    run = CliRunner().invoke(main, ["sim", "--seeds", "5", "--seed", "0", "--minutes", "0.3"])
    assert run.exit_code == 1
    assert "bracketd sim --seeds 1 --seed " in run.output
    assert "answered before it is on disk" in run.output


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--minutes", "0"], ["--seed", "-1"]])
def test_nonsense_is_refused(arguments: list[str]) -> None:
    """A campaign of nothing is refused before anything runs."""
    assert CliRunner().invoke(main, ["sim", *arguments]).exit_code == 2
