"""Every block of code in the documents is run or parsed, or says why not; each page in one shell and one namespace."""

from collections import Counter
from pathlib import Path

import pytest
from tests.docs.blocks import PARSED, RUN, SHOWN, Block, blocks, pages, read_blocks
from tests.docs.reader import Reader, Untrue

EXCUSES = {
    "CI": ("a verb of the Makefile that CI itself is made of", 3),
    "cluster": ("wants databases on several machines; tests of their own do the same with three on this one", 2),
    "foreground": ("a server that stays in the foreground", 1),
    "installs": ("fetches packages from an index, and tests never leave the machine", 2),
    "long": ("takes minutes", 1),
    "reader's": ("a value that only the reader has", 1),
    "rendered": ("what a run has printed; test_first_ten_minutes.py runs it again and compares", 8),
    "root": ("changes the machine", 1),
}
"""Why a block may go unrun, in a word and a sentence, and how many may say so."""

BLOCKS = [block for page in pages() for block in blocks(page)]
LIVE = sorted({block.page for block in BLOCKS if not block.excuse and block.language in RUN | PARSED})


def test_every_block_says_what_it_is() -> None:
    """Each block has a language of the lists, so that none slips through as something unheard of."""
    known = RUN | PARSED | SHOWN
    strange = [block for block in BLOCKS if block.language not in known and not block.language.startswith("{")]
    assert [(block.place, block.language) for block in strange] == []


def test_what_is_not_run_says_why() -> None:
    """A block that is not run gives a reason of the list, and no reason is given more often than it may be."""
    given = Counter(block.excuse for block in BLOCKS if block.excuse)
    unheard = [(block.place, block.excuse) for block in BLOCKS if block.excuse and block.excuse not in EXCUSES]
    assert unheard == []
    assert {reason: count for reason, count in given.items() if count > EXCUSES[reason][1]} == {}
    assert {block.language for block in BLOCKS if block.excuse} <= RUN
    assert [block.place for block in BLOCKS if block.language in RUN and "not run" in block.text] == []


def test_nearly_everything_runs() -> None:
    """At most one block in six of those that could be run is not."""
    could = [block for block in BLOCKS if block.language in RUN and block.excuse != "rendered"]
    assert sum(bool(block.excuse) for block in could) * 6 <= len(could)


@pytest.mark.slow
@pytest.mark.parametrize("page", LIVE)
def test_a_page_is_true(page: str, tmp_path: Path) -> None:
    """All that a page tells its reader to type works, in the order of the page, and prints what it shows."""
    with Reader(tmp_path) as reader:
        reader.read(blocks(page))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "true\nfalse\ntrue\n"),
        ("sh", "exit 0\n"),
        ("sh", 'echo \'{"status":"error"}\'\n'),
        ("sh", "no-such-command\n"),
        ("console", "$ echo one\ntwo\n"),
        ("console", "$ true\nsomething\n"),
        ("console", "$ echo more than is shown\n"),
        ("python", "1 / 0\n"),
        ("python", ">>> 1\n2\n"),
        ("python", "def test_it():\n    raise AssertionError\n"),
        ("json", '{"a": }\n'),
        ("yaml", "a: [\n"),
        ("toml", "a = \n"),
        ("ini", "no section\n"),
    ],
)
def test_an_untrue_block_is_found(language: str, text: str, tmp_path: Path) -> None:
    """A block that fails, prints something else, or cannot be parsed is not taken for a true one."""
    with Reader(tmp_path) as reader, pytest.raises(Untrue, match=r"x\.md"):
        reader.read([Block("x.md", 1, language, text)])


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "A=1\ncd /\n"),
        ("console", "$ echo one; echo two\none\n...\n$ echo $((1 + \\\n> 1))\n2\n$ false\n"),
        ("python", "A = 1\n"),
        ("python", "def test_it():\n    assert True\n"),
    ],
)
def test_a_true_block_is_believed(language: str, text: str, tmp_path: Path) -> None:
    """A block that does what it says is true; `...` stands for anything, and a console may show what fails."""
    with Reader(tmp_path) as reader:
        reader.read([Block("x.md", 1, language, text)])


def test_blocks_of_a_page_share_one_shell(tmp_path: Path) -> None:
    """A variable and a folder of one block are there in the next, in the console too."""
    with Reader(tmp_path) as reader:
        reader.read(
            [Block("x.md", 1, "sh", "mkdir a\ncd a\nA=1\n"), Block("x.md", 5, "console", "$ echo ${PWD##*/}$A\na1\n")]
        )


def test_a_comment_speaks_of_the_next_block() -> None:
    """What a comment says counts for the block that follows it at once, and for no other."""
    text = (
        "<!-- not run: long -->\n\n```sh\nsleep 9\n```\n\n```sh\ntrue\n```\n\n- in a list:\n\n  ```text\n  x\n  ```\n"
    )
    found = list(read_blocks("x.md", text))
    assert [(block.line, block.language, block.excuse) for block in found] == [
        (3, "sh", "long"),
        (7, "sh", ""),
        (13, "text", ""),
    ]
    with pytest.raises(ValueError, match=r"x\.md:3: a comment .* has no block after it"):
        list(read_blocks("x.md", "<!-- not run: long -->\n\nWords.\n\n```sh\ntrue\n```\n"))
