"""The networks that an artifact was built with, and whether they still have the same weights.

A content key holds the recipes of those networks. A network that was lost and built again, for
instance on another machine, has the same recipe but may have other bits; what was learned with the
old ones is then out of date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from legonet.building.storage.store import Artifact


def with_other_weights(
    artifact: Artifact, networks: Mapping[str, str], digests: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the networks that no longer have the weights that an artifact was built with.

    Args:
        artifact: What was built.
        networks: The networks' names by role, as a step `needs` them.
        digests: The digest of each built network's weights, by name.

    Returns:
        Their names, each once; none for an artifact that is up to date. A network that is not
        built, or whose digest the certificate does not hold, is not among them.
    """
    then = artifact.certificate.get("dependencies", {})
    changed = (
        name
        for role, name in networks.items()
        if role in then and name in digests and then[role] != digests[name]
    )
    return tuple(dict.fromkeys(changed))


def beside_other_weights(names: Sequence[str]) -> str:
    """Return the reason for building a step again whose networks now have other weights."""
    return f"built with other weights of {' and '.join(f'`{name}`' for name in names)}"
