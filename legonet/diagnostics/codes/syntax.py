"""Diagnostic codes of reading the text."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO101",
        "a spec cannot be read",
        """\
The file that was named on the command line, or by an `import`, is not there or cannot be read.
Nothing that it declares is known, so names that it may have declared are not reported as well.

A relative path in an `import` is relative to the file in which the `import` stands, not to the
folder in which `legonet` was started. Beside a file `common.lego`, this is wrong:

```lego
import "comon.lego"
```

and this is right:

```lego
import "common.lego"
```

Correct the path, or the file's permissions. A spec is a plain file: folders, devices and pipes
are not read.
""",
    ),
    Code(
        "LEGO102",
        "a spec is not UTF-8 text",
        """\
A spec is text in UTF-8. The file holds a byte that begins no character there; it was saved in
another encoding, such as Latin-1, or it is no text at all. To guess the encoding could change
names and paths without a word.

Save the file as UTF-8; most editors offer that under "save as". With `iconv`, once:

```sh
iconv -f LATIN1 -t UTF-8 OLD.lego > NEW.lego
```
""",
    ),
    Code(
        "LEGO103",
        "a file is too large for a spec",
        """\
The file is larger than 8 MiB. A spec of that size was hardly meant: more often the path leads
to an archive, a picture or a file of weights.

Check the path. A spec that is truly so long says the same thing many times; a loop says it once:

```lego
for animal in [cat, cow, horse, sheep] {
  data ${animal}_pictures { source: manifest("data/${animal}") }
}
```
""",
    ),
    Code(
        "LEGO104",
        "the text cannot continue so",
        """\
At this place the language expects something else than what stands there. The message names both.
A mistake spoils its own line or block alone, and reading goes on behind it.

Wrong, since a field's value stands behind a colon:

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

A statement ends with its line, except inside of brackets and braces. Fields stand one a line or
behind commas. A comment begins with `#`, a string stands in `"` quotes, and a value that is
neither a number nor a string is a name, a list `[..]` or a call `name(..)`.

| written | instead of |
| --- | --- |
| `adapter dog -> classify` | `=>`, `-->`, `to` |
| `small_vgg(classes: 1)` | `classes=1` |
| `${animal}_net` | `$animal_net`, `{animal}_net`, `${ animal }_net` |
| `0.5`, `1000`, `1e-3` | `.5`, `1_000`, `1e` |
| `dog_net` | `dog-net`, `dog net` |
| `"features.4"` | `features.4` |

Blocks stand in no other blocks but loops; only `train { .. }` stands inside of a `network`. Where a
`}` is missing or is one too many, the indentation tells which one the message shows.
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

Inside of a string `\\"` is a quote, `\\\\` a backslash, `\\n` a new line, `\\t` a tab and `\\$` a
dollar that begins no `${name}`. A path that ends in a single backslash does not close its string:
write paths with `/`.
""",
    ),
    Code(
        "LEGO106",
        "brackets are nested too deep",
        """\
Brackets, braces and parentheses may stand inside of each other 64 deep; a list that is made out
of constants counts by what it holds. No spec needs more than a few, and the limit keeps a damaged
or hostile file from taking up the machine.

Look for closing brackets that are missing further up. Reading stops here, so that there may be
other mistakes behind this place.
""",
    ),
    Code(
        "LEGO107",
        "a name or number is too long",
        """\
A number may have 64 characters and a name 256. No spec needs more, and the limits keep a damaged
or hostile file from taking up the machine.

Wrong:

```lego
let steps = 10000000000000000000000000000000000000000000000000000000000000000000
```

Right:

```lego
let steps = 150
```

Write large and small numbers with an exponent, such as `1e-3`. What is neither a name nor a
number, such as a hash, is a string and stands in quotes.
""",
    ),
    Code(
        "LEGO108",
        "a block is not closed",
        """\
A block begins with `{`, and its `}` is missing: the next statement begins, or the file ends,
while the block is still open. The message shows the brace that nothing closes.

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

Which block is shown follows from the indentation: it is the one whose contents end, by their
indentation, without a `}`. Where lines are not indented, look also further down for a brace too
few, such as that of `train` inside of a `network`.
""",
    ),
    Code(
        "LEGO109",
        "too many mistakes to read on",
        """\
A text with more than 200 mistakes of writing is hardly a spec; the path may lead to a file of
another kind. The rest of it is not read, and what it may declare is not missed.

Check the path. If it is a spec after all, mend the first few mistakes and check it again: many of
the others may be of the same kind.
""",
    ),
    Code(
        "LEGO110",
        "a string holds an escape or a constant that is none",
        """\
A backslash in a string begins an escape: `\\"`, `\\\\`, `\\n`, `\\t` or `\\$`. A dollar with a
brace begins a constant: `${root}`. Something else stands there, and to take it as plain text would
hide a misspelling.

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

Write paths with `/` on every system, and a dollar that begins no constant as `\\$`.
""",
    ),
)
