# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the plans of a box: its user, its environment, its mounts, what it is told."""

TESTS = "process-box"
P = "plugins/process/"
ROWS = [
    # the environment
    (P + "programs/environment.c", "if (g_str_has_prefix(name, LOADER_PREFIX)) {", "if (FALSE) {", "process-environment"),
    (P + "programs/environment.c", "if (g_strv_contains(supervisor_names, name)) {", "if (FALSE) {", "process-environment"),
    (P + "programs/environment.c", "if (length == 1 && stem[0] == '*') {", "if (FALSE) {", "process-environment"),
    (P + "programs/environment.c", "if (!check_name(request->contributions[i].name,", "if (FALSE && !check_name(request->contributions[i].name,", "process-environment"),
    (P + "programs/environment.c", "if (check_user_name(name, \"\", NULL))", "if (check_name(name, \"\", NULL))", "process-environment"),
    (P + "programs/environment.c", "strncmp(pattern, name, length - 1) == 0", "strncmp(pattern, name, length) == 0", "process-environment"),
    (P + "programs/environment.c", "    set(table, \"PATH\", DEFAULT_PATH);\n", "", "process-environment"),
    (P + "programs/environment.c", "if (length == 0 || g_ascii_isdigit(name[0]))", "if (length == 0)", "process-environment"),
    (P + "programs/environment.c", "    \"OPENSHELL_TLS_KEY\",\n", "", "process-environment"),
    # limits
    (P + "programs/program-limits.c", "if (ret_limit->soft > ret_limit->hard) {", "if (FALSE) {", "process-program-limits"),
    (P + "programs/program-limits.c", "limit->hard <= (guint64)own.rlim_max", "TRUE", "process-program-limits"),
    (P + "programs/program-limits.c", "parse_value(values[n_values - 1], &ret_limit->hard)", "parse_value(values[0], &ret_limit->hard)", "process-program-limits"),
    (P + "programs/program-limits.c", "limits, OshBoxLimit, k).resource != limit.resource)\n                continue;", "limits, OshBoxLimit, k).resource != limit.resource || TRUE)\n                continue;", "process-program-limits"),
    (P + "programs/program-limits.c", "{\"nproc\", RLIMIT_NPROC},", "{\"nproc\", RLIMIT_NOFILE},", "process-program-limits"),
    (P + "programs/program-limits.c", "if (limit == OSH_PID_LIMIT_LIMITED || !required)", "if (limit != OSH_PID_LIMIT_UNAVAILABLE || !required)", "process-program-limits"),
    (P + "programs/program-limits.c", "return OSH_PID_LIMIT_UNAVAILABLE;\n    if (ret_limit != NULL)", "return OSH_PID_LIMIT_UNLIMITED;\n    if (ret_limit != NULL)", "process-program-limits"),
    # who the box is
    (P + "programs/identity.c", "if (identity->uid == 0) {", "if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "if (*ret_gid == 0) {", "if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "if (identity->gid == 0) {", "if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "if (!request->keep_own) {", "if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "} else if (!has_gid) {", "} else if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "if (request->groups != NULL && request->groups[0] != NULL) {", "if (FALSE) {", "process-identity"),
    (P + "programs/identity.c", "identity->uid = request->uid;\n    identity->gid = request->gid;", "identity->uid = request->uid;", "process-identity"),
    (P + "programs/identity.c", "!g_str_has_suffix(shell, \"/nologin\") &&", "", "process-identity"),
    (P + "programs/identity.c", "text, 10, 0, HIGHEST_ID, &id, NULL)", "text, 10, 0, G_MAXUINT32, &id, NULL)", "process-identity"),
    (P + "programs/identity.c", "uid == request->uid;\n    return find_account", "TRUE;\n    return find_account", "process-identity"),
    # the user of an image
    (P + "programs/image-user.c", "O_RDONLY | O_NOFOLLOW | O_NONBLOCK", "O_RDONLY | O_NONBLOCK", "process-image-user"),
    (P + "programs/image-user.c", "strlen(text) != length ||", "", "process-image-user"),
    (P + "programs/image-user.c", "if (*ret_found)\n            return fail(", "if (FALSE)\n            return fail(", "process-image-user"),
    (P + "programs/image-user.c", "fields[by_id ? 2 : 0]", "fields[by_id ? 3 : 0]", "process-image-user"),
    (P + "programs/image-user.c", "if (is_set(image))\n            return fail(", "if (FALSE)\n            return fail(", "process-image-user"),
    (P + "programs/image-user.c", "if (is_set(uid) != is_set(gid))", "if (FALSE)", "process-image-user"),
    (P + "programs/image-user.c", "if (strlen(lines[i]) <= MAX_LINE)", "if (TRUE)", "process-image-user"),
    (P + "programs/image-user.c", "if (g_str_equal(text, \"root\") || g_str_equal(text, \"0\"))", "if (g_str_equal(text, \"root\"))", "process-image-user"),
    (P + "programs/image-user.c", "g_unichar_isspace(g_utf8_get_char(g_utf8_prev_char(text + length)))", "FALSE", "process-image-user"),
    (P + "programs/image-user.c", "return !is_set(text) || g_str_equal(text, NAMED_USER);", "return !is_set(text);", "process-image-user"),
    (P + "programs/image-user.c", "if (i == 0 || g_array_index(ids, guint32, i) != g_array_index(ids, guint32, i - 1))", "if (TRUE)", "process-image-user"),
    # the request to init
    (P + "box/box-plan.c", "table.count--;", "", "process-box"),
    (P + "box/box-plan.c", "F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", "F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW", "process-box-plan process-box process-box-refused"),
    (P + "box/box-plan.c", "if (writer->bytes->len > OSH_INIT_MAX_PLAN) {", "if (FALSE) {", "process-box-plan process-box process-box-refused"),
    (P + "box/box-plan.c", "if (bytes->len % 8 != 0)", "if (FALSE)", "process-box-plan process-box"),
    (P + "box/box-request.c", "geteuid() != 0 && (plan->uid != geteuid() || plan->gid != getegid())", "FALSE", "process-box-plan process-box-refused process-box-refused-ordinary-user"),
    (P + "box/box-request.c", "if (plan->uid == 0 || plan->gid == 0) {", "if (plan->uid == 0) {", "process-box-plan process-box-refused"),
    (P + "box/box-request.c", "if (plan->socket_count > OSH_INIT_MAX_SOCKETS) {", "if (FALSE) {", "process-box-plan process-box-refused"),
    (P + "box/box-request.c", "launch->argv[0] == NULL || launch->argv[0][0] == '\\0'", "launch->argv[0] == NULL", "process-box-plan process-box-refused"),
    (P + "box/box-request.c", "complete = reports[i].done == 1;", "complete = TRUE;", "process-box-plan process-box-refused"),
    (P + "box/box-request.c", "table[i].soft = limits[i].soft;", "table[i].soft = limits[i].hard;", "process-box-plan"),
    (P + "box/box-request.c", "if (plan->mounts->root_read_only)", "if (FALSE)", "process-box-plan"),
    (P + "box/box-request.c", "launch->group_count > OSH_INIT_MAX_GROUPS", "FALSE", "process-box-plan process-box-refused"),
    # mounts
    (P + "tree/mount-plan.c", "    if (is_fresh(resolved))\n        return TRUE;", "", "process-mount-plan process-box-tree e2e-box"),
    (P + "tree/mount-plan.c", "if (planner->request->hard_requirement) {", "if (FALSE) {", "process-mount-plan process-box-tree e2e-box"),
    (P + "tree/mount-plan.c", "osh_mount_planner_is_around_writable(planner, hole) && k < writable->len", "FALSE && k < writable->len", "process-mount-plan process-box-tree e2e-box e2e-walls"),
    (P + "tree/mount-steps.c", "gboolean read_only = access == GRANT_READ || access == GRANT_PROTECTED;", "gboolean read_only = access == GRANT_PROTECTED;", "process-mount-plan process-box-tree"),
    (P + "tree/mount-steps.c", "    if (!is_below(path, \"/dev\"))\n        flags |= OSH_INIT_MOUNT_NODEV;", "", "process-mount-plan process-box-tree process-box-walls e2e-box"),
    (P + "tree/mount-plan.c", "if (access > before)\n        g_hash_table_replace(planner->grants, g_steal", "if (before == 0)\n        g_hash_table_replace(planner->grants, g_steal", "process-mount-plan process-box-tree e2e-box"),
    (P + "tree/mount-plan.c", "if (has_parent_component(path)) {", "if (FALSE) {", "process-mount-plan process-box-tree process-box-refused e2e-box"),
    (P + "tree/hidden-folder.c", "\"/tmp\", \"/etc\", \"/usr\", NULL", "\"/etc\", \"/usr\", NULL", "process-hidden-folder"),
    # Landlock
    (P + "walls/landlock-plan.c", "if (abi >= 3)\n        rights", "if (abi >= 2)\n        rights", "process-landlock-plan"),
    (P + "walls/landlock-plan.c", "!grants->required);\n    add_rules(plan, grants->read_write", "TRUE);\n    add_rules(plan, grants->read_write", "process-landlock-plan"),
    (P + "walls/landlock-plan.c", "LANDLOCK_SCOPE_SIGNAL | LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET", "LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET", "process-landlock-plan"),
    (P + "walls/landlock-plan.c", "plan->n_policy = plan->rules->len;", "plan->n_policy = 0;", "process-landlock-plan"),
    # refused packets
    (P + "net/nflog.c", "if (header < 20 || length < header)", "if (length < header)", "process-nflog"),
    (P + "net/nflog.c", "((bytes[6] & 0x1f) | bytes[7]) == 0", "TRUE", "process-nflog"),
    (P + "net/nflog.c", "if (later_fragment)\n            return TRUE;", "", "process-nflog"),
    (P + "net/nflog.c", "if (of_socket >= NFLOG_MAX_OF_SOCKET)\n        return FALSE;", "", "process-nflog"),
    (P + "net/nflog.c", "(of_socket == 0 && taken < NFLOG_MAX_KINDS)", "taken < NFLOG_MAX_KINDS", "process-nflog"),
    (P + "net/nflog.c", "left->uid == right->uid &&", "", "process-nflog"),
    (P + "net/nflog.c", "        reader->lost_count++;", "", "process-nflog"),
    (P + "net/nflog.c", "return size <= length ? size : 0;", "return size;", "process-nflog"),
    (P + "net/nflog.c", "    return left == 0;", "    return TRUE;", "process-nflog"),
    (P + "net/nflog.c", "if (kind->pending > 0)\n            report", "report", "process-nflog"),
    # sessions
    (P + "session/session-log.c", "    log->first++;", "", "process-session-log"),
    (P + "session/session-log.c", "if (length > most) {", "if (FALSE) {", "process-session-log"),
    (P + "session/session-log.c", "while (log->used + length + PIECE_COST > log->max_bytes)", "while (log->used + length > log->max_bytes)", "process-session-log"),
    (P + "session/session-log.c", "bytes += length - most;", "", "process-session-log"),
    (P + "session/session.c", "if (attachment->read_only || session->program.local_input ||", "if (session->program.local_input ||", "e2e-attach"),
    (P + "session/session.c", "    if (session->typist != attachment)\n        return FALSE;", "", "e2e-attach"),
    (P + "session/session.c", "if (attachment->greeted || length != sizeof hello) {", "if (length != sizeof hello) {", "e2e-attach"),
    (P + "session/session.c", "stop_typing(attachment);\n    osh_drop_source", "osh_drop_source", "e2e-attach"),
    (P + "session/session.c", "if (length == 1 && bytes[0] == allowed[i] && may_type(attachment))", "if (length == 1 && bytes[0] == allowed[i])", "e2e-attach"),
    (P + "session/session.c", "if (attachment->next < first)\n        return tell_what_is_missing(attachment, first);", "attachment->next = MAX(attachment->next, first);", "e2e-attach"),
    # refusals
    (P + "refusals.c", "sender->last_seen < now - SENDER_MEMORY) {\n        g_hash_table_remove", "FALSE) {\n        g_hash_table_remove", "e2e-network-rules"),
    (P + "refusals.c", "publication.collapse_key = count == 1 ? collapse : NULL;", "publication.collapse_key = collapse;", "e2e-network-rules e2e-box-network"),
]
UNNOTICED = {
    (P + "programs/identity.c", "if (identity->gid == 0) {"):
        "no account of a test machine but root has root's group",
    (P + "refusals.c", "sender->last_seen < now - SENDER_MEMORY) {\n        g_hash_table_remove"):
        "a port that another program uses more than three seconds later: too long to wait for",
}
