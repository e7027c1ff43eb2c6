"""bracketd with everything in its log that can be in it: debug level, as an operator sets it who looks for a fault."""

import logging
import sys

from bracketd.cli.main import main

if __name__ == "__main__":
    # Whoever configures the log first has the last word: bracketd's own configuration finds it done.
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("bracketd").debug("loud")
    main()
