"""Which modules may be joined: rules that involve more than one statement of a spec."""

from __future__ import annotations

from collections.abc import Callable

from legonet.diagnostics import Diagnostic, Severity, in_order
from legonet.goals import goal_named
from legonet.graph.path_rules import PATH_RULES, Found, against_the_others
from legonet.graph.relations import Relations
from legonet.language.models import MODELS, CodeModel, ModelForm

LONGEST_CHAIN = 8
"""Names in a cycle that a message shows, at most."""


def check_graph(graph: Relations) -> list[Diagnostic]:
    """Return everything that is wrong with how a spec joins its modules, in order of place."""
    return in_order(
        graph.spec.locate(diagnostic, key, *path)
        for rule in RULES
        for diagnostic, key, path in rule(graph)
    )


def no_circle_of_ancestors(graph: Relations) -> Found:
    """A network cannot start from itself, directly or through others."""
    for circle in graph.ancestor_circles():
        first = circle.index(min(circle))
        chain = [*circle[first:], *circle[:first], circle[first]]
        shown = chain if len(chain) <= LONGEST_CHAIN else [*chain[:LONGEST_CHAIN], "..", chain[0]]
        yield (
            Diagnostic(
                "LEGO301",
                "these networks start from each other: " + " -> ".join(shown),
                label="part of the cycle",
                help=("start one of them from pretrained weights or from scratch",),
            ),
            ("network", chain[0]),
            ("init",),
        )


def weights_come_from_somewhere(graph: Relations) -> Found:
    """A network has pretrained weights, a recipe or an ancestor, but not two starting points."""
    for name, network in graph.spec.networks.items():
        own = network.model.has_weights
        if not own and network.train is None and network.weights is None and network.init is None:
            yield (
                Diagnostic(
                    "LEGO302",
                    f"network `{name}` has neither weights nor a recipe",
                    label="its weights would be random",
                    help=("add `weights: ..` or `train { .. }`",),
                ),
                ("network", name),
                (),
            )
        if (network.weights is not None or own) and network.init is not None:
            yield (
                Diagnostic(
                    "LEGO303",
                    f"network `{name}` has two starting points: `weights` and `init`",
                    label="a second starting point",
                    help=("keep one of the two",),
                ),
                ("network", name),
                ("init",),
            )


def loading_needs_weights(graph: Relations) -> Found:
    """How weights are loaded is said of a network that has some."""
    for name, network in graph.spec.networks.items():
        if network.loading is not None and network.weights is None:
            yield (
                Diagnostic(
                    "LEGO318",
                    f"network `{name}` says how weights are loaded, but has none",
                    label="no weights to load",
                    help=("add `weights: ..`; `init` copies what has the same name and shape",),
                ),
                ("network", name),
                (),
            )


def recipe_fits_model(graph: Relations) -> Found:
    """A recipe asks a question that its model can answer."""
    for name, network in graph.spec.networks.items():
        recipe = network.train
        if recipe is None:
            continue
        key = ("network", name)
        model = network.model
        # What the code of a file answers, only its user knows.
        if isinstance(model, ModelForm) and not isinstance(model, CodeModel):
            able = model.goal
            if able not in (recipe.goal, goal_named(recipe.goal).answers_like):
                own = map(MODELS.get, MODELS.own)
                others = [f"`{known.call}`" for known in own if known.goal == recipe.goal]
                take = f"for {recipe.goal} take {others[0]}, or " if others else ""
                yield (
                    Diagnostic(
                        "LEGO305",
                        f"`{model.call}` is made for {able}, but the recipe asks for {recipe.goal}",
                        label=f"for {able} alone",
                        help=(f"{take}change `goal`",),
                    ),
                    key,
                    ("model",),
                )
            if recipe.category is not None and model.outputs not in (None, 1):
                yield (
                    Diagnostic(
                        "LEGO306",
                        f"a network of one category has one output, found {model.outputs}",
                        label="expected `classes: 1`",
                        help=("write `classes: 1`, or leave `category` out of the recipe",),
                    ),
                    key,
                    ("model",),
                )
        begins = network.model.has_weights or (network.init, network.weights) != (None, None)
        if recipe.frozen is not None and not begins:
            yield (
                Diagnostic(
                    "LEGO307",
                    f"network `{name}` freezes modules that have no weights yet",
                    label="frozen at random",
                    help=("name an ancestor with `init`, or leave `frozen` out",),
                ),
                key,
                ("train", "frozen"),
            )


def direct_edges_are_whole(graph: Relations) -> Found:
    """An adapter without a body joins two halves of one network, cut at the same place."""
    for (category_name, task_name), adapter in graph.spec.adapters.items():
        sides = graph.sides(adapter)
        if adapter.learning is not None or sides is None:
            continue
        category, task = sides
        if category.network == task.network and category.until == task.after:
            continue
        yield (
            Diagnostic(
                "LEGO304",
                f"`{category_name} -> {task_name}` has nothing to learn from, and its two sides"
                " are not two halves of one network",
                label="a direct edge fits one network cut at one place",
                help=(
                    f"`{category_name}` is `{category.network}` until `{category.until}`",
                    f"`{task_name}` is `{task.network}` after `{task.after}`",
                    "give the adapter a body, such as `{ samples: 20 }`",
                ),
            ),
            ("adapter", category_name, task_name),
            (),
        )


def teacher_answers_the_task(graph: Relations) -> Found:
    """A teacher answers the same question as the task module."""
    for (category_name, task_name), adapter in graph.spec.adapters.items():
        sides = graph.sides(adapter)
        teacher = graph.teacher(adapter)
        student = graph.spec.networks.get(sides[1].network) if sides else None
        if teacher is None or student is None or adapter.learning is None:
            continue
        if graph.goal(teacher) != graph.goal(student):
            yield (
                Diagnostic(
                    "LEGO308",
                    f"the teacher `{graph.teacher_name(adapter)}` knows {graph.goal(teacher)},"
                    f" and the task `{task_name}` is {graph.goal(student)}",
                    label="it answers a different question",
                    help=("name a network of this category that has the same goal as the task",),
                ),
                ("adapter", category_name, task_name),
                ("teacher",),
            )


def teacher_has_the_outputs_of_the_task(graph: Relations) -> Found:
    """A teacher has as many outputs as the task module, and they mean the same."""
    for (category_name, task_name), adapter in graph.spec.adapters.items():
        sides = graph.sides(adapter)
        teacher = graph.teacher(adapter)
        donor = graph.spec.networks.get(sides[1].network) if sides else None
        if teacher is None or donor is None or adapter.learning is None:
            continue
        own, other = graph.outputs(donor), graph.outputs(teacher)
        if graph.is_single(donor) == graph.is_single(teacher) and (
            None in (own, other) or own == other
        ):
            continue
        yield (
            Diagnostic(
                "LEGO313",
                f"the teacher `{graph.teacher_name(adapter)}` has {_outputs(other)}, and the task"
                f" `{task_name}` {_outputs(own)}",
                label="they cannot answer the same question",
                help=("name a teacher that tells apart the labels of the task",),
            ),
            ("adapter", category_name, task_name),
            ("teacher",) if adapter.learning.teacher is not None else (),
        )


def _outputs(number: int | None) -> str:
    if number is None:
        return "one for each of its labels"
    return f"{number} output{'s' * (number != 1)}"


def labels_are_of_the_outputs(graph: Relations) -> Found:
    """Labels are declared for networks that have none, one for each output."""
    for name, network in graph.spec.networks.items():
        if network.labels is None:
            continue
        outputs = network.model.outputs
        if network.train is not None:
            message = f"network `{name}` has a recipe, so its labels are those of its data"
            advice = "leave `labels` out"
        elif outputs is not None and outputs != len(network.labels):
            message = f"the model has {_outputs(outputs)}, and `labels` has {len(network.labels)}"
            advice = "write one label for each output, in their order"
        else:
            continue
        yield (
            Diagnostic("LEGO314", message, label="not the outputs of the model", help=(advice,)),
            ("network", name),
            ("labels",),
        )


def pictures_for_the_method(graph: Relations) -> Found:
    """A method gets the pictures that it needs."""
    for key, adapter in graph.spec.adapters.items():
        learning = adapter.learning
        if learning is None or graph.teacher(adapter) is None:
            continue
        where = ("adapter", *key)
        if learning.method.needed_pictures == "labels" and not learning.samples:
            yield (
                Diagnostic(
                    "LEGO309",
                    f"`{learning.method.call}` learns from labelled pictures, and `samples` is 0",
                    label="needs labelled pictures",
                    help=("set `samples`, or choose `back_distillation()` or `stitching()`",),
                ),
                where,
                ("method",),
            )
        pictures = learning.samples + learning.unlabelled
        if learning.method.needed_pictures == "pictures" and not pictures:
            yield (
                Diagnostic(
                    "LEGO309",
                    f"`{learning.method.call}` needs pictures, labelled or not",
                    label="needs pictures",
                    help=("set `unlabelled` or `samples`",),
                ),
                where,
                ("method",),
            )
        if pictures and graph.data_name(adapter) is None:
            field = "samples" if learning.samples else "unlabelled"
            yield (
                Diagnostic(
                    "LEGO310",
                    f"`{field}` asks for pictures, but no `data` is named",
                    label="from where?",
                    help=("add `data: NAME`; its teacher has no recipe to take them from",),
                ),
                where,
                (field,),
            )


def same_question(graph: Relations) -> Found:
    """Warn if the background of a category differs from that of the task's own category."""
    for key, adapter in graph.spec.adapters.items():
        sides = graph.sides(adapter)
        teacher = graph.teacher(adapter)
        student = graph.spec.networks.get(sides[1].network) if sides else None
        if teacher is None or student is None or adapter.learning is None:
            continue
        asked = against_the_others(graph, teacher), against_the_others(graph, student)
        if None not in asked and asked[0] != asked[1]:
            yield (
                Diagnostic(
                    "LEGO312",
                    "the two sides answer different questions: "
                    + " and ".join(f"`{category}` against all others" for category in asked),
                    label="to each side the other's category is background",
                    help=("use data with background pictures of neither category",),
                    severity=Severity.WARNING,
                ),
                ("adapter", *key),
                (),
            )


RULES: tuple[Callable[[Relations], Found], ...] = (
    no_circle_of_ancestors,
    weights_come_from_somewhere,
    loading_needs_weights,
    recipe_fits_model,
    direct_edges_are_whole,
    teacher_answers_the_task,
    teacher_has_the_outputs_of_the_task,
    labels_are_of_the_outputs,
    pictures_for_the_method,
    same_question,
    *PATH_RULES,
)
