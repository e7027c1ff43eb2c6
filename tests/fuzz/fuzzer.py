"""A coverage-guided fuzzer on one target: `python -m tests.fuzz.fuzzer TARGET SECONDS [KEEP]`.

atheris is libFuzzer for Python: it changes the byte code of bracketd as it is imported, sees which branches an input
takes, and goes on from those that take new ones. It begins with the corpus; with KEEP the inputs that take new
branches are added to it. Ends with 0 when it has found no hole, and names the file of the input that is one.
"""

import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bracketd.wire", "bracketd.auth", "json", "jwt"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
INPUT_BYTES_MAX = 4_096
INPUT_WAIT_S = 20
MEMORY_MIB_MAX = 1_024


def main() -> None:
    """Fuzz; libFuzzer ends the process."""
    logging.disable(logging.CRITICAL)
    name, seconds = sys.argv[1], int(sys.argv[2])
    kept = CORPUS / name
    fresh = Path(tempfile.mkdtemp(prefix=f"bracketd-fuzz-{name}-"))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-timeout={INPUT_WAIT_S}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}",
        f"-artifact_prefix={fresh}/hole-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    folders = [str(kept)] if sys.argv[3:] == ["KEEP"] else [str(fresh), str(kept)]
    atheris.Setup([sys.argv[0], *options, *folders], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
