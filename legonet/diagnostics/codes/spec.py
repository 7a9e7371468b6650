"""Diagnostic codes of names, fields and values."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO201",
        "unknown statement",
        """\
Every statement begins with one of nine words: `import`, `let`, `for`, `data`, `network`,
`category`, `task`, `adapter` or `path`. This line begins with something else.

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
A field or an adapter refers to a network, category, task or data block that no statement declares.
So legonet cannot know what to build it from.

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

The order of statements does not matter. Statements imported with `import "x.lego" as zoo` are
called `zoo.NAME`, and each kind of statement has its own names.
""",
    ),
    Code(
        "LEGO203",
        "unknown field",
        """\
A block or a call has a field or an argument that legonet does not know. It is rejected rather than
ignored: otherwise a misspelled setting would silently leave the default in force.

Wrong:

```lego
data pictures { source: digits(), sise: 16 }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

The help names the most similar field, or all fields of the block. Check where a setting belongs:
`epochs` goes into `train { .. }`, and `steps` into the parentheses of a method.
""",
    ),
    Code(
        "LEGO204",
        "declared twice",
        """\
A name is already in use: two statements of the same kind have the same name, an edge is declared
twice, a field is given twice in its block, or a constant gets a second value. legonet does not
guess which of the two is meant.

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

Rename or remove one of them; the help says where the first one is. Inside a loop, put the loop's
variable into the name: `network ${animal}_net { .. }`. If two files share names, import them with
`as`. The value of a constant never changes; `--set NAME=VALUE` overrides it for one run.
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
A value has the wrong type, is out of range, or is not one of the words that the field accepts.
Nothing is converted silently: `"16"` is a string, not a number.

Wrong:

```lego
data pictures { source: digits(), size: "16" }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

The message says what was expected and what was found. Write numbers, `true`, `false` and the names
of statements without quotes, and strings and paths in quotes. Sources, models, methods and layers
are calls, with parentheses even if they have no arguments.
""",
    ),
    Code(
        "LEGO207",
        "a bare name where a value was expected",
        """\
A bare name refers to a constant or a statement. This one is neither, and the field takes a string
or a number.

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

Put a string in quotes, or give the name a value with a `let` above its first use. The constants of
a file that is imported `as zoo` are called `zoo.NAME`.
""",
    ),
    Code(
        "LEGO208",
        "unknown model, source, method or weights",
        """\
The call names something that neither legonet nor an installed package offers. A spec is data: a
name is looked up in a list of what is installed, and nothing else is ever imported.

Wrong:

```lego
data pictures { source: digit() }
```

Right:

```lego
data pictures { source: digits() }
```

- models: `legonet.small_vgg`, `legonet.small_fcn`, `torchvision.NAME` for the names in
  `torchvision.models.list_models()`, `timm.NAME` if timm is installed
- sources: `digits`, `manifest`, `folder`, `cifar10`, `cifar10_jpeg`, `voc`, `sbd`, `pascal_part`,
  `oxford_pets`
- methods: `transplant`, `back_distillation`, `ordinary_learning`, `output_distillation`,
  `stitching`
- weights: a path in quotes, `torchvision(NAME)`, `hub(REPOSITORY, revision: ..)`
- layers: `conv(SIZE)`

Other packages can add models, sources and methods at the entry points `legonet.models`,
`legonet.sources` and `legonet.methods`. What they register must be a class that declares the
arguments: a subclass of `ModelForm`, `SourceForm` or `MethodForm`.
""",
    ),
    Code(
        "LEGO209",
        "too many arguments",
        """\
A call has more positional arguments than it takes.

Wrong:

```lego
data pictures { source: digits(16) }
```

Right:

```lego
data pictures { source: digits(), size: 16 }
```

Positional arguments fill the names that the help lists, in that order. Named arguments are clearer,
as in `small_vgg(classes: 1, channels: 32)`.
""",
    ),
    Code(
        "LEGO210",
        "files import each other",
        """\
A file imports itself, possibly through other files. What it declares would depend on itself. If
this file is called `animals.lego`, the following is wrong:

```lego
import "animals.lego"
```

Put what both files need into a third file that imports neither, and import that one in both.
Several files may import the same file: it is read only once.
""",
    ),
    Code(
        "LEGO211",
        "not a name",
        """\
With its interpolations filled in, a name contains something other than letters, digits and `_`, or
is empty.

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

A label of the data may contain anything, since it is a string: `category: "polar bear"`.
""",
    ),
    Code(
        "LEGO212",
        "a list or a call inside a string or a name",
        """\
`${name}` puts a constant into a string or a name. The constant can be a string, a number or a truth
value, but not a list or a call.

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
A string or a name contains `${name}`, but no `let` or loop gives that name a value there.

Wrong:

```lego
data pictures { source: manifest("${root}/crops") }
```

Right:

```lego
let root = "../data"
data pictures { source: manifest("${root}/crops") }
```

A constant is valid from its `let` to the end of the file; inside a loop, to the end of that
iteration. Write `\\$` for a dollar sign that does not begin a constant.
""",
    ),
    Code(
        "LEGO214",
        "a loop over something other than a list",
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
With its imports, loops and constants expanded, the spec has more than 600,000 statements and values
(every 64 characters of a string count as one), or more than 64 files import each other in a row.
Nested loops, and constants made of constants, multiply quickly. The limits prevent a spec that is
faulty or malicious from exhausting the machine.

```lego
let digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
for a in digits { for b in digits { for c in digits {
  for d in digits { for e in digits { for f in digits {
    data d${a}${b}${c}${d}${e}${f} { source: digits() }
  } } }
} } }
```

Loop over fewer values, or split the spec into several.
""",
    ),
    Code(
        "LEGO216",
        "an override is malformed",
        """\
`--set` takes the name of a field or a constant, `=`, and a value as it is written in a spec.
Anything else is taken as a string, so paths do not need a second pair of quotes.

Wrong:

```sh
legonet build animals.lego --set epochs 3
```

Right:

```sh
legonet build animals.lego --set dog_net.train.epochs=3
legonet build animals.lego --set "cat->classify.samples=10" --set root=../data
```

Quote anything that contains `>`, which a shell interprets as a redirection.
""",
    ),
    Code(
        "LEGO217",
        "an override names nothing",
        """\
`--set` names a field or a constant that the spec does not have. If it were ignored, the run would
not be the one that you asked for.

| to override | write |
| --- | --- |
| a constant | `NAME=VALUE` |
| a field of a block | `BLOCK.FIELD=VALUE`, as in `crops.size=64` |
| a field of a recipe | `NETWORK.train.FIELD=VALUE` |
| a field of an adapter | `CATEGORY->TASK.FIELD=VALUE` |

Only constants at the top level of a file can be overridden, not those inside loops. Names imported
with `import .. as zoo` are called `zoo.NAME` here as well. An edge must exist before its fields can
be set.
""",
    ),
    Code(
        "LEGO218",
        "a name of another kind",
        """\
The name exists, but it belongs to another kind of statement. An adapter leads from a category to a
task; `from`, `init` and `teacher` take networks; `data` takes a data block.

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
