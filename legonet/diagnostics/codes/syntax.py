"""Diagnostic codes of reading the text."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO101",
        "a spec cannot be read",
        """\
The file named on the command line or in an `import` does not exist or cannot be read. Nothing that
it declares is known, so names that it may have declared are not reported as unknown.

A relative path in an `import` is relative to the file that contains the `import`, not to the folder
in which `legonet` was started. Next to a file `common.lego`, this is wrong:

```lego
import "comon.lego"
```

and this is right:

```lego
import "common.lego"
```

Correct the path or the file's permissions. A spec must be a plain file: folders, devices and pipes
are not read.
""",
    ),
    Code(
        "LEGO102",
        "a spec is not UTF-8 text",
        """\
A spec is UTF-8 text. The file contains a byte that does not begin a UTF-8 character: it was saved
in another encoding, such as Latin-1, or it is not text at all. Guessing the encoding could silently
change names and paths.

Save the file as UTF-8; most editors offer this under "save as". Or convert it with `iconv`:

```sh
iconv -f LATIN1 -t UTF-8 OLD.lego > NEW.lego
```
""",
    ),
    Code(
        "LEGO103",
        "a file is too large for a spec",
        """\
The file is larger than 8 MiB. It is hardly meant to be a spec: more often, the path leads to an
archive, a picture or a weight file.

Check the path. A spec that really is this long repeats itself; a loop says the same thing once:

```lego
for animal in [cat, cow, horse, sheep] {
  data ${animal}_pictures { source: manifest("data/${animal}") }
}
```
""",
    ),
    Code(
        "LEGO104",
        "unexpected text",
        """\
At this place the language expects something other than what is written. The message names both. A
mistake affects only its own line or block, and reading continues after it.

Wrong, since a field's value comes after a colon:

```lego
data pictures {
  source = digits()
}
```

Right:

```lego
data pictures {
  source: digits()
}
```

A statement ends at the end of its line, except inside brackets and braces. Fields are separated by
line ends or commas. A comment begins with `#`, a string is enclosed in `"` quotes, and a value that
is neither a number nor a string is a name, a list `[..]` or a call `name(..)`.

| written | instead of |
| --- | --- |
| `adapter dog -> classify` | `=>`, `-->`, `to` |
| `small_vgg(classes: 1)` | `classes=1` |
| `${animal}_net` | `$animal_net`, `{animal}_net`, `${ animal }_net` |
| `0.5`, `1000`, `1e-3` | `.5`, `1_000`, `1e` |
| `dog_net` | `dog-net`, `dog net` |
| `"features.4"` | `features.4` |

Blocks cannot be nested, except in loops and for `train { .. }` inside a `network`. If a `}` is
missing, or there is one too many, the indentation determines which one the message shows.
""",
    ),
    Code(
        "LEGO105",
        "a string is not closed",
        """\
A string begins and ends with `"` on one line. Here the line ends first.

Wrong:

```lego
let root = "../data
```

Right:

```lego
let root = "../data"
```

Inside a string, `\\"` is a quote, `\\\\` a backslash, `\\n` a new line, `\\t` a tab, and `\\$` a
dollar sign that does not begin a `${name}`. A path that ends in a single backslash does not close
its string: write paths with `/`.
""",
    ),
    Code(
        "LEGO106",
        "brackets are nested too deep",
        """\
Brackets, braces and parentheses may be nested 64 deep; a list made of constants counts by what it
contains. No spec needs more than a few levels, and the limit prevents a damaged or malicious file
from exhausting the machine.

Look for missing closing brackets further up. Reading stops here, so there may be other mistakes
after this place.
""",
    ),
    Code(
        "LEGO107",
        "a name or number is too long",
        """\
A number may have 64 characters and a name 256. No spec needs more, and the limits prevent a damaged
or malicious file from exhausting the machine.

Wrong:

```lego
let steps = 10000000000000000000000000000000000000000000000000000000000000000000
```

Right:

```lego
let steps = 150
```

Write very large and very small numbers with an exponent, such as `1e-3`. Anything that is neither a
name nor a number, such as a hash, is a string: put it in quotes.
""",
    ),
    Code(
        "LEGO108",
        "a block is not closed",
        """\
A block begins with `{`, but its `}` is missing: the next statement begins, or the file ends, while
the block is still open. The message shows the brace that is not closed.

Wrong:

```lego
data pictures {
  source: digits()

let cut = "features.4"
```

Right:

```lego
data pictures {
  source: digits()
}

let cut = "features.4"
```

The indentation determines which block is shown: the one whose contents end, judging by their
indentation, without a `}`. If the lines are not indented, look further down for a missing brace as
well, such as that of `train` inside a `network`.
""",
    ),
    Code(
        "LEGO109",
        "too many mistakes to continue reading",
        """\
A text with more than 200 syntax errors is hardly a spec; the path may lead to a different kind of
file. The rest of the text is not read, and names that it may declare are not reported as unknown.

Check the path. If the file is a spec after all, fix the first few mistakes and check it again: many
of the others may have the same cause.
""",
    ),
    Code(
        "LEGO110",
        "an invalid escape or constant in a string",
        """\
A backslash in a string begins an escape: `\\"`, `\\\\`, `\\n`, `\\t` or `\\$`. A dollar sign and a
brace begin a constant: `${root}`. Here they are followed by something else, and treating that as
plain text would hide a misspelling.

Wrong:

```lego
let root = "../data"
data pictures { source: manifest("${root/crops") }
```

Right:

```lego
let root = "../data"
data pictures { source: manifest("${root}/crops") }
```

Write paths with `/` on every system, and a dollar sign that does not begin a constant as `\\$`.
""",
    ),
)
