"""What the tests of several folders build on; each thing is built in one place.

| module | offers |
| --- | --- |
| `specs` | texts of small and large specs, and ways to write, plan and build them |
| `stores` | stores that look as if everything had been built, without torch and without training |
| `untrained` | specs of which everything is built, with random weights |
| `shades` | light and dark pictures, and networks whose answers about them are known |
| `exported` | a built spec with a path of each kind that can be exported |
| `zoo` | a spec with an edge in every state |
| `golden` | the cases of the pages in `docs/diagnostics` |
| `commands` | the command line, in this process or in one of its own |
| `reproduction` | the tool that reproduces the paper's experiments |
| `real_builds` | builds in processes of their own, which can be killed |
| `disk` | a disk of a few pages, which can be filled up and made read-only |
| `s3` | buckets of a real S3 server, and connections to it that break on demand |

What the tests of one folder alone need is in that folder.
"""
