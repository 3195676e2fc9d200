# SPDX-License-Identifier: Apache-2.0
"""Reads the public headers: their symbols, the comments of these, and the mistakes between both.

A comment is `/** NAME: text */`, or begins with a line ` * NAME:`. Below it stand lines `@parameter:
text`, then paragraphs, `Returns:` and `Since:`. A text refers to a symbol by `#Type`, `%CONSTANT`,
`function()` or the bare name. Only what our headers use of C is understood.
"""
import os
import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAMED = re.compile(r"/\*\*\s+(?:\* )?([A-Za-z_]\w*):", re.S)
DEFINE = re.compile(r"#\s*define\s+(\w+)(\([^)]*\))?[ \t]*(.*)", re.S)
ATTRIBUTE = re.compile(r"\b__attribute__\(\(.*?\)\)|\b(?:G_GNUC|OSH_AVAILABLE|OSH_DEPRECATED)_\w+(?:\([^)]*\))?")
EVENT = re.compile(r"^OSH_EVENT_DEFINE\((\w+), (\w+), (\w+)\)$", re.M)
EVENT_ROW = re.compile(r"\b(?:MEMBER|DETAIL|(FLAGGED))\((\w+), (\w+)")
# Invocations of macros that stand without a semicolon.
BARE = re.compile(r"^(?:G_(?:BEGIN|END)_DECLS|(?:G_DEFINE_AUTO|OSH_EVENT_DEFINE)\w*\([^)]*\))[ \t]*$", re.M)
REFERENCE = re.compile(r"[#%]?\b(?:Osh[A-Z]|osh_[a-z]|OSH_[A-Z]|openshell_plugin_v)\w*(?:\(\))?")
CODE = re.compile(r"\|\[.*?\]\||`[^`]*`", re.S)
# Pieces of the macros of events and plugins, which a plugin does not use.
INTERNAL = re.compile(r"OSH_EVENT_(?:C|TYPE|DECLARE|ROW)_|OSH_EVENT_\w+_MEMBERS$|OSH_PLUGIN_TYPES_")
# Interface ids and the table of topics have no comment of their own: the first one of their header
# says what they are, and tests/structure/ compares their rows.
NEEDS_NONE = re.compile(r"OSH_INTERFACE_|OSH_EVENT_TOPICS$")
# Names in a text that stand for any of their kind, as osh_event_NAME_pack() does.
PLACEHOLDER = re.compile(r"\w*(?:NAME|SYMBOL|symbol|Struct|_\Z)")


class Symbol:
    """`kind` is function, macro, struct, enum, callback, type or variable; `text` its declaration;
    `parameters` also members and constants; `inner` the parameters of members."""

    def __init__(self, name, kind, text, offset, parameters=(), inner=(), made=False):
        self.name, self.kind, self.text, self.offset = name, kind, text, offset
        self.parameters, self.inner, self.made = list(parameters), list(inner), made
        self.comment = None


class Comment:
    """`lines` are without their stars; a comment without a name belongs to what is below it."""

    def __init__(self, name, text, offset, end):
        self.name, self.offset, self.end = name, offset, end
        inner = re.sub(r"\A/\*\*?|\*/\Z", "", text)
        self.text = "\n".join(re.sub(r"^ ?\* ?", "", line).rstrip() for line in inner.strip().split("\n"))
        if name:
            self.text = re.sub(r"\A\s*" + name + r":[ \t]*\n?", "", self.text)

    def parts(self):
        """The summary, (parameter, text) pairs, and what follows."""
        summary, parameters, rest = [], [], []
        into = summary
        for line in self.text.split("\n"):
            match = re.match(r"@(\w+|\.\.\.):\s*(.*)", line) if into is not rest else None
            if match:
                into = [match.group(2)]
                parameters.append((match.group(1), into))
            elif line == "" and into is not rest:
                into = rest
            else:
                into.append(line)
        return "\n".join(summary), [(name, "\n".join(text)) for name, text in parameters], "\n".join(rest)


class Header:
    """One header: `name` as in `#include <openshell/NAME>`, its symbols in their order, `notes` the
    other comments of several lines between them, the first of which is about the header."""

    def __init__(self, name, path, text):
        self.name, self.path, self.text = name, path, text
        self.symbols, self.comments, self.notes = {}, [], []

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def add(self, symbol):
        old = self.symbols.get(symbol.name)
        # `typedef struct _X X;` before `struct _X {…};`; a macro that #if defines twice.
        if old is None or (old.kind == "type" and symbol.kind == "struct"):
            self.symbols[symbol.name] = symbol


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def split_top(text, separator):
    """`text` split at `separator` outside of any bracket."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "({[") - (char in ")}]")
        if char == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


def last_word(text):
    words = re.findall(r"\w+|\.\.\.", re.sub(r"\[[^]]*\]|:\s*\d+", "", text))
    return words[-1] if words else ""


def parameters_of(text):
    callbacks = [re.search(r"\(\*(\w+)\)", part) for part in split_top(text, ",")]
    return [found.group(1) if found else last_word(part)
            for found, part in zip(callbacks, split_top(text, ",")) if part != "void"]


def statements(code):
    """(offset, text) of each declaration at the top; bodies of functions are cut off."""
    start, depth, body = None, 0, None
    for i, char in enumerate(code):
        if start is None:
            if char.isspace():
                continue
            start = i
        depth += (char in "({") - (char in ")}")
        if char == "{" and depth == 1 and body is None and "static inline" in code[start:i]:
            body = i
        if depth == 0 and (char == ";" or (char == "}" and body is not None)):
            yield start, code[start:body if body is not None else i + 1].strip()
            start, body = None, None


def members_of(inside):
    """Names of the members in a body, and the names within these."""
    names, inner = [], []
    for member in split_top(inside, ";"):
        nested = re.search(r"\{(.*)\}", member, re.S)
        callback = re.search(r"\(\*(\w+)\)\s*\((.*)\)", member, re.S)
        if nested:
            below, deeper = members_of(nested.group(1))
            inner += below + deeper
        if callback and not nested:
            names.append(callback.group(1))
            inner += parameters_of(callback.group(2))
        else:
            names += [last_word(part) for part in split_top(member, ",")]
    return names, inner


def read_declaration(header, offset, text, macros):
    plain = " ".join(text.split())
    body = re.search(r"\{(.*)\}\s*(\w*)\s*;$", text, re.S)
    tag = re.match(r"(?:typedef )?(struct|enum|union)\b(?: _?(\w+))?", plain)
    if body and tag:
        name = body.group(2) or tag.group(2)
        if tag.group(1) == "enum":
            parts = split_top(body.group(1), ",")
            constants = [word for part in parts for word in constants_of(part, macros)]
            if any("(" in part and "=" not in part for part in parts):
                text = "typedef enum {\n" + "".join(f"    {one},\n" for one in constants) + "} " + name + ";"
            header.add(Symbol(name, "enum", text, offset, constants))
        else:
            header.add(Symbol(name, "struct", text, offset, *members_of(body.group(1))))
        return
    callback = re.match(r"typedef .*?\(\*(\w+)\)\s*\((.*)\);$", plain)
    function = re.match(r"[\w\s*]*?\b(\w+)\((.*?)\)\s*;?$", ATTRIBUTE.sub("", plain).strip())
    if callback:
        header.add(Symbol(callback.group(1), "callback", text, offset, parameters_of(callback.group(2))))
    elif plain.startswith("typedef "):
        header.add(Symbol(last_word(plain), "type", text, offset))
    elif plain.startswith("extern "):
        header.add(Symbol(last_word(plain), "variable", text, offset))
    elif function:
        header.add(Symbol(function.group(1), "function", text.rstrip(";"), offset,
                          parameters_of(function.group(2))))


def constants_of(part, macros):
    """The constants of one part of an enum: its name, or those of the rows of a table."""
    table = re.match(r"(\w+)\((\w+)\)\s*(\w*)", part)
    if not table:
        return re.findall(r"\A\w+", part)
    prefix = re.match(r"(\w+)##", macros.get(table.group(2), ""))
    rows = re.findall(r"^\s*\w+\((\w+),", macros.get(table.group(1), "").replace("\\", ""), re.M)
    return [prefix.group(1) + row for row in rows if prefix] + [table.group(3)] * bool(table.group(3))


def read_event(header, match, macros):
    symbol, lower, struct = match.groups()
    rows = EVENT_ROW.findall(macros.get(f"OSH_EVENT_{symbol}_MEMBERS", ""))
    kinds = {"BOOLEAN": "gboolean ", "STRING": "const char *", "STRINGS": "const char *const *"}
    members = []
    for flagged, kind, name in rows:
        members += [("gboolean ", "has_" + name)] * bool(flagged)
        members.append((kinds.get(kind, "g" + kind.lower() + " "), name))
    members.append(("GVariant *", "more"))
    header.add(Symbol("OshEvent" + struct, "struct", "typedef struct {\n" + "".join(
        f"    {kind}{name};\n" for kind, name in members) + "} OshEvent" + struct + ";",
        match.start(), [name for _, name in members]))
    for name, result, arguments in (
            ("layout", "const OshEventLayout *", "void"),
            ("pack", "GVariant *", f"const OshEvent{struct} *event"),
            ("unpack", "gboolean", f"GVariant *payload, OshEvent{struct} *ret_event"),
            ("clear", "void", f"OshEvent{struct} *event")):
        header.add(Symbol(f"osh_event_{lower}_{name}", "function", f"static inline {result}\n"
                          f"osh_event_{lower}_{name}({arguments})", match.start(),
                          parameters_of(arguments), made=True))


def preprocess(text, macros=None):
    """`text` without comments and directives; each macro is put into `macros`."""
    code = COMMENT.sub(blank, text)
    defines = []

    def directive(match):
        define = DEFINE.match(match.group())
        if define:
            defines.append((match.start(), define))
            if macros is not None:
                macros[define.group(1)] = define.group(3)
        return blank(match)

    code = re.sub(r"^#(?:.*\\\n)*.*$", directive, code, flags=re.M)
    return code, defines


def read_header(name, path, text, macros):
    header = Header(name, path, text)
    code, defines = preprocess(text)
    for offset, define in defines:
        macro, arguments, value = define.groups()
        # The rows of a table are worth reading; the body of another macro is not.
        one_line = "" if arguments or "\\" in value else value
        if arguments == "(X)":
            one_line = re.sub(r"[ \t]*\\$", " \\\\", value, flags=re.M)
        header.add(Symbol(macro, "macro", f"#define {macro}{arguments or ''} {one_line}".rstrip(), offset,
                          [] if arguments is None else parameters_of(arguments[1:-1])))
        if macro in re.findall(r"^#undef (\w+)", text, re.M):
            del header.symbols[macro]
    for match in EVENT.finditer(code):
        read_event(header, match, macros)
    for offset, declaration in statements(BARE.sub(blank, code)):
        read_declaration(header, offset, declaration, macros)
    header.symbols = dict(sorted(header.symbols.items(), key=lambda pair: pair[1].offset))
    read_comments(header, code)
    return header


def read_comments(header, code):
    depths = [0]
    for char in code:
        depths.append(depths[-1] + (char in "({") - (char in ")}"))
    for match in COMMENT.finditer(header.text):
        named = NAMED.match(match.group())
        if match.group().startswith("/**"):
            comment = Comment(named and named.group(1), match.group(), match.start(), match.end())
            below = re.match(r"\n#define (OSH_FACT_\w+) ", header.text[match.end():])
            if not named and below:
                comment.name = below.group(1)
            header.comments.append(comment)
            symbol = header.symbols.get(comment.name)
            if symbol and symbol.comment is None:
                symbol.comment = comment
        elif match.group().startswith("/*\n") and depths[match.start()] == 0:
            header.notes.append(Comment(None, match.group(), match.start(), match.end()))


class Reference:
    """All public headers, and where each name stands: name → (header, symbol)."""

    def __init__(self, headers):
        self.headers, self.names = headers, {}
        for header in headers:
            for symbol in header.symbols.values():
                self.names.setdefault(symbol.name, (header, symbol))
                if symbol.kind == "enum":
                    for constant in symbol.parameters:
                        self.names.setdefault(constant, (header, symbol))

    def mistakes(self):
        """(header, offset, words) of everything that is wrong."""
        for header in self.headers:
            for symbol in header.symbols.values():
                if symbol.comment is None and not (symbol.made or INTERNAL.match(symbol.name)
                                                   or NEEDS_NONE.match(symbol.name)):
                    yield header, symbol.offset, f"{symbol.name} has no comment"
            if not header.notes or header.notes[0].offset > header.text.find("#pragma"):
                yield header, 0, "no comment says what the header is about"
            for comment in header.comments:
                yield from self._mistakes_of(header, comment)
            for note in header.notes:
                yield from self._dead_references(header, note)

    def _mistakes_of(self, header, comment):
        symbol = header.symbols.get(comment.name)
        if comment.name is None:
            yield header, comment.offset, "the comment names no symbol"
        elif symbol is None:
            yield header, comment.offset, f"the comment names {comment.name}, which is not there"
        else:
            if symbol.comment is not comment:
                yield header, comment.offset, f"{comment.name} has a second comment"
            if not comment.text.strip():
                yield header, comment.offset, f"the comment of {comment.name} is empty"
            for name, _ in comment.parts()[1]:
                if name not in symbol.parameters:
                    yield header, comment.offset, f"{comment.name} has no @{name}"
            if symbol.kind in ("function", "struct", "callback"):
                known = self._names_around(symbol)
                for name in re.findall(r"(?<!\w)@(\w+)", CODE.sub("", comment.text)):
                    if name not in known:
                        yield header, comment.offset, f"{comment.name}: @{name} is no parameter and no member"
        yield from self._dead_references(header, comment)

    def _names_around(self, symbol):
        """What `@name` in the comment may be: parameters, and members of the types that stand there."""
        known = set(symbol.parameters + symbol.inner)
        for word in re.findall(r"\bOsh\w+", symbol.text):
            if word in self.names:
                known |= set(self.names[word][1].parameters)
        return known

    def _dead_references(self, header, comment):
        for mark in REFERENCE.findall(CODE.sub("", comment.text)):
            name = mark.lstrip("#%").removesuffix("()")
            if name not in self.names and not PLACEHOLDER.match(name):
                yield header, comment.offset, f"{mark} is not there"


def read(include, others):
    """The Reference of the headers below `include`, and of `others`: (name, path) pairs."""
    paths = list(others)
    for place, _, files in os.walk(include):
        paths += [(os.path.relpath(os.path.join(place, name), include), os.path.join(place, name))
                  for name in files if name.endswith(".h")]
    texts = []
    for name, path in sorted(paths):
        with open(path, encoding="utf-8") as stream:
            texts.append((name, path, stream.read()))
    return of_texts(texts)


def of_texts(texts):
    """The Reference of (name, path, text) triples."""
    macros = {}
    for _, _, text in texts:
        preprocess(text, macros)
    return Reference([read_header(name, path, text, macros) for name, path, text in texts])


def of_arguments(arguments):
    """The Reference of INCLUDE-FOLDER HEADER…; a header's folder is util/ or testing/."""
    include, *files = arguments
    return read(include, [(os.path.basename(os.path.dirname(os.path.abspath(path))) + "/"
                           + os.path.basename(path), path) for path in files])
