# SPDX-License-Identifier: Apache-2.0
"""YAML as the policy files use it: the core schema, no anchors, no tags, no merge keys, no duplicate
keys, and the limits of 45-openshell-0.1 section 2."""
import re

import yaml


MAX_DEPTH, MAX_NODES, MAX_ENTRIES, MAX_BYTES = 64, 100000, 10000, 4 * 1024 * 1024


class DocumentError(Exception):
    pass


def _check_size(root):
    todo, nodes = [(root, 0)], 0
    while todo:
        node, depth = todo.pop()
        nodes += 1
        if not isinstance(node, yaml.ScalarNode):
            parts = [part for pair in node.value for part in pair] if \
                isinstance(node, yaml.MappingNode) else node.value
            todo += [(part, depth + 1) for part in parts]
            if depth + 1 > MAX_DEPTH or len(node.value) > MAX_ENTRIES:
                raise DocumentError("too deep or too many entries")
        if nodes > MAX_NODES:
            raise DocumentError("too large")


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
    yaml_implicit_resolvers = {}

    def construct_document(self, node):
        _check_size(node)
        return super().construct_document(node)

    def construct_mapping(self, node, deep=False):
        if any(key.value == "<<" and not key.style for key, _ in node.value):
            raise DocumentError("merge key")
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise DocumentError("duplicate key")
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
        ("null", r"null|Null|NULL|~|", "~nN\0"), ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")):
    _Loader.add_implicit_resolver("tag:yaml.org,2002:" + _tag, re.compile(f"^(?:{_pattern})$"),
                                  list(_first.replace("\0", "")) + [""] * ("\0" in _first))


def _refuse_anchors(text):
    if any(isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or
           getattr(event, "tag", None) for event in yaml.parse(text, Loader=_Loader)):
        raise DocumentError("anchor, alias or tag")


def read(text):
    if len(text.encode()) > MAX_BYTES:
        raise DocumentError("too large")
    try:
        _refuse_anchors(text)
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DocumentError(str(error)) from error


class _Dumper(yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper):
    def ignore_aliases(self, _data):
        return True


def write(document, flow=False):
    """The same document, with indentation or with braces, and quotes only where they are needed."""
    return yaml.dump(document, Dumper=_Dumper, default_flow_style=flow, allow_unicode=True,
                     sort_keys=False)
