"""What `bracketd engine` and `bracketd gateway` are told on the command line beside what `serve` is."""

import click

from bracketd.domain.slot import SHARDS_MAX


class ShardList(click.ParamType[frozenset[int]]):
    """Shards as numbers and ranges with commas between: `0-3,7`."""

    name = "shards"

    def convert(
        self, value: str | frozenset[int], param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[int]:
        """The set that a text means."""
        if isinstance(value, frozenset):
            return value
        found: set[int] = set()
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not (first.isdigit() and (last.isdigit() or not dash)) or len(part) > 12:
                self.fail(f"{value!r} is no list of shards, such as 0-3,7", param, ctx)
            low, high = int(first), int(last or first)
            if not low <= high < SHARDS_MAX:
                self.fail(f"{part.strip()!r} is no range of shards below {SHARDS_MAX}", param, ctx)
            found.update(range(low, high + 1))
        return frozenset(found)
