# SPDX-License-Identifier: Apache-2.0
"""The four matchers of the policy language, each as the set of places where a match can end.

Nothing here is clever: a pattern is a list of tokens, and `step` maps the set of positions reached
so far to the set reached after one more token. Written from reference 40-policy section 3.1 (glob),
section 6.1 (endpoint path) and 20-network section 10 (host pattern).
"""
import functools


class EvaluationError(Exception):
    """A pattern that cannot be read, or a NUL: the decision fails, so the caller must deny."""


class PatternError(Exception):
    """A host pattern that is refused where it is written."""


# ---- glob: hosts, binaries, rule paths, query values, GraphQL names, MCP methods and tools --------

SEPARATOR = "/"


def _delimit(text, delimiters):
    """Each delimiter becomes a component of its own between separators; "/" that is no delimiter
    becomes an ordinary byte. A NUL, which stands for that byte, is an error (section 3.1)."""
    if "\0" in text:
        raise EvaluationError("NUL")
    if "/" not in delimiters:
        text = text.replace("/", "\0")
    for delimiter in delimiters:
        if delimiter != "/":
            text = text.replace(delimiter, f"/{delimiter}/")
    return text


def _read_class(pattern, i):
    """pattern[i] is behind "[": (token, index behind "]"). The first "]" or "-" is a member."""
    negated = i < len(pattern) and pattern[i] in "!^"
    i += negated
    ranges, first, in_range = [], True, False
    while True:
        if i == len(pattern):
            raise EvaluationError("unclosed class")
        c, i = pattern[i], i + 1
        if c == "]" and not first:
            break
        if c == "-" and not first and not in_range:
            in_range = True
        elif in_range:
            ranges[-1] = (ranges[-1][0], c)
            if c < ranges[-1][0]:
                raise EvaluationError("range is backwards")
            in_range = False
        else:
            ranges.append((c, c))
        first = False
    if in_range:
        ranges.append(("-", "-"))
    return ("class", negated, ranges), i


def _read_glob(pattern):
    """Tokens of a pattern whose delimiter is "/". Branches of open braces are kept on a stack."""
    stack, branch, i = [], [], 0
    while i < len(pattern):
        c, before = pattern[i], pattern[i - 1] if i else ""
        i += 1
        if c == "?":
            branch.append(("any",))
        elif c == "[":
            token, i = _read_class(pattern, i)
            branch.append(token)
        elif c == "{":
            stack.append(([], branch))
            branch = []
        elif c == "}":
            if not stack:
                raise EvaluationError("unopened brace")
            branches, outer = stack.pop()
            outer.append(("branches", branches + [branch]))
            branch = outer
        elif c == "," and stack:
            stack[-1][0].append(branch)
            branch = []
        elif c == "\\":
            if i == len(pattern):
                raise EvaluationError("dangling escape")
            branch.append(("literal", pattern[i]))
            i += 1
        elif c == "*" and pattern[i:i + 1] == "*":
            i = _read_two_stars(pattern, i + 1, before, branch, bool(stack))
        elif c == "*":
            branch.append(("star",))
        else:
            branch.append(("literal", c))
    if stack:
        raise EvaluationError("unclosed brace")
    return branch


def _read_two_stars(pattern, i, before, branch, in_braces):
    """pattern[i] is behind "**". It is special only as a whole component; else it is two stars."""
    after = pattern[i:i + 1]
    if not branch:
        if after not in ("", SEPARATOR):
            branch += [("star",), ("star",)]
            return i
        branch.append(("leading",))
        return i + len(after)
    if before != SEPARATOR and not (in_braces and before in (",", "{")):
        branch += [("star",), ("star",)]
        return i
    ends = after == "" or (in_braces and after in ",}")
    if not ends and after != SEPARATOR:
        branch += [("star",), ("star",)]
        return i
    last = branch.pop()
    if last[0] in ("leading", "trailing"):
        branch.append(last)
    else:
        branch.append(("trailing",) if ends else ("middle",))
    return i if ends else i + 1


def _is_nothing(tokens):
    return all(t[0] == "branches" and all(_is_nothing(b) for b in t[1]) for t in tokens)


def _separators_from(value, start):
    return {i + 1 for i in range(start, len(value)) if value[i] == SEPARATOR}


def _step(token, value, places):
    kind, reached = token[0], set()
    if kind == "branches":  # an empty alternative does not count
        branches = [b for b in token[1] if not _is_nothing(b)]
        return _run(branches, value, places) if branches else places
    for i in places:
        here = value[i:i + 1]
        if kind == "literal" and here == token[1]:
            reached.add(i + 1)
        elif kind == "any" and here not in ("", SEPARATOR):
            reached.add(i + 1)
        elif kind == "class" and here and _in_class(token, here):
            reached.add(i + 1)
        elif kind == "star":
            reached.add(i)
            while i < len(value) and value[i] != SEPARATOR:
                i += 1
                reached.add(i)
        elif kind == "leading":  # nothing, or everything up to some separator
            reached |= {i} | _separators_from(value, i)
        elif kind == "middle" and here == SEPARATOR:
            reached |= {i + 1} | _separators_from(value, i + 1)
        elif kind == "trailing" and here == SEPARATOR:
            reached |= set(range(i + 1, len(value) + 1))
    return reached


def _in_class(token, character):
    return any(low <= character <= high for low, high in token[2]) != token[1]


def _run(branches, value, places):
    reached = set()
    for tokens in branches:
        now = places
        for token in tokens:
            now = _step(token, value, now)
        reached |= now
    return reached


@functools.lru_cache(maxsize=None)
def _glob_tokens(pattern, delimiters):
    return _read_glob(_as_bytes(_delimit(pattern, delimiters)))


def _as_bytes(text):
    """Matching is by bytes: "?" takes one byte. Latin-1 keeps each byte as one character."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@functools.lru_cache(maxsize=200000)
def glob(pattern, delimiters, value):
    """glob(pattern, delimiters, value); no delimiters means "." (section 3.1)."""
    delimiters = tuple(delimiters) or (".",)
    tokens = _glob_tokens(pattern, delimiters)
    value = _as_bytes(_delimit(value, delimiters))
    if tokens == [("leading",)]:
        return True
    return len(value) in _run([tokens], value, {0})


# ---- endpoint path: selects among the endpoints of one host and port (section 6.1) ----------------

def _read_simple(pattern):
    """Tokens of the simpler glob of endpoint paths and host labels, or None if it is malformed:
    no braces, no escapes, "*" and "?" take any character, three stars are malformed, and so are
    two that are not a whole component."""
    tokens, i, n = [], 0, len(pattern)
    while i < n:
        c = pattern[i]
        if c == "*":
            start = i
            while i < n and pattern[i] == "*":
                i += 1
            if i - start == 1:
                tokens.append(("star",))
                continue
            whole = (start == 0 or pattern[start - 1] == "/") and (i == n or pattern[i] == "/")
            if i - start > 2 or not whole:
                return None
            tokens.append(("components",))
            i += i < n
        elif c == "[":
            negated = pattern[i + 1:i + 2] == "!"
            start = i + 1 + negated
            end = pattern.find("]", start + 1)  # the first member may be "]"
            if start >= n or end < 0:
                return None
            tokens.append(("class", negated, _ranges(pattern[start:end])))
            i = end + 1
        else:
            tokens.append(("any",) if c == "?" else ("literal", c))
            i += 1
    return tokens


def _ranges(members):
    ranges, i = [], 0
    while i < len(members):
        is_range = i + 2 < len(members) and members[i + 1] == "-"
        ranges.append((members[i], members[i + 2 if is_range else i]))
        i += 3 if is_range else 1
    return ranges


def _simple_matches(tokens, value):
    places = {0}
    for token in tokens:
        reached = set()
        for i in places:
            if token[0] == "star":
                reached |= set(range(i, len(value) + 1))
            elif token[0] == "components":  # up to some "/", or to the end
                reached |= {i, len(value)} | _separators_from(value, i)
            elif i < len(value) and (
                    token[0] == "any" or
                    token[0] == "literal" and token[1] == value[i] or
                    token[0] == "class" and _in_class(token, value[i])):
                reached.add(i + 1)
        places = reached
    return len(value) in places


@functools.lru_cache(maxsize=None)
def endpoint_path(pattern, path):
    """Does an endpoint's `path` select this request?"""
    if pattern in ("", "**", "/**") or pattern == path:
        return True
    if pattern.endswith("/**"):
        return path == pattern[:-3] or path.startswith(pattern[:-2])
    tokens = _read_simple(pattern)
    return tokens is not None and _simple_matches(tokens, path)


# ---- host pattern: middleware selectors and explicit tcp hosts (20-network section 10) ------------

@functools.lru_cache(maxsize=None)
def host_labels(pattern):
    """The labels of a valid pattern; "**" stays a string, a glob is (text, tokens)."""
    if not pattern or any(c.isspace() or c in "{}" for c in pattern):
        raise PatternError(pattern)
    labels = []
    for label in lower(pattern).split("."):
        tokens = _read_simple(label)
        if label == "**":
            labels.append("**")
        elif not label or tokens is None:
            raise PatternError(pattern)
        else:
            labels.append((label, tokens))
    return tuple(labels)


def lower(text):
    """ASCII alone, whatever else is in it."""
    if text.isascii():
        return text.lower()
    return "".join(c.lower() if c.isascii() else c for c in text)


def _is_literal(label):
    return label != "**" and not any(c in "*?[" for c in label[0])


def _labels_match(labels, host):
    if not labels:
        return not host
    if not host:
        return False
    if labels[0] == "**":  # one or more
        return any(_labels_match(labels[1:], host[n:]) for n in range(1, len(host) + 1))
    return _simple_matches(labels[0][1], host[0]) and _labels_match(labels[1:], host[1:])


def host_matches(pattern, host):
    labels, parts = host_labels(pattern), lower(host).split(".")
    return all(parts) and _labels_match(labels, parts)


def _labels_overlap(left, right):
    """Both consume one common label at a time; two globs are presumed to have one in common."""
    if not left or not right:
        return not left and not right
    if left[0] != "**" and right[0] != "**" and not _label_overlap(left[0], right[0]):
        return False
    return (_labels_overlap(left[1:], right[1:]) or
            left[0] == "**" and _labels_overlap(left, right[1:]) or
            right[0] == "**" and _labels_overlap(left[1:], right))


def _label_overlap(left, right):
    if _is_literal(left):
        return left[0] == right[0] if _is_literal(right) else _simple_matches(right[1], left[0])
    return not _is_literal(right) or _simple_matches(left[1], right[0])


def host_overlaps(left, right):
    return _labels_overlap(host_labels(left), host_labels(right))


def selector_may_match(include, exclude, candidate):
    """Can the selector match a host of `candidate`? An exclusion counts only when it covers the one
    host in question, or is universal, or is spelled like one of the two."""
    if not include:
        raise PatternError("no include")
    for pattern in [*include, *exclude, candidate]:
        host_labels(pattern)
    return any(host_overlaps(one, candidate) and not _excluded(one, exclude, candidate)
               for one in include)


def _excluded(include, exclude, candidate):
    for host in (candidate, include):
        if all(_is_literal(label) for label in host_labels(host)):
            return any(host_matches(pattern, host) for pattern in exclude)
    spelled = ("**", lower(include), lower(candidate))
    return any(lower(pattern) in spelled for pattern in exclude)
