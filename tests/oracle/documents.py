# SPDX-License-Identifier: Apache-2.0
"""YAML as the policy files use it: the core schema, no anchors, no tags, no duplicate keys."""
import re

import yaml


class DocumentError(Exception):
    pass


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
    yaml_implicit_resolvers = {}

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "anchor", None):
            raise DocumentError("anchor or alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
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


def read(text):
    try:
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
