# SPDX-License-Identifier: Apache-2.0
"""The public headers and the API reference that docs/reference/ makes of their comments."""
import os
import re
import sys

import sentences

SOURCE = os.environ["OSH_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "docs", "reference"))
import headers  # noqa: E402
import pages  # noqa: E402

INCLUDE = os.path.join(SOURCE, "sdk", "include", "openshell")
REFERENCE = headers.of_arguments([INCLUDE, *sys.argv[1:]])
# Names that are made of pieces within the macros of events and of the rules of L7.
PIECE = re.compile(r"OSH_EVENT_|osh_event_$|OshEventRow$|OSH_L7_RULE_")
FIXTURE = """/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h: a door, as in osh_door_open().
 */
#pragma once
/** OSH_DOOR_MAX: the widest %OshDoor. */
#define OSH_DOOR_MAX 7
/**
 * OshDoor:
 * @width: in metres, up to %OSH_DOOR_MAX
 *
 * A door.
 */
typedef struct {
    int width;
} OshDoor;
/**
 * osh_door_open:
 * @door: (nullable): the door; @width of it must be known
 *
 * [any] Returns: whether #OshDoor is open. Since: 1.0
 */
static inline int
osh_door_open(OshDoor *door)
{
    return door != 0;
}
"""


def mistakes(*kinds):
    found = [f"{header.name}:{header.line(offset)}: {words}" for header, offset, words in REFERENCE.mistakes()
             if any(kind in words for kind in kinds)]
    return f"{len(found)}: " + ", ".join(found) if found else ""


def mistakes_of(text):
    return [words for _, _, words in headers.of_texts([("door.h", "door.h", text)]).mistakes()]


def the_reader_knows_every_name_that_a_public_header_uses():
    assert len(REFERENCE.headers) > 50, REFERENCE.headers
    unknown = []
    for header in REFERENCE.headers:
        code = re.sub(r'"[^"\n]*"', "", headers.COMMENT.sub("", header.text))
        unknown += [f"{header.name}: {name}" for name in re.findall(r"\b(?:Osh[A-Z]|osh_[a-z]|OSH_[A-Z])\w*", code)
                    if name not in REFERENCE.names and not PIECE.match(name)]
    assert not unknown, unknown


def every_public_symbol_has_a_comment_that_names_it():
    assert not mistakes("has no comment", "is empty", "no comment says"), mistakes("has no comment", "is empty",
                                                                                  "no comment says")


def every_comment_names_a_symbol_of_its_header():
    kinds = "the comment names", "a second comment"
    assert not mistakes(*kinds), mistakes(*kinds)


def a_comment_of_a_function_names_no_parameter_that_it_does_not_have():
    kinds = "has no @", "is no parameter and no member"
    assert not mistakes(*kinds), mistakes(*kinds)


def a_comment_refers_to_no_symbol_that_does_not_exist():
    assert not mistakes("is not there"), mistakes("is not there")


def each_mistake_in_a_comment_is_reported():
    assert mistakes_of(FIXTURE) == [], mistakes_of(FIXTURE)
    for piece, wrong, words in (
            ("/** OSH_DOOR_MAX: the widest %OshDoor. */\n", "", "OSH_DOOR_MAX has no comment"),
            (" * osh_door_open:\n", " * osh_door_close:\n", "the comment names osh_door_close, which is not there"),
            (" * osh_door_open:\n", " * Opens it.\n", "the comment names no symbol"),
            (" * osh_door_open:\n", " * OshDoor:\n", "OshDoor has a second comment"),
            (" * @door:", " * @gate:", "osh_door_open has no @gate"),
            (" * @width: in", " * @breadth: in", "OshDoor has no @breadth"),
            ("; @width of it", "; @weight of it", "osh_door_open: @weight is no parameter and no member"),
            ("#OshDoor is", "#OshGate is", "#OshGate is not there"),
            ("%OSH_DOOR_MAX", "%OSH_DOOR_MIN", "%OSH_DOOR_MIN is not there"),
            ("as in osh_door_open()", "as in osh_door_shut()", "osh_door_shut() is not there"),
            ("/*\n * door.h: a door, as in osh_door_open().\n */\n", "", "no comment says what the header is about"),
            (" the widest %OshDoor. */", " */", "the comment of OSH_DOOR_MAX is empty")):
        assert FIXTURE.count(piece) == 1, piece
        assert words in mistakes_of(FIXTURE.replace(piece, wrong)), (piece, wrong, mistakes_of(FIXTURE.replace(piece, wrong)))


def the_reference_has_a_page_for_each_header_and_no_dead_link():
    made = pages.pages(REFERENCE)
    assert len(made) == len(REFERENCE.headers) + 1
    places = {page: set(re.findall(r'\bid=["\']([^"\']+)', text)) for page, text in made.items()}
    dead = []
    for page, text in made.items():
        assert "\0" not in text and "\1" not in text and "|[" not in text, page
        for to, place in re.findall(r'href="([^"#]*)#?([^"]*)"', text):
            if (to or page) not in places or (place and place not in places[to or page]):
                dead.append(f"{page}: {to}#{place}")
    assert not dead, dead
    for header in REFERENCE.headers:
        assert f'href="{pages.page_of(header)}"' in made["index.html"], header.name


def a_page_shows_what_a_comment_says():
    text = pages.pages(headers.of_texts([("door.h", "door.h", FIXTURE)]))["door.html"]
    for piece in ('<h3 id="osh_door_open">osh_door_open <span class="thread">any</span>',
                  "osh_door_open(<a href=\"door.html#OshDoor\">OshDoor</a> *door)</pre>",
                  '<dt>door</dt><dd><span class="note">nullable</span> the door;',
                  "<b>Returns:</b> whether <code><a href=\"door.html#OshDoor\">OshDoor</a></code> is open.",
                  "<b>Since:</b> 1.0", "<p>A door, as in <code>"):
        assert piece in text, (piece, text)


TESTS = (the_reader_knows_every_name_that_a_public_header_uses, every_public_symbol_has_a_comment_that_names_it,
         every_comment_names_a_symbol_of_its_header, a_comment_of_a_function_names_no_parameter_that_it_does_not_have,
         a_comment_refers_to_no_symbol_that_does_not_exist, each_mistake_in_a_comment_is_reported,
         the_reference_has_a_page_for_each_header_and_no_dead_link, a_page_shows_what_a_comment_says)

if __name__ == "__main__":
    sys.exit(sentences.run(TESTS))
