"""Diagnostic codes of pictures and labels."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO401",
        "a source's folder or file is missing",
        """\
A `data` block names a folder or file that is not there. Nothing can be said about its pictures
without it: neither what a network would be trained on nor whether that has changed.

Check the path. A relative path is relative to the spec that it stands in, not to the folder in
which `legonet` was started. `cifar10`, `voc`, `sbd` and `oxford_pets` look for the data set in
the layout in which torchvision unpacks it, and download it with `download: true`. `pascal_part`
looks for `Annotations_Part`, `JPEGImages` and `ImageSets` in one folder.
""",
    ),
    Code(
        "LEGO402",
        "a manifest is malformed",
        """\
`manifest(DIR)` reads `DIR/manifest.csv`, a table in UTF-8 whose first line names its columns:

| column | holds |
| --- | --- |
| `path` | the picture's file, relative to the folder |
| `category` | what it shows; `background` for none of the categories |
| `split` | `train` or `test` |
| `mask_path` | optional: the mask's file, relative to the folder; may be empty |
| `source` | optional: where the picture comes from, for `manifest(DIR, only: \"...\")` |

Other columns are left alone. Correct the row that the message names; rows are counted from 1 for
the line of column names.
""",
    ),
    Code(
        "LEGO403",
        "a listed picture is missing",
        """\
A manifest or a data set's list names a picture or mask that is not there. Leaving it out would
silently train on other pictures than the list says, so the work stops.

Restore the file, or take it off the list.
""",
    ),
    Code(
        "LEGO404",
        "a picture cannot be read",
        """\
A file is there, but it cannot be decoded: it is damaged, cut short, or no picture at all; or it
has more than 8 bits a channel, and which part of its range matters is not for legonet to guess.
Leaving it out would silently train on fewer pictures than the source lists.

Open the file in a viewer. Replace it, save it with 8 bits a channel, or take it out of the source
or off the command line.
""",
    ),
    Code(
        "LEGO405",
        "a mask does not fit",
        """\
A mask has another size than its picture, or holds numbers that have no meaning. The masks of a
manifest are grey pictures of the size of their picture that hold 0 (not the category), 255 (the
category) and 128 (unknown, such as a border; neither a loss nor a score counts it). The masks of
PASCAL VOC hold 0 to 20 and 255 for unknown, those of Oxford-IIIT Pet 1 to 3, and those of
PASCAL-Part have to be of VOC's own pictures, not of resized ones.

Other numbers usually come from saving a mask as JPEG or from resizing it with smoothing. Save
masks as PNG and resize them to the nearest pixel.
""",
    ),
    Code(
        "LEGO406",
        "a source is laid out otherwise",
        """\
The folder or file is there, but holds something else than the source expects.

- `folder(DIR)`: `DIR/train/CATEGORY/PICTURE` and `DIR/test/CATEGORY/PICTURE` (or `val` in place
  of `test`), the same categories in both, and at least one picture in each. A category called
  `background` holds the background.
- `cifar10_jpeg(FILE)`: an `.npz` file with `train_jpeg` (the bytes of all JPEG pictures end to
  end), `train_offsets` (where each begins, and where the last one ends), `train_labels`, the same
  for `test`, and `classes`, the names of CIFAR-10's categories in their usual order.
- `cifar10`, `voc`, `sbd`, `oxford_pets`: the folders that torchvision unpacks.
- `pascal_part(DIR)`: `DIR/Annotations_Part/NAME.mat` and `DIR/JPEGImages/NAME.jpg` for the names
  in `DIR/ImageSets/Main/train.txt` and `val.txt` (or in `Segmentation`). Names without annotation
  are left out, since PASCAL-Part annotates the pictures of VOC 2010 and later lists are longer.

Bring it into that layout. A download that was cut short is removed and downloaded again.
""",
    ),
    Code(
        "LEGO407",
        "a data set could not be downloaded",
        """\
The spec says `download: true`, the data set is not there, and torchvision could not download
it: there is no network, the server is gone, or the disk is full.

Mend that and build again, or fetch the data set by other means and unpack it as torchvision does.
""",
    ),
    Code(
        "LEGO408",
        "a source of another package failed",
        """\
A source that legonet does not know is looked up among the installed packages, at the entry point
group `legonet.sources`. Either no package registers the name, or its code raised an error, or it
returned something else than a `legonet.data.Source`.

Install the package, or correct its arguments. An author registers a callable that takes the
arguments of the spec by name:

```toml
[project.entry-points.\"legonet.sources\"]
microscope = \"microscope.legonet:MicroscopeSource\"
```
""",
    ),
    Code(
        "LEGO411",
        "the source has no such category",
        """\
A recipe or an adapter asks for a category that the source does not have. Categories are the
names in a manifest's `category` column, the names of folders, or those of a published data set;
digits are `\"0\"` to `\"9\"`. `background` is no category: it is what a category is told from.

Correct the name, or use another source.
""",
    ),
    Code(
        "LEGO412",
        "the source has no masks",
        """\
`goal: segmentation` needs to know for the training pictures which pixels show what, and the
source has no masks. `digits`, `manifest` (with a column `mask_path`), `voc`, `sbd`, `pascal_part`
and `oxford_pets` have some.

Use one of these, or ask for `goal: classification`.
""",
    ),
    Code(
        "LEGO413",
        "background is no label here",
        """\
`background: true` makes background one label more beside those of the categories. It means
nothing for a network with a single `category`, whose one output already tells the category from
the background; and for classification the source must have background pictures.

Leave `background` out, or add background pictures to the source.
""",
    ),
    Code(
        "LEGO414",
        "there are no pictures for a question",
        """\
For one of the answers the source has no pictures in a split: of the category, of what it is told
from, or any at all. A network that saw one answer only would always give that one, and a test
split without pictures says nothing about it.

With `goal: segmentation` only pictures with masks count. Where a source has background pictures a
category is told from these, else from the pictures that do not show it. Add pictures, or ask
another question.
""",
    ),
    Code(
        "LEGO415",
        "too few pictures to draw from",
        """\
An adapter's `samples` and `unlabelled` pictures are drawn from the training pictures of its
category's question, half from the category and half from its background, and no picture is drawn
twice. There are fewer pictures than that.

Ask for fewer, or add pictures to the source.
""",
    ),
    Code(
        "LEGO416",
        "too many categories for masks",
        """\
A mask stores the number of a label in one byte, and one number is kept for unknown pixels. A
network that segments all categories at once can have at most 254 of them.

Ask for a single `category`, or keep fewer categories in the source.
""",
    ),
)
