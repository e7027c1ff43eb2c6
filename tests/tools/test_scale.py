"""The page about scale has what the simulation comes to, and levelling is worth its moves."""

import pytest
from tools.scale import PAGE, QUARTERS, Figures, day, intensity, page, tables


def test_the_page_is_fresh() -> None:
    """The tables of the page are those that the figures give."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, Figures()) == text
    assert tables(Figures()) in text


def test_a_day_s_intensity_is_one_on_the_mean() -> None:
    """The opening and the close are busier than noon, and the day as a whole is what it is."""
    shape = [intensity(quarter) for quarter in range(QUARTERS)]
    assert sum(shape) / QUARTERS == pytest.approx(1.0)
    assert shape[0] > 2 * shape[QUARTERS // 2] < shape[-1]


@pytest.mark.parametrize("engines", [8, 16])
@pytest.mark.parametrize("seed", [1, 3])
def test_levelling_helps_under_skewed_load(engines: int, seed: int) -> None:
    """On other days than the page's as well, the busiest engine is nearer to the mean where shards are moved."""
    still = day(engines, moving=False, figures=Figures(), seed=seed)
    moved = day(engines, moving=True, figures=Figures(), seed=seed)
    assert moved.mean < still.mean
    assert 0 < moved.moves <= 4 * QUARTERS
    assert day(engines, moving=True, figures=Figures(), seed=seed) == moved
