#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pages.py OUT-FOLDER DEPFILE INCLUDE-FOLDER HEADER...: writes the API reference.

One HTML page for each header and an index, without scripts and without a style from elsewhere. A
mistake in a comment (headers.py) ends it with exit code 1 and a line FILE:LINE: WORDS for each.
"""
import html
import os
import re
import shutil
import sys

import headers

GROUPS = (
    ("Plugin and host", r"(?!ext/|util/|testing/|event-|session)"),
    ("Events", r"event-"),
    ("Stable contracts", r"ext/(?!draft/)"),
    ("Draft contracts, which may change in every release", r"ext/draft/"),
    ("Helper library (openshell-util-1)", r"util/"),
    ("Test harness (openshell-testing-1)", r"testing/"),
    ("Session socket", r"session"),
)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; overflow-wrap: break-word }
a { color: #0550ae; text-decoration: none } a:hover { text-decoration: underline }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 1px solid #ccc }
h3 { font: bold 1rem monospace; margin: 2.2rem 0 .5rem; border-top: 1px solid #ddd; padding-top: .8rem }
h3 small { font: .85rem system-ui, sans-serif; color: #666; float: right }
code, pre { font-family: monospace; font-size: .9rem }
pre { background: #f6f6f4; padding: .6rem .8rem; overflow-x: auto; line-height: 1.35 }
dt { font-family: monospace; font-size: .9rem; margin-top: .3rem } dd { margin-left: 2rem }
table { border-collapse: collapse } td { padding: .15rem 1rem .15rem 0; vertical-align: top }
td:first-child { white-space: nowrap }
.thread { background: #e4edd9; border-radius: .3rem; padding: 0 .3rem; font-size: .85em }
.note { color: #666; font-size: .9em } .columns { columns: 18rem; list-style: none; padding: 0 }
"""
ANNOTATION = re.compile(r"\A(?:\((?:nullable|transfer|array|out|inout|optional|element-type|not nullable)[^)]*\)[:.]?\s*)+")
# "End of bytes. ..." begins a part of what is said about a header.
HEADING = re.compile(r"<p>([A-Z][a-z]+(?: [a-z]+){0,3}\.)(?=\s)")
LEADING_THREAD = re.compile(r"\A\s*\[(?:main|shard|worker|any)\](?: or \[\w+\])*\s*")
# What stands for itself in a text, in the order in which it is tried.
TOKEN = re.compile(r"`(?P<code>[^`]+)`"
                   r"|(?P<thread>\[(?:main|shard|worker|any)\])"
                   r"|@(?P<name>\w+)"
                   r"|[#%](?P<marked>\w+)(?P<marked_call>\(\))?"
                   r"|(?P<header>\b(?:[a-z0-9-]+/)*[a-z0-9-]+\.h\b)"
                   r"|(?P<word>\b\w+)(?P<call>\(\))?")


def page_of(header):
    return header.name[:-2].replace("/", "-") + ".html"


class Writer:
    """Makes the pages of a headers.Reference."""

    def __init__(self, reference):
        self.reference = reference
        self.pages = {header.name: header for header in reference.headers}

    def link(self, name, shown, here=None):
        """`shown` as a link when `name` is a public symbol, and not the one that is `here`."""
        found = self.reference.names.get(name)
        if not found or name == here or headers.INTERNAL.match(name):
            return shown
        return f'<a href="{page_of(found[0])}#{name}">{shown}</a>'

    def token(self, match):
        part = match.groupdict()
        if part["code"]:
            return f"<code>{self.code(part['code'])}</code>"
        if part["thread"]:
            return f'<span class="thread">{part["thread"][1:-1]}</span>'
        if part["name"]:
            return f"<code>{part['name']}</code>"
        if part["header"]:
            short = [name for name in self.pages if name.split("/")[-1] == part["header"].split("/")[-1]]
            return f'<a href="{page_of(self.pages[short[0]])}">{part["header"]}</a>' if short else part["header"]
        name = part["marked"] or part["word"]
        shown = name + (part["marked_call"] or part["call"] or "")
        if part["marked"] or part["call"] or name in self.reference.names:
            return f"<code>{self.link(name, shown)}</code>"
        return html.escape(shown)

    def inline(self, text):
        """A piece of prose, with its links."""
        out, at = [], 0
        for match in TOKEN.finditer(text):
            out += [html.escape(text[at:match.start()], quote=False), self.token(match)]
            at = match.end()
        return "".join(out) + html.escape(text[at:], quote=False)

    def code(self, text, here=None):
        """C, with links from the names of symbols."""
        return re.sub(r"\b(?:Osh|osh_|OSH_)\w+", lambda match: self.link(match.group(), match.group(), here),
                      html.escape(text, quote=False))

    def prose(self, text):
        """Paragraphs, lists, indented tables and examples."""
        out = []
        for i, piece in enumerate(re.split(r"\|\[(?:<!--.*?-->)?\n?(.*?)\]\|", text, flags=re.S)):
            if i % 2:
                out.append(f"<pre>{self.code(piece.rstrip())}</pre>")
                continue
            for paragraph in re.split(r"\n\s*\n", piece):
                out.append(self.paragraph(paragraph.strip("\n")))
        return "\n".join(one for one in out if one)

    def paragraph(self, text):
        lines = text.split("\n")
        listed = next((i for i, line in enumerate(lines) if line.startswith("- ")), None)
        indented = next((i for i, line in enumerate(lines) if re.match(r" {2,}\S", line)), None)
        if not text.strip():
            return ""
        if listed is not None:
            items = re.split(r"^- ", "\n".join(lines[listed:]), flags=re.M)[1:]
            return self.paragraph("\n".join(lines[:listed])) + "<ul>" + "".join(
                f"<li>{self.inline(' '.join(item.split()))}</li>" for item in items) + "</ul>"
        if indented is not None:
            end = next((i for i in range(indented, len(lines)) if not lines[i].startswith("  ")), len(lines))
            return (self.paragraph("\n".join(lines[:indented])) + self.table(lines[indented:end])
                    + self.paragraph("\n".join(lines[end:])))
        return f"<p>{self.inline(sentence(text))}</p>"

    def table(self, lines):
        """Indented lines: rows of a word and a text, or an example."""
        rows = []
        for line in lines:
            row = re.match(r"  (\S+) {2,}(\S.*)", line)
            if row:
                rows.append(list(row.groups()))
            elif rows and line.startswith("     "):
                rows[-1][1] += " " + line.strip()
            else:
                return f"<pre>{self.code(chr(10).join(lines))}</pre>"
        return "<table>" + "".join(f"<tr><td>{self.inline(word)}</td><td>{self.inline(text)}</td></tr>"
                                   for word, text in rows) + "</table>"

    def annotated(self, text):
        """A text that may begin with `(nullable)` and its like."""
        text = " ".join(text.split())
        match = ANNOTATION.match(text)
        if not match:
            return self.inline(text)
        words = ", ".join(re.findall(r"\(([^)]*)\)", match.group()))
        return f'<span class="note">{html.escape(words)}</span> {self.inline(text[match.end():])}'

    def documentation(self, symbol):
        """(its threads, what the comment of a symbol says)."""
        summary, parameters, rest = symbol.comment.parts()
        # What stands before the parameters, and what behind.
        text, facts = summary.strip() + "\x01" + rest, []
        examples = []

        def keep(match):
            examples.append(match.group())
            return f"\0{len(examples) - 1}\0"

        text = headers.CODE.sub(keep, text)
        since = re.search(r"\s*\bSince:\s*([\w.]+?)\.?\s*(?=[\n\x01]|\Z)", text)
        if since:
            text = text[:since.start()] + text[since.end():]
            facts.append(("Since", since.group(1)))
        returns = re.search(r"\bReturns:(.*?)(?=\n\s*\n|\x01|\Z)", text, re.S)
        if returns:
            text = text[:returns.start()] + text[returns.end():]
            facts.insert(0, ("Returns", returns.group(1)))

        def restore(piece):
            return re.sub("\0(\\d+)\0", lambda match: examples[int(match.group(1))], piece)

        anchor = symbol.kind == "enum"
        items = "".join(f"<dt{f' id={name!r}' if anchor else ''}>{name}</dt><dd>{self.annotated(restore(said))}</dd>"
                        for name, said in parameters)
        threads = []
        pieces = []
        for piece in text.split("\x01"):
            thread = LEADING_THREAD.match(piece)
            threads += re.findall(r"\[(\w+)\]", thread.group()) if thread else []
            pieces.append(self.prose(restore(piece[thread.end():] if thread else piece)))
        return ("".join(f' <span class="thread">{one}</span>' for one in threads),
                pieces[0] + (f"<dl>{items}</dl>" if items else "") + pieces[1]
                + "".join(f"<p><b>{label}:</b> {self.annotated(restore(said))}</p>" for label, said in facts))

    def symbol(self, symbol):
        said = [name for name, _ in symbol.comment.parts()[1]] if symbol.comment else []
        # A link to a constant needs a place to go to, also where no line of the comment names it.
        anchors = "".join(f'<span id="{name}"></span>' for name in symbol.parameters
                          if symbol.kind == "enum" and name not in said)
        text = re.sub(r"[ \t]+$|^[ \t]*\n", "", symbol.text, flags=re.M)
        if symbol.comment and "/*< private >*/" in self.private.get(symbol.name, ""):
            text = re.sub(r"\{.*\}", "{ /* private */ }", text, flags=re.S)
        if symbol.made:
            return f'<pre id="{symbol.name}">{self.code(text, symbol.name)}</pre>\n'
        threads, documentation = self.documentation(symbol) if symbol.comment else ("", "")
        return (f'<h3 id="{symbol.name}">{symbol.name}{threads}<small>{symbol.kind}</small></h3>{anchors}\n'
                f"<pre>{self.code(text, symbol.name)}</pre>\n{documentation}\n")

    def shown(self, header):
        return [symbol for symbol in header.symbols.values() if not headers.INTERNAL.match(symbol.name)]

    @staticmethod
    def is_for_readers(header, note):
        """Whether what stands below a comment is a public symbol."""
        below = [symbol for symbol in header.symbols.values() if symbol.offset > note.offset]
        return bool(below) and not headers.INTERNAL.match(below[0].name)

    @staticmethod
    def title(header):
        """What a header is, from its first comment."""
        text = header.notes[0].text.strip()
        return sentence(re.sub(r"\A[\w/.-]+\.h:\s*", "", text))

    def header_page(self, header):
        self.private = {}
        for symbol in header.symbols.values():
            body = re.search(r"\{.*?^\} " + symbol.name, header.text[symbol.offset:], re.S | re.M)
            if symbol.kind == "struct" and body and not symbol.made:
                self.private[symbol.name] = body.group()
        symbols = self.shown(header)
        notes = [note for note in header.notes[1:] if self.is_for_readers(header, note)]
        first, end, more = self.prose(self.title(header)).partition("</p>")
        out = [f"<h1>{header.name}</h1>", f"<pre>#include &lt;openshell/{header.name}&gt;</pre>",
               first + end + HEADING.sub(r"<p><b>\1</b>", more)]
        if symbols:
            out.append("<h2>Symbols</h2><ul class=\"columns\">" + "".join(
                f'<li><a href="#{one.name}"><code>{one.name}</code></a></li>' for one in symbols if not one.made)
                + "</ul><h2>Description</h2>")
        for one in symbols:
            while notes and notes[0].offset < one.offset:
                out.append("<hr>" + self.prose(notes.pop(0).text))
            out.append(self.symbol(one))
        return page(header.name, '<p><a href="index.html">Index</a></p>' + "\n".join(out))

    def index_page(self):
        out = ["<h1>API reference of openshell-host</h1>",
               '<p>For authors of plugins. Begin with <a href="plugin.html">plugin.h</a>: what a plugin '
               'is, its states and threads, and a complete one. Each function says on which threads it may be '
               'called: <span class="thread">main</span> <span class="thread">shard</span> '
               '<span class="thread">worker</span> <span class="thread">any</span>.</p>']
        for title, pattern in GROUPS:
            rows = [f'<tr><td><a href="{page_of(header)}"><code>{header.name}</code></a></td>'
                    f"<td>{self.inline(first_sentence(self.title(header)))}</td></tr>"
                    for header in self.reference.headers if re.match(pattern, header.name)]
            out.append(f"<h2>{title}</h2><table>{''.join(rows)}</table>")
        names = sorted((symbol.name for header in self.reference.headers for symbol in self.shown(header)),
                       key=str.lower)
        out.append("<h2>All symbols</h2><ul class=\"columns\">" + "".join(
            f"<li><code>{self.link(name, name)}</code></li>" for name in names) + "</ul>")
        return page("API reference of openshell-host", "\n".join(out))


def sentence(text):
    """Begins with a capital letter, if with a word at all."""
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?:[ ,;:]|\Z)", text) else text


def first_sentence(text):
    text = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0]


def page(title, body):
    return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            f"<title>{title}</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n")


def pages(reference):
    """Name of each page → its text."""
    writer = Writer(reference)
    made = {page_of(header): writer.header_page(header) for header in reference.headers}
    made["index.html"] = writer.index_page()
    return made


def main():
    out, depfile, *arguments = sys.argv[1:]
    reference = headers.of_arguments(arguments)
    mistakes = list(reference.mistakes())
    for header, offset, words in mistakes:
        print(f"{header.path}:{header.line(offset)}: {words}", file=sys.stderr)
    if mistakes:
        return 1
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    for name, text in pages(reference).items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    # The folders too, so that a new header is seen.
    read = {header.path for header in reference.headers}
    read |= {os.path.dirname(path) for path in read} | {headers.__file__}
    with open(depfile, "w", encoding="utf-8") as stream:
        stream.write(f"{out}: {' '.join(sorted(read))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
