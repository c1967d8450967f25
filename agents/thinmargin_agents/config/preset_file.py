"""A preset's YAML, read within bounds: no tag is obeyed, no alias grows, and nothing stands twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinmargin_agents.config.errors import ConfigError, shown

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 1 << 20
"""Bytes of a preset: those of rl-zoo3 have a hundredth of it."""
MOST_VALUES, DEEPEST = 20_000, 20
"""Values of a preset with every alias written out, and how deep they are nested."""
LONGEST = 200
"""Characters of another library's message."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, with texts, numbers, lists and mappings only.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than MOST_BYTES.
        ConfigError: it is no YAML, has a key twice, or more values than MOST_VALUES; the message has no file name.
    """
    import yaml  # noqa: PLC0415  # only a run needs it, not --help

    from thinmargin.files import read_text  # noqa: PLC0415  # --help needs no NumPy

    try:
        loader = yaml.SafeLoader(read_text(path, MOST_BYTES))
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node)
        return loader.construct_document(node)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"not a YAML file of plain values: {' '.join(str(error).split())[:LONGEST]}") from error


def _check(top: yaml.Node) -> None:
    """Raise ConfigError unless the values are few and flat, and no key stands twice in one mapping."""
    import yaml  # noqa: PLC0415  # as above

    waiting, count = [(top, 0)], 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise ConfigError(
                f"more than {MOST_VALUES:,} values, or nested deeper than {DEEPEST}, with every alias written out"
            )
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            waiting += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]


def _check_keys(node: yaml.MappingNode) -> None:
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = key.value if isinstance(key.value, str) else ""
        if name in found:
            first = found[name]
            raise ConfigError(
                f"line {key.start_mark.line + 1} has {shown(name)} a second time, with {_words(value)} after"
                f" {_words(first)} in line {first.start_mark.line + 1}: give it once"
            )
        if name:
            found[name] = value


def _words(node: yaml.Node) -> str:
    """A value as it is written, or what kind it is."""
    import yaml  # noqa: PLC0415  # as above

    if isinstance(node, yaml.ScalarNode):
        return shown(node.value)
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
