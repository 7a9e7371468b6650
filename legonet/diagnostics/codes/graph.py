"""Diagnostic codes of how modules may be joined."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO301",
        "networks start from each other",
        """\
`init` names the network that another one starts from. Here the chain of `init` fields leads back to
where it began, so none of these networks can be trained first.

Wrong:

```lego
data pictures { source: digits() }
network a { model: legonet.small_vgg(classes: 10), init: b, train { data: pictures } }
network b { model: legonet.small_vgg(classes: 10), init: a, train { data: pictures } }
```

Right:

```lego
data pictures { source: digits() }
network a { model: legonet.small_vgg(classes: 10), train { data: pictures } }
network b { model: legonet.small_vgg(classes: 10), init: a, train { data: pictures } }
```
""",
    ),
    Code(
        "LEGO302",
        "a network without weights",
        """\
A network has neither pretrained weights, nor a recipe for training it, nor an ancestor. Its weights
would be random, and so would everything that is built from it.

Wrong:

```lego
network dog_net { model: legonet.small_vgg(classes: 1) }
```

Right:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
```

Or train it, with `train { data: .., category: dog }`.
""",
    ),
    Code(
        "LEGO303",
        "a network with two starting points",
        """\
`weights` sets all parameters of a network, and `init` copies those of an ancestor: one of the two
would overwrite the other.

Wrong:

```lego
network base { model: legonet.small_vgg(classes: 10), weights: "base.safetensors" }
network dog_net {
  model: legonet.small_vgg(classes: 1)
  weights: "dog.safetensors"
  init: base
}
```

Right:

```lego
network base { model: legonet.small_vgg(classes: 10), weights: "base.safetensors" }
data pictures { source: manifest("data") }
network dog_net {
  model: legonet.small_vgg(classes: 1)
  init: base
  train { data: pictures, category: dog }
}
```

Pretrained weights can be trained further: `weights` can be combined with `train`.
""",
    ),
    Code(
        "LEGO304",
        "a direct edge that does not fit",
        """\
An adapter without a body learns nothing: features flow from the category module into the task
module unchanged. That is right only for the two halves of one network, cut at the same place; even
networks of the same architecture order their channels differently.

Wrong:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify
```

Right:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { }
```

An empty body already learns the edge, by the default method and without pictures.
""",
    ),
    Code(
        "LEGO305",
        "a model that cannot answer its recipe",
        """\
`legonet.small_vgg` gives one answer per picture, and `legonet.small_fcn` one per pixel. The recipe
asks for the other kind of answer.

Wrong:

```lego
data pictures { source: digits() }
network zero {
  model: legonet.small_vgg(classes: 1)
  train { data: pictures, category: "0", goal: segmentation }
}
```

Right:

```lego
data pictures { source: digits() }
network zero {
  model: legonet.small_fcn(classes: 1)
  train { data: pictures, category: "0", goal: segmentation }
}
```

By default, `goal` is classification.
""",
    ),
    Code(
        "LEGO306",
        "a network of one category with several outputs",
        """\
A recipe with a `category` trains a network to tell that category from everything else, with one
output that says how sure it is. The model has more outputs.

Wrong:

```lego
data pictures { source: digits() }
network zero {
  model: legonet.small_vgg(classes: 2)
  train { data: pictures, category: "0" }
}
```

Right:

```lego
data pictures { source: digits() }
network zero {
  model: legonet.small_vgg(classes: 1)
  train { data: pictures, category: "0" }
}
```

A network for all labels of the data has no `category` in its recipe, and one output for each label.
""",
    ),
    Code(
        "LEGO307",
        "random modules would be frozen",
        """\
`frozen` keeps everything up to and including a module as it came from the ancestor or from the
pretrained weights. This network has neither, so the modules would keep their random weights.

Wrong:

```lego
data pictures { source: digits() }
network zero {
  model: legonet.small_vgg(classes: 1)
  train { data: pictures, category: "0", frozen: "features.4" }
}
```

Right:

```lego
data pictures { source: digits() }
network base { model: legonet.small_vgg(classes: 10), train { data: pictures } }
network zero {
  model: legonet.small_vgg(classes: 1)
  init: base
  train { data: pictures, category: "0", frozen: "features.4" }
}
```
""",
    ),
    Code(
        "LEGO308",
        "a teacher with another goal",
        """\
An adapter is learned so that the task module does for a category what its teacher does. A teacher
that classifies pictures cannot teach a task module that segments them, nor the other way round.

Wrong:

```lego
network names_cats { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
network marks_dogs { model: legonet.small_fcn(classes: 1), weights: "dog.safetensors" }
category cat { from: names_cats, until: "features.4" }
task segment { from: marks_dogs, after: "features.4" }
adapter cat -> segment { }
```

Right:

```lego
network marks_cats { model: legonet.small_fcn(classes: 1), weights: "cat.safetensors" }
network marks_dogs { model: legonet.small_fcn(classes: 1), weights: "dog.safetensors" }
category cat { from: marks_cats, until: "features.4" }
task segment { from: marks_dogs, after: "features.4" }
adapter cat -> segment { }
```

By default, the teacher is the category's own network; `teacher` can name another one.
""",
    ),
    Code(
        "LEGO309",
        "a method without the pictures that it needs",
        """\
`ordinary_learning` learns from labelled pictures, `output_distillation` from labelled or
unlabelled ones. The adapter gives them none.

Wrong:

```lego
data pictures { source: digits() }
network zero { model: legonet.small_vgg(classes: 1), train { data: pictures, category: "0" } }
network one { model: legonet.small_vgg(classes: 1), train { data: pictures, category: "1" } }
category zeros { from: zero, until: "features.4" }
task classify { from: one, after: "features.4" }
adapter zeros -> classify { method: ordinary_learning() }
```

Right:

```lego
data pictures { source: digits() }
network zero { model: legonet.small_vgg(classes: 1), train { data: pictures, category: "0" } }
network one { model: legonet.small_vgg(classes: 1), train { data: pictures, category: "1" } }
category zeros { from: zero, until: "features.4" }
task classify { from: one, after: "features.4" }
adapter zeros -> classify { method: ordinary_learning(), samples: 20 }
```

`back_distillation`, `stitching` and the default, `transplant`, work without pictures.
""",
    ),
    Code(
        "LEGO310",
        "pictures without a source",
        """\
An adapter asks for `samples` or `unlabelled` pictures but does not name any `data`. By default they
come from the teacher's recipe, but the teacher has pretrained weights and no recipe.

Wrong:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { samples: 20 }
```

Right:

```lego
data crops { source: manifest("crops") }
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { samples: 20, data: crops }
```
""",
    ),
    Code(
        "LEGO311",
        "a path without an adapter",
        """\
A path is an application that is started by name: pictures flow through a category module, an
adapter and a task module. No adapter joins these two modules.

Wrong:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
path dog_finder = dog -> classify
```

Right:

```lego
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter dog -> classify
path dog_finder = dog -> classify
```
""",
    ),
    Code(
        "LEGO312",
        "the two sides answer different questions",
        """\
A network of one category learns to tell it from the background. CIFAR-10 has no background
pictures, so the background is all other categories: one side has learned "a cat and not a dog", the
other "a dog and not a cat". The task module answers "no" to every cat, and an adapter cannot make
it say the opposite. This is a warning: the edge is built, but its figures will be poor.

Wrong:

```lego
data pictures { source: cifar10("cifar") }
network dog_net { model: legonet.small_vgg(classes: 1), train { data: pictures, category: dog } }
network cat_net { model: legonet.small_vgg(classes: 1), train { data: pictures, category: cat } }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { samples: 20 }
```

Right, with a source whose background pictures show neither category:

```lego
data pictures { source: manifest("crops") }
network dog_net { model: legonet.small_vgg(classes: 1), train { data: pictures, category: dog } }
network cat_net { model: legonet.small_vgg(classes: 1), train { data: pictures, category: cat } }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { samples: 20 }
```
""",
    ),
    Code(
        "LEGO313",
        "teacher and task with other outputs",
        """\
A task module is taught the answers that its teacher gives, output by output. So both have the same
number of outputs, for the same labels in the same order. One that tells "cat or background" by a
single output cannot teach one that tells three animals apart.

Wrong:

```lego
network one { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
network three { model: legonet.small_vgg(classes: 3), weights: "animals.safetensors" }
category cat { from: one, until: "features.4" }
task which { from: three, after: "features.4" }
adapter cat -> which { }
```

Right:

```lego
network others { model: legonet.small_vgg(classes: 3), weights: "sketches.safetensors" }
network three { model: legonet.small_vgg(classes: 3), weights: "animals.safetensors" }
category sketches { from: others, until: "features.4" }
task which { from: three, after: "features.4" }
adapter sketches -> which { }
```

What the outputs mean is known from the data of a recipe, from `labels` of a `network` statement, or
from the library that publishes the weights. For the last, `legonet check --shapes` is needed.
""",
    ),
    Code(
        "LEGO314",
        "labels that are not those of the outputs",
        """\
`labels` names the outputs of a network with ready weights, one by one. A network with a recipe
needs none: its outputs are the categories of its data.

Wrong:

```lego
network animals {
  model: legonet.small_vgg(classes: 3)
  weights: "animals.safetensors"
  labels: [cat, dog]
}
```

Right:

```lego
network animals {
  model: legonet.small_vgg(classes: 3)
  weights: "animals.safetensors"
  labels: [cat, dog, background]
}
```
""",
    ),
    Code(
        "LEGO315",
        "labelled pictures without the labels of the task",
        """\
A task that tells several labels apart is taught those labels. The data of this edge know other
categories than the task, so that none of their labels can be used: they may be called "cat" and
"dog", and the task knows the thousand labels of ImageNet.

Ask for `unlabelled` pictures instead of `samples`: the edge then learns from the answers of its
teacher, and is measured by how often it gives the same ones. Or use data whose categories are
called as the labels of the task; `labels` of a `network` statement says how those are called.
""",
    ),
    Code(
        "LEGO318",
        "nothing to load",
        """\
The block `loading` says how the tensors of `weights` are matched with those of the network: which
are renamed, and which are left out. Here the network has no `weights`. What starts from another
network with `init` takes every tensor with the same name and shape, and nothing else.

Wrong:

```lego
network net {
  model: legonet.small_vgg(classes: 1)
  loading { match: order }
  train { data: digits, category: "3" }
}
data digits { source: digits() }
```

Right:

```lego
network net {
  model: legonet.small_vgg(classes: 1)
  weights: "net.pth"
  loading { match: order }
  train { data: digits, category: "3" }
}
data digits { source: digits() }
```
""",
    ),
    Code(
        "LEGO319",
        "a name twice in a path",
        """\
A path names each of its categories and each of its tasks once. A category that occurs twice would
be two answers for the same thing.

Wrong:

```lego
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category cat { from: cat_net, until: "features.4" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter dog -> classify
adapter cat -> classify {}
path pets = [cat, dog, cat] -> classify
```

Right:

```lego
network cat_net { model: legonet.small_vgg(classes: 1), weights: "cat.safetensors" }
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category cat { from: cat_net, until: "features.4" }
category dog { from: dog_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter dog -> classify
adapter cat -> classify {}
path pets = [cat, dog] -> classify
```
""",
    ),
    Code(
        "LEGO320",
        "a joint path over different questions",
        """\
A joint path compares how sure each category is that a picture shows it and not the background. This
needs one background for all: either pictures that show none of the categories, or everything else
that the data know. A network that is trained on data with background pictures learns the first, one
that is trained on data without, such as CIFAR-10, the second; a sure yes to the one question says
nothing about the other.

Train the networks of all categories on data of one kind, or write a path for each of the two kinds.
""",
    ),
    Code(
        "LEGO321",
        "a label of two categories in a joint path",
        """\
The answer of a joint path is one of its categories, or the background. Two categories that stand
for the same label of the data cannot be told apart: no picture could show which one is right. The
label of a category is the one that its teacher was trained on, or what `labels` in its `category`
block says, or else its own name. `background` is no category: it is the answer for pictures that
show none.

Wrong:

```lego
data digits { source: digits() }
network one {
  model: legonet.small_vgg(classes: 1)
  train { data: digits, category: "1" }
}
network other_one {
  model: legonet.small_vgg(classes: 1)
  train { data: digits, category: "1", seed: 1 }
}
category one { from: one, until: "features.4" }
category other_one { from: other_one, until: "features.4" }
task read { from: one, after: "features.4" }
adapter one -> read
adapter other_one -> read {}
path digit = [one, other_one] -> read
```

Right:

```lego
data digits { source: digits() }
network one {
  model: legonet.small_vgg(classes: 1)
  train { data: digits, category: "1" }
}
network two {
  model: legonet.small_vgg(classes: 1)
  train { data: digits, category: "2" }
}
category one { from: one, until: "features.4" }
category two { from: two, until: "features.4" }
task read { from: one, after: "features.4" }
adapter one -> read
adapter two -> read {}
path digit = [one, two] -> read
```
""",
    ),
    Code(
        "LEGO322",
        "a task that cannot be joined",
        """\
A joint path makes one answer of several: each of its categories is told from the background, by one
output of the task, and the surest of them is the label. That needs a task with one output for
classification or segmentation. A task with several outputs names labels itself, the same ones for
each category module, and nothing says which of the modules to believe. Numbers, points and boxes
cannot be joined to one answer either.

Wrong:

```lego
network sketches { model: legonet.small_vgg(classes: 3), weights: "sketches.safetensors" }
network photos { model: legonet.small_vgg(classes: 3), weights: "photos.safetensors" }
category sketch { from: sketches, until: "features.4" }
category photo { from: photos, until: "features.4" }
task which { from: photos, after: "features.4" }
adapter photo -> which
adapter sketch -> which {}
path animal = [sketch, photo] -> which
```

Right:

```lego
network sketches { model: legonet.small_vgg(classes: 3), weights: "sketches.safetensors" }
network photos { model: legonet.small_vgg(classes: 3), weights: "photos.safetensors" }
category sketch { from: sketches, until: "features.4" }
category photo { from: photos, until: "features.4" }
task which { from: photos, after: "features.4" }
adapter photo -> which
adapter sketch -> which {}
path animal_in_sketch = sketch -> which
path animal_in_photo = photo -> which
```
""",
    ),
    Code(
        "LEGO323",
        "a path over pictures of different sizes",
        """\
A path with several edges shows each picture to all of them at once. Their `data` blocks, or those
of the networks that they learn from, resize pictures to different sizes.

Give these blocks one `size`, or write a path for each size.
""",
    ),
)
