"""The turnstile: check 0 of bracket.md section 5, the rate of the client that a request's token stands for.

It is the first check of all, and needs the client. So the token is looked at in the headers alone, before a byte of
the body is read, and a good one pays; then everything else is checked in its order, the token once more where a body
was waited for, since a token may end meanwhile. A token that is not good pays from nobody's bucket: nobody can use up
another client's rate, and check 1 refuses it.
"""

import logging

from bracketd.auth.gate import Gate
from bracketd.auth.refusal import Unauthorised
from bracketd.auth.token import Claims
from bracketd.domain.ist import NS_PER_SECOND
from bracketd.runtime.desk import Desk
from bracketd.runtime.rates import Act, Rates
from bracketd.wire import replies
from bracketd.wire.head import Head
from bracketd.wire.replies import EarlyReply

_log = logging.getLogger(__name__)


class Turnstile:
    """Turns for each order and cancel of a client, as often as its rate allows."""

    def __init__(self, desk: Desk, gate: Gate, rates: Rates) -> None:
        self._desk = desk
        self._gate = gate
        self._limited = rates.limited
        self._take = {act: rates.taker(act) for act in Act}

    def turn(self, head: Head, act: Act) -> Claims | None:
        """Count a request with that head. Raises EarlyReply (429) where it is one too many.

        Whose token it was: for whoever looks at the rest in the same breath, since a good token need not be looked at
        twice at one moment. None where nobody's, or where nothing is counted.
        """
        if not self._limited:
            return None
        now_ns = self._desk.now_ns()
        try:
            claims = self._gate.admit(head.presented(), now_ns)
        except Unauthorised:
            return None
        client_id = claims.client_id
        wait_ns = self._take[act](client_id, now_ns)
        if wait_ns:
            _log.debug("%s of %s refused: too many in a second", act.value, client_id)
            raise EarlyReply(replies.too_many(-(-wait_ns // NS_PER_SECOND)))
        return claims
