/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-json.h: one bus event as one line of JSON. Plain functions, [any].
 */
#pragma once

#include "openshell/event.h"

G_BEGIN_DECLS

/**
 * osh_event_append_json:
 * @line: the object is appended to it, without a newline
 * @event: the event
 *
 * {"id":…,"sequence":…,"time":"2026-01-31T10:20:30.123456Z","topic":…,"source":…,"count":…,
 * "process":…,"correlation":…,"payload":[…]}. The payload is an array in the order of the tuple;
 * a{sv} is an object. Integers are numbers, also beyond 2^53, as JSON allows. Bytes that are not
 * printable ASCII are escaped, so a line is safe on any terminal.
 */
void osh_event_append_json(GString *line, const OshEvent *event);

G_END_DECLS
