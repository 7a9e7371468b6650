from __future__ import annotations

import pytest
from shown_output import fits

TABLE = "edge  seconds   error\na -> b    0.7   3.3 %\nbuilt 3 networks in 21.3 s\n"


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        ("a  b\n", "a b   \n\n"),
        (TABLE, TABLE.replace("0.7", "12.25").replace("21.3", "4.0")),
        (TABLE, TABLE.replace("3.3 %", "0.9 %")),
        ("[0/4] ...\n", "[0/4] 7.0 s started ancestor\n"),
        ("first\n...\nlast\n", "first\nlast\n"),
        ("first\n...\nlast\n", "first\none\n\ntwo\nlast\n"),
        ("sha256 ce27e774121d5d5d\n", "sha256 0123456789abcdef01\n"),
        ("build ~0.7 s ~805 MiB\n", "build ~2 min ~1.2 GiB\n"),
        ("built in 9.4 s\n", "built in 1 h 5 min\n"),
        ("2,138,446 bytes, off by 2e-06\n", "987,001 bytes, off by 1.5e-7\n"),
        ("what? (1+1) [x]\n", "what? (1+1) [x]\n"),
    ],
)
def test_what_differs_between_machines_may_differ(shown: str, output: str) -> None:
    assert fits(shown, output)


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        ("a b\n", "a\nb\n"),
        ("a b\n", "ab\n"),
        (TABLE, TABLE.replace("3.3 %", "50.0 %")),
        (TABLE.replace("3.3 %", "3.3 ± 4.0 %"), TABLE.replace("3.3 %", "50.0 ± 4.0 %")),
        (TABLE, TABLE.replace("3 networks", "4 networks")),
        (TABLE, TABLE + "one line more\n"),
        ("built in 9.4 s\n", "built in 9 steps\n"),
        ("3 edges\n", "4 edges\n"),
        ("one\n", "one\ntwo\n"),
        ("first ...\nlast\n", "first\nmiddle\nlast\n"),
        ("a.c\n", "abc\n"),
        ("built\n", ""),
    ],
)
def test_all_else_must_be_the_same(shown: str, output: str) -> None:
    assert not fits(shown, output)
