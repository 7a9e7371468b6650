"""Diagnostic codes of names, fields and values."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO201",
        "unknown statement",
        """\
Every statement begins with one of nine words: `import`, `let`, `for`, `data`, `network`,
`category`, `task`, `adapter` or `path`. The line begins with another one.

Wrong:

```lego
dataset pictures { source: digits() }
```

Right:

```lego
data pictures { source: digits() }
```
""",
    ),
    Code(
        "LEGO202",
        "unknown name of a statement",
        """\
A field or an adapter refers to a network, category, task or data block that no statement
declares. What it should be built from cannot be known.

Wrong, since the network is called `dog_net`:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_network, until: "features.4" }
```

Right:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: "features.4" }
```

The order of statements does not matter. What `import "x.lego" as zoo` brings is called
`zoo.NAME`, and each kind of statement has names of its own.
""",
    ),
    Code(
        "LEGO203",
        "unknown field",
        """\
A block or a call has a field or an argument that legonet does not know. It is refused rather than
passed over: a misspelled setting would otherwise leave the default in force without a word.

Wrong:

```lego
data pictures { source: digits(), sise: 16 }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

The help names the field that is most alike, or all fields of the block. Mind where a setting
belongs: `epochs` stands in `train { .. }`, `steps` in the brackets of a method.
""",
    ),
    Code(
        "LEGO204",
        "declared twice",
        """\
A name was given before: two statements of one kind have the same name, an edge is declared twice,
a field stands twice in its block, or a constant gets a second value. Which of the two holds
would be a guess.

Wrong:

```lego
let cut = "features.4"
let cut = "features.9"
```

Right:

```lego
let cut = "features.4"
let deeper_cut = "features.9"
```

Rename or remove one of them; the help says where the first one stands. Inside of a loop, put the
loop's variable into the name: `network ${animal}_net { .. }`. Import two files that share names
with `as`. A constant is never changed; `--set NAME=VALUE` overrides it for one run.
""",
    ),
    Code(
        "LEGO205",
        "a field is missing",
        """\
A block or a call lacks a field that has no default.

Wrong:

```lego
data pictures { size: 16 }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

`data` needs `source`, `network` needs `model`, `train` needs `data`, `category` needs `from` and
`until`, `task` needs `from` and `after`.
""",
    ),
    Code(
        "LEGO206",
        "a value of another kind was expected",
        """\
A value has the wrong type, lies outside of what makes sense, or is none of the words that the
field knows. Nothing is converted silently: `"16"` is a string and no number.

Wrong:

```lego
data pictures { source: digits(), size: "16" }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

The message says what was expected and what was found. Numbers and `true` stand bare, texts and
paths in quotes, names of statements bare, and sources, models, methods and layers are calls, with
brackets even where they have no arguments.
""",
    ),
    Code(
        "LEGO207",
        "a bare name where a value was expected",
        """\
A bare name stands for a constant or for a statement. Here it is neither, and the field takes a
text or a number.

Wrong, where no `let` gives `cut` a value:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: cut }
```

Right:

```lego
let cut = "features.4"
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: cut }
```

Put a text into quotes, or give the name a value with a `let` above its first use. The constants
of a file that is imported `as zoo` are called `zoo.NAME`.
""",
    ),
    Code(
        "LEGO208",
        "unknown model, source, method or weights",
        """\
The call names something that neither legonet nor an installed package offers. A spec is data: a
dotted name is looked up in a list, and never imported.

Wrong:

```lego
data pictures { source: digit() }
```

Right:

```lego
data pictures { source: digits() }
```

- models: `legonet.small_vgg`, `legonet.small_fcn`, `torchvision.NAME` for the names of
  `torchvision.models.list_models()`, `timm.NAME` where timm is installed
- sources: `digits`, `manifest`, `folder`, `cifar10`, `cifar10_jpeg`, `voc`, `sbd`, `pascal_part`,
  `oxford_pets`
- methods: `transplant`, `back_distillation`, `ordinary_learning`, `output_distillation`,
  `stitching`
- weights: a path in quotes, `torchvision(NAME)`, `hub(REPOSITORY, revision: ..)`
- layers: `conv(SIZE)`

Packages add models and sources at the entry points `legonet.models` and `legonet.sources`.
""",
    ),
    Code(
        "LEGO209",
        "too many arguments",
        """\
A call has more positional arguments than it knows what to do with.

Wrong:

```lego
data pictures { source: digits(16) }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

Positional arguments fill the names that the help lists, in that order. The clearest way to write
a call is by name, such as `small_vgg(classes: 1, channels: 32)`.
""",
    ),
    Code(
        "LEGO210",
        "files import each other",
        """\
A file imports itself, maybe by way of others. What it declares would depend on itself. With
`animals.lego` as the name of this file, this is wrong:

```lego
import "animals.lego"
```

Put what both files need into a third one that imports neither, and import that one in both. That
several files import the same one is no mistake: it is read once.
""",
    ),
    Code(
        "LEGO211",
        "not a name",
        """\
With its interpolations worked in, a name holds something else than letters, digits and `_`, or
nothing at all.

Wrong:

```lego
let animal = "polar bear"
data ${animal}_pictures { source: digits() }
```

Right:

```lego
let animal = "polar_bear"
data ${animal}_pictures { source: digits() }
```

A label of the data may hold anything, since it is a string: `category: "polar bear"`.
""",
    ),
    Code(
        "LEGO212",
        "a value that is no text inside of a text",
        """\
`${name}` puts a constant into a string or a name. A text, a number or a truth value can stand
there, a list or a call cannot.

Wrong:

```lego
let animals = [cat, dog]
data pictures { source: manifest("data/${animals}") }
```

Right:

```lego
for animal in [cat, dog] {
  data ${animal}_pictures { source: manifest("data/${animal}") }
}
```
""",
    ),
    Code(
        "LEGO213",
        "unknown constant",
        """\
`${name}` stands in a string or a name, and no `let` or loop gives the name a value there.

Wrong:

```lego
data pictures { source: manifest("${root}/crops") }
```

Right:

```lego
let root = "../data"
data pictures { source: manifest("${root}/crops") }
```

A constant holds from its `let` to the end of the file, one inside of a loop to the end of that
turn. A dollar that begins no constant is written `\\$`.
""",
    ),
    Code(
        "LEGO214",
        "a loop over something else than a list",
        """\
`for NAME in LIST { .. }` repeats its statements once for each value of a list.

Wrong:

```lego
for animal in cat {
  data ${animal} { source: manifest("data/${animal}") }
}
```

Right:

```lego
for animal in [cat] {
  data ${animal} { source: manifest("data/${animal}") }
}
```
""",
    ),
    Code(
        "LEGO215",
        "the spec grows without bounds",
        """\
Its imports, loops and constants worked in, the spec has more than 600,000 statements and values (64
characters of a text count as one), or more than 64 files import each other in a row. Loops inside
of loops, and constants made of constants, multiply quickly; the limits keep a spec that was
written by mistake or in bad faith from taking up the machine.

```lego
let digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
for a in digits { for b in digits { for c in digits {
  for d in digits { for e in digits { for f in digits {
    data d${a}${b}${c}${d}${e}${f} { source: digits() }
  } } }
} } }
```

Loop over fewer values, or divide the spec into several.
""",
    ),
    Code(
        "LEGO216",
        "an override is malformed",
        """\
`--set` takes the name of a field or of a constant, `=`, and a value in the language of specs. What
is no such value is taken as a string, so that paths need no second pair of quotes.

Wrong:

```sh
legonet build animals.lego --set epochs 3
```

Right:

```sh
legonet build animals.lego --set dog_net.train.epochs=3
legonet build animals.lego --set "cat->classify.samples=10" --set root=../data
```

Quote what holds `>`, which a shell takes as a redirection.
""",
    ),
    Code(
        "LEGO217",
        "an override names nothing",
        """\
`--set` names a field or a constant that the spec does not have. Were it passed over, the run would
not be the one that was asked for.

| to override | write |
| --- | --- |
| a constant | `NAME=VALUE` |
| a field of a block | `BLOCK.FIELD=VALUE`, as in `crops.size=64` |
| a field of a recipe | `NETWORK.train.FIELD=VALUE` |
| a field of an adapter | `CATEGORY->TASK.FIELD=VALUE` |

Constants are those at the top of a file, not those inside of loops. What `import .. as zoo`
brings is called `zoo.NAME` here as well. An edge must exist before its fields can be set.
""",
    ),
    Code(
        "LEGO218",
        "a name of another kind",
        """\
The name is known, but it is that of another kind of statement. An adapter leads from a category
to a task, `from`, `init` and `teacher` take networks, `data` takes a data block.

Wrong:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog, after: "features.4" }
```

Right:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
```
""",
    ),
)
