"""Rates: how many orders and cancels a second one client may send (bracket.md section 5, check 0).

A token bucket for each client and kind: as many at once as a second allows, then one for each interval. A cancel
lowers the risk, so cancels have a bucket of their own and a client that may not place any more can still get out.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from bracketd.domain.ist import NS_PER_SECOND

ORDERS_PER_S: Final = 10
"""Placements and modifications of one client in a second, unless said otherwise."""

CANCELS_PER_S: Final = 50
"""Cancels of one client in a second, unless said otherwise; a kill switch is one."""


class Act(StrEnum):
    """What a request would do, as far as rates are concerned."""

    ORDER = "order"
    CANCEL = "cancel"


class Rates:
    """The buckets of all clients. Time is told in unix nanoseconds, by the one clock of the desk.

    `limited` is whether anything is limited at all.
    Only those buckets are kept that are not full: at most one for each client and kind that asked within a second,
    and clients are those whose token was good, so that nobody can make them many.
    """

    def __init__(self, orders_per_s: int = ORDERS_PER_S, cancels_per_s: int = CANCELS_PER_S) -> None:
        """Let so many in each second, 0 for any number. Raises ValueError for a negative rate."""
        self._buckets = {Act.ORDER: _Buckets(orders_per_s), Act.CANCEL: _Buckets(cancels_per_s)}
        self.limited = bool(orders_per_s or cancels_per_s)

    def take(self, client_id: str, act: Act, now_ns: int) -> int:
        """Take one from the client's bucket: 0 where there was one, else the nanoseconds until there is.

        What is turned away takes nothing, so that who asks too often is still let in at his rate.
        """
        return self._buckets[act].take(client_id, now_ns)

    def taker(self, act: Act) -> Callable[[str, int], int]:
        """`take` for one kind: the nanoseconds for a client and the time."""
        return self._buckets[act].take

    @property
    def kept(self) -> int:
        """How many buckets are kept."""
        return sum(len(buckets.full_at_ns) for buckets in self._buckets.values())


class _Buckets:
    """The buckets of one kind: for each client the moment at which its bucket is full again, the one taken last last.

    That moment says all: the bucket lacks one for each interval that is left until then.
    """

    def __init__(self, per_s: int) -> None:
        if per_s < 0:
            raise ValueError("a rate must not be negative")
        # Rounded up: never more than `per_s` in a second.
        self.interval_ns = -(-NS_PER_SECOND // per_s) if per_s else 0
        self._lack_ns_max = (per_s - 1) * self.interval_ns
        self.full_at_ns: OrderedDict[str, int] = OrderedDict()

    def take(self, client_id: str, now_ns: int) -> int:
        if not self.interval_ns:
            return 0
        kept = self.full_at_ns
        full_at_ns = kept.get(client_id, 0)
        if full_at_ns < now_ns:
            full_at_ns = now_ns
        wait_ns = full_at_ns - now_ns - self._lack_ns_max
        if wait_ns > 0:
            return wait_ns
        kept[client_id] = full_at_ns + self.interval_ns
        kept.move_to_end(client_id)
        if kept[next(iter(kept))] <= now_ns:
            self._forget_full(now_ns)
        return 0

    def _forget_full(self, now_ns: int) -> None:
        """Forget who took last long enough ago: a bucket that is full is as good as none.

        The oldest are looked at, two at a time, so that no request pays for a crowd that has gone.
        """
        for _ in range(2):
            oldest = next(iter(self.full_at_ns))
            if self.full_at_ns[oldest] > now_ns:
                return
            del self.full_at_ns[oldest]
