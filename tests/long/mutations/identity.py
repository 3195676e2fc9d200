# SPDX-License-Identifier: Apache-2.0
"""Mistakes in which program a connection is said to be of."""

TESTS = "osh-identity osh-identity-carrier osh-identity-connect osh-identity-image"
UTIL = "sdk/util/osh-identity-"
E2E = "e2e-connection-identity/"

ROWS = [
    # At connect(2).
    (UTIL + "connect.c", "found = getsockopt(fd, SOL_SOCKET, SO_COOKIE, &call->key, &length) == 0;",
     "getsockopt(fd, SOL_SOCKET, SO_COOKIE, &call->key, &length);"),
    (UTIL + "connect.c", "call->by_inode = TRUE;", "call->by_inode = FALSE;", E2E + "MPTCP"),
    (UTIL + "connect.c", "*ret_group = osh_process_thread_group(thread);", "*ret_group = thread;"),
    (UTIL + "connect.c", "program = g_steal_pointer(&((Entry *)entry)->program);",
     "program = g_steal_pointer(&((Entry *)entry)->program);\n    *ret_read_at = 0;"),
    (UTIL + "connect.c", "answer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;",
     "answer.response.flags = 0;"),
    (UTIL + "connect.c", "if (!g_hash_table_steal_extended(watch->by_cookie, &cookie, NULL, &entry) && inode != 0)",
     "entry = g_hash_table_lookup(watch->by_cookie, &cookie);\n    if (entry != NULL)\n        "
     "entry = g_memdup2(entry, sizeof(Entry));\n    else"),
    # What a process runs.
    (UTIL + "program.c", "chain[0]->start_stack != start_stack) {", "FALSE) {", "osh-identity"),
    (UTIL + "program.c",
     "if (left->execution != NULL && g_strcmp0(left->execution, right->execution) == 0)",
     "if (FALSE)", "osh-identity"),
    (UTIL + "program.c", "if (left->n_ancestors != right->n_ancestors)\n        return FALSE;",
     "if (left->n_ancestors != right->n_ancestors)\n        return TRUE;", "osh-identity"),
    (UTIL + "process.c", "if (error != -ENOENT && error != -ESRCH)\n        return error == 0 ? 0 : -EACCES;",
     "return error == 0 ? 0 : -EACCES;"),
    # Executables.
    (UTIL + "image.c", "if (image->key.size > OSH_IMAGE_MAX_SIZE)", "if (FALSE)",
     "osh-identity-image"),
    (UTIL + "image.c", "table->oldest_next = !table->oldest_next;", "table->oldest_next = TRUE;",
     "osh-identity-image"),
    (UTIL + "image.c", "while (!table->ending) {", "for (;;) {", "osh-identity-image"),
    (UTIL + "image.c", "if (first != NULL && memcmp(first, digest, sizeof *digest) != 0)",
     "if (FALSE)", "osh-identity-image"),
    # Owners.
    (UTIL + "scanner.c", "if (result == 0 && found.inode == 0)", "if (FALSE)", E2E + "last_bytes"),
    (UTIL + "scanner.c", "scan->changed = scan->changed || in_flight;", "", E2E + "waits_in_the_queue"),
    (UTIL + "carrier.c", "n < MAX_SIZE - 1);", "TRUE);\n    ret_info->is_carrying = FALSE;",
     "osh-identity-carrier"),
    (UTIL + "carrier.c", "info.inode == inode && !info.is_unix", "!info.is_unix",
     "osh-identity-carrier"),
    (UTIL + "carrier.c", "!info.is_unix && !info.is_carrying &&", "!info.is_carrying &&",
     "osh-identity-carrier"),
    (UTIL + "carrier.c", "if (now < plain->forget_at)", "if (plain->forget_at != 0)",
     "osh-identity-carrier"),
    (UTIL + "workload.c", "*ret_any = new > 0 || processes->created->len > 0;", "*ret_any = FALSE;",
     "osh-identity"),
    (UTIL + "workload.c", "            return at == root;\n    }\n    return TRUE;", "            return TRUE;\n    }\n    return TRUE;",
     "osh-identity"),
    (UTIL + "scanner.c", "lookup->purpose == OSH_IDENTITY_DECIDE && !owners->settled",
     "FALSE && !owners->settled", E2E + "waits_in_the_queue"),
    (UTIL + "scanner.c", "if (lookup->program != NULL && !osh_program_same(lookup->program, program))",
     "if (FALSE)", E2E + "older_copy"),
    (UTIL + "workload.c", "if (thread <= 0 ||", "if (thread != reading->pid ||"),
    ("plugins/network/flow/owner-check.c", "connection->missed_owners >= MAX_MISSED",
     "connection->missed_owners > 14", E2E + "without_an_owner"),
    ("plugins/network/flow/owner-check.c", "if (connection->owners_differ) {", "if (FALSE) {",
     E2E + "handed"),
    ("plugins/network/flow/owner-check.c", "connection->by_sweep = TRUE;\n    owner_ask(connection);",
     "connection->by_sweep = TRUE;", E2E + "handed"),
    ("plugins/network/flow/identify.c", "if (connection->identity != OSH_IDENTITY_FOUND)\n        return",
     "if (connection->peer == NULL && connection->identity == OSH_IDENTITY_NOBODY)\n        return",
     E2E + "huge"),
    # The filters.
    ("plugins/process/walls/seccomp-filter.c", "    refuse_fast_open(filter);\n", "",
     "process-seccomp-filter " + E2E + "Fast_Open"),
    ("plugins/process/init/seal.c", "*listener = (int)fd;", "(void)listener;", E2E + "start_line"),
    ("plugins/process/peer-identity.c", "if (g_atomic_pointer_get(&plugin->connects) != NULL)\n        answer_connector",
     "if (FALSE)\n        answer_connector", "e2e-box-network/peer_identity"),
]
