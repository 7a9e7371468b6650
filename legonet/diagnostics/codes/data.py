"""Diagnostic codes of pictures and labels."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO401",
        "a source's folder or file is missing",
        """\
A `data` block names a folder or file that does not exist. Without it, nothing is known about its
pictures: neither what a network would be trained on, nor whether that has changed.

Check the path. A relative path is relative to the spec that contains it, not to the folder in which
`legonet` was started. `cifar10`, `voc`, `sbd` and `oxford_pets` look for the data set in the layout
in which torchvision unpacks it, and download it with `download: true`. `pascal_part` looks for
`Annotations_Part`, `JPEGImages` and `ImageSets` in the same folder.
""",
    ),
    Code(
        "LEGO402",
        "a manifest is malformed",
        """\
`manifest(DIR)` reads `DIR/manifest.csv`, a table in UTF-8 whose first line names its columns.
Commas, semicolons or tabs separate its cells.

| column | contains |
| --- | --- |
| `path` | the picture's file, relative to the folder |
| `category` | what it shows; `background` if none of the categories |
| `split` | `train` or `test` |
| `mask_path` | optional: the mask's file, relative to the folder; may be empty |
| `source` | optional: where the picture comes from, for `manifest(DIR, only: \"...\")` |

Columns that `targets`, `boxes`, `points` and `depth` name hold numbers, boxes such as
`10 20 30 40; 5 5 9 9 dog`, points such as `10 20`, and files of depths. With any of these,
`category` may be left out.

Columns may be called so in other letters, such as `Path`; `file`, `filename` or `image` stand for
`path`, `label` or `class` for `category`, and `subset` for `split`, where only one of them is
there. Other columns are ignored. Correct the row that the message names; the line of column names
is row 1.
""",
    ),
    Code(
        "LEGO403",
        "a listed picture is missing",
        """\
A manifest or a data set's list names a picture or mask that does not exist. Leaving it out would
silently train on other pictures than the list says, so the work stops.

Restore the file, or remove it from the list.
""",
    ),
    Code(
        "LEGO404",
        "a picture cannot be read",
        """\
The file exists but cannot be decoded: it is damaged, truncated, or not a picture at all; or it has
more than 8 bits per channel, and legonet does not guess which part of that range matters. Leaving
it out would silently train on fewer pictures than the source lists.

Open the file in a viewer. Replace it, save it with 8 bits per channel, or remove it from the source
or the command line.
""",
    ),
    Code(
        "LEGO405",
        "a mask does not fit",
        """\
A mask differs in size from its picture, or contains values that have no meaning. The masks of a
manifest are grey pictures of the same size as their pictures, with the values 0 (not the category),
255 (the category) and 128 (unknown, such as a border; ignored by losses and scores). The masks of
PASCAL VOC contain 0 to 20, and 255 for unknown; those of Oxford-IIIT Pet contain 1 to 3; and those
of PASCAL-Part must belong to VOC's own pictures, not to resized ones.

Other values usually come from saving a mask as JPEG or from resizing it with smoothing. Save masks
as PNG, and resize them with nearest-neighbour interpolation.
""",
    ),
    Code(
        "LEGO406",
        "a source has an unexpected layout",
        """\
The folder or file exists, but contains something other than the source expects.

- `folder(DIR)`: `DIR/train/CATEGORY/PICTURE` and `DIR/test/CATEGORY/PICTURE` (or `val` instead of
  `test`), with the same categories in both, and at least one picture in each. A category called
  `background` contains the background pictures.
- `cifar10_jpeg(FILE)`: an `.npz` file with `train_jpeg` (the bytes of all JPEG pictures end to
  end), `train_offsets` (where each begins, and where the last one ends), `train_labels`, the same
  for `test`, and `classes`, the names of CIFAR-10's categories in their usual order.
- `cifar10`, `voc`, `sbd`, `oxford_pets`: the folders that torchvision unpacks.
- `pascal_part(DIR)`: `DIR/Annotations_Part/NAME.mat` and `DIR/JPEGImages/NAME.jpg` for the names
  in `DIR/ImageSets/Main/train.txt` and `val.txt` (or in `Segmentation`). Names without annotations
  are left out, since PASCAL-Part annotates the pictures of VOC 2010, and later lists are longer.

Rearrange it into that layout. An incomplete download is removed and downloaded again.
""",
    ),
    Code(
        "LEGO407",
        "a data set could not be downloaded",
        """\
The spec says `download: true`, the data set does not exist, and torchvision could not download it:
there is no network connection, the server is not available, or the disk is full.

Fix that and build again, or get the data set in another way and unpack it as torchvision does.
""",
    ),
    Code(
        "LEGO408",
        "a source from another package failed",
        """\
An installed package adds a source to legonet, and its code raised an error when the source was
opened, or returned something other than a `legonet.data.Source`.

Correct the arguments, or report the error to those who maintain the package.
""",
    ),
    Code(
        "LEGO409",
        "annotations are malformed",
        """\
A file of annotations cannot be read, or says something that has no meaning: it is no JSON or XML, a
field is missing, or an object belongs to a picture or a category that the file does not list.

- `coco(..)`: a JSON file with the lists `images` (`id`, `file_name`, `width`, `height`),
  `categories` (`id`, `name`) and `annotations` (`image_id`, `category_id`, `bbox`, and possibly
  `iscrowd`, `segmentation` and `keypoints`).
- `voc_detection(..)`: an XML file for each picture with `size` (`width`, `height`) and, for each
  `object`, `name`, `bndbox` (`xmin`, `ymin`, `xmax`, `ymax`) and possibly `difficult`.

Correct the place that the message names, or export the annotations again.
""",
    ),
    Code(
        "LEGO410",
        "an annotation does not fit its picture",
        """\
A box is empty or not inside of its picture, a key point is outside, depths have another size than
their picture, or the picture itself has another size than its annotations say. What is up to one
pixel outside counts as rounded, and is moved to the edge.

Usually pictures were resized without their annotations, or edges were taken for widths. The boxes
of a manifest have the pixels of their left, top, right and lower edge; those in COCO's format have
left, top, width and height. Correct the annotation, or leave the object out: `coco(..)` does so
with `leave_out_broken: true`.
""",
    ),
    Code(
        "LEGO411",
        "the source has no such category",
        """\
A recipe or an adapter asks for a category that the source does not have. Categories are the names
in a manifest's `category` column, the names of folders, or those of a published data set; digits
are `\"0\"` to `\"9\"`. `background` is not a category: it is what a category is distinguished from.

Correct the name, or use another source.
""",
    ),
    Code(
        "LEGO412",
        "the source has no masks",
        """\
`goal: segmentation` needs to know which pixels of the training pictures show what, but the source
has no masks. `digits`, `manifest` (with a `mask_path` column), `voc`, `sbd`, `pascal_part` and
`oxford_pets` have masks.

Use one of these, or ask for `goal: classification`.
""",
    ),
    Code(
        "LEGO413",
        "background cannot be a label here",
        """\
`background: true` adds background as a label to those of the categories. It has no meaning for a
network with a single `category`, whose one output already tells the category from the background.
For classification, the source must also have background pictures.

Leave `background` out, or add background pictures to the source.
""",
    ),
    Code(
        "LEGO414",
        "there are no pictures for one of the answers",
        """\
In one of its splits, the source has no pictures for one of the answers: of the category, of what it
is distinguished from, or any at all. A network that saw only one answer would always give that
answer, and a test split without pictures says nothing about it.

With `goal: segmentation`, only pictures with masks count. If a source has background pictures, a
category is distinguished from these, otherwise from the pictures that do not show it. Add pictures,
or ask a different question.
""",
    ),
    Code(
        "LEGO415",
        "too few pictures to draw from",
        """\
An adapter's `samples` and `unlabelled` pictures are drawn from the training pictures for its
category, half from the category and half from its background, and no picture is drawn twice. There
are not enough pictures for that.

Ask for fewer, or add pictures to the source.
""",
    ),
    Code(
        "LEGO416",
        "too many categories for masks",
        """\
A mask stores the number of a label in one byte, and one number is reserved for unknown pixels. A
network that segments all categories at once can have at most 254 of them.

Ask for a single `category`, or keep fewer categories in the source.
""",
    ),
    Code(
        "LEGO417",
        "a category or background that a goal does not have",
        """\
`category` and `background` belong to goals that give a picture or a pixel one label: classification
and segmentation. Several labels at once (`multilabel`) and numbers (`regression`) have neither: a
picture that shows none of the labels is the background.

Leave the field out, or change `goal`.
""",
    ),
    Code(
        "LEGO418",
        "no right answers for a goal",
        """\
A recipe trains a network with the right answers about its pictures. The source does not know them:

| goal | right answers |
| --- | --- |
| `regression` | columns of a manifest: `manifest(\"faces\", targets: [age])` |
| `keypoints` | `coco(..)`, or columns of a manifest: `points: [nose, tail]` |
| `depth` | a column of a manifest: `depth: \"depth_path\"` |
| `detection` | measured by the boxes of a source, but learned from a teacher alone |

A network for such a goal has ready weights, and `goal` of its statement says what it answers. Edges
onto it learn from their teachers.
""",
    ),
    Code(
        "LEGO419",
        "the same picture twice",
        """\
`legonet check --data` found pictures that are the same in every pixel, at the size at which they
are read: in the training and in the test split, or under two categories.

What a network has seen in training, it may answer by heart; the figures of such a test are better
than those of new pictures. Under two categories, at least one of the answers is wrong, or the
pictures show both: a manifest can say so, `dog | cat`.

Remove one of the two. Pictures of one colour, such as black frames of a video, are the same too.
""",
    ),
    Code(
        "LEGO420",
        "few pictures of an answer",
        """\
`legonet check --data` counts the pictures of each answer. It warns where a test split is so small
that its figures say little (a single mistake in 20 makes 5 % error), and where one answer has more
than ten times as many training pictures as another, since a network may then learn to give that
answer always.

Add pictures, or move some from the training to the test split. Figures of small test splits have
wide intervals, which certificates show.
""",
    ),
    Code(
        "LEGO421",
        "files that are left out",
        """\
A folder contains pictures of a kind that legonet does not read, such as `.heic`, or most of its
files are something else. They are left out, as if they were not there.

Convert pictures to JPEG or PNG. With ImageMagick: `magick mogrify -format jpg *.heic`; telephones
X""",
    ),
    Code(
        "LEGO422",
        "pictures that need more memory than there is",
        """\
All pictures of a split are in memory at once, 3 bytes for each pixel, after they were resized to
the `size` of their `data` block. This needs more main memory than the machine or the container has.

Choose a smaller `size`: memory grows with its square. Or use fewer pictures, or a machine with more
memory.
""",
    ),
    Code(
        "LEGO423",
        "a mask without its category",
        """\
`legonet check --data` found masks of pictures of a category in which no pixel belongs to it. Such a
picture says that the category is not there.

Look at the masks in a viewer: black pictures often come from a conversion that lost the numbers.
Leave the mask of such a picture out, or list it as `background`.
""",
    ),
)
