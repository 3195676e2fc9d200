# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the host: its threads, its bus, its plugins, its options and what it reads again."""

TESTS = "host-services-contract"
H = "host/"
BUS = "bus bus-room bus-sink bus-collapse"
RELOAD = "policy-reload"
ROWS = [
    # worker: threads for work that blocks
    (H + "threads/worker.c", "pool->n_idle > g_queue_get_length(&pool->queue) ||", "pool->threads->len > 0 ||", "worker"),
    (H + "threads/worker.c", "g_queue_get_length(&pool->queue) < pool->max_queue &&",
     "g_queue_get_length(&pool->queue) <= pool->max_queue + 2 &&", "worker"),
    (H + "threads/worker.c", "accepted = !pool->stopping &&", "accepted =", "worker"),
    (H + "threads/worker.c", "if (work == NULL && pool->stopping)", "if (pool->stopping)", "worker"),
    (H + "threads/worker.c", "pool->threads->len >= pool->max_threads)", "pool->threads->len > pool->max_threads)", "worker"),
    (H + "threads/worker.c", "pthread_sigmask(SIG_SETMASK, &all, &old);", "old = all; sigemptyset(&old);", "worker"),
    # metrics
    (H + "run/metrics.c", "sum = metrics->ended[metric->index];", "sum = 0;", "metrics"),
    (H + "run/metrics.c", "if (block->next != NULL)\n        block->next->previous = block->previous;", "", "metrics"),
    (H + "run/metrics.c", "return metrics->metrics[i]->kind == kind ? metrics->metrics[i] : NULL;",
     "return metrics->metrics[i];", "metrics"),
    (H + "run/metrics.c", "if (metrics->n_metrics == OSH_METRICS_MAX)\n        return NULL;",
     "if (metrics->n_metrics == OSH_METRICS_MAX)\n        return metrics->metrics[0];", "metrics"),
    # key files
    (H + "manifest/key-file.c", "other = osh_key_file_group_get(group, key);\n    if (other != NULL) {",
     "other = osh_key_file_group_get(group, key);\n    if (FALSE) {", "key-file"),
    (H + "manifest/key-file.c", "if (length > OSH_KEY_FILE_MAX) {", "if (FALSE) {", "key-file"),
    (H + "manifest/key-file.c", "|| text[i] == 0x7f) {", ") {", "key-file"),
    (H + "manifest/key-file.c", 'strpbrk(name, "[]") != NULL ||', "", "key-file"),
    (H + "manifest/key-file.c", "&& text[i] != '\\t')", ")", "key-file"),
    # signals
    (H + "run/signals.c", "signals->hangup_ignored = sigaction(SIGHUP, NULL, &hangup) == 0 &&",
     "signals->hangup_ignored = FALSE &&", "signals e2e-life"),
    (H + "run/signals.c", "    else if (!by_shell || !signals->hangup_ignored)\n"
     "        signals->function(SIGHUP, signals->data);", "", "signals e2e-life"),
    (H + "run/signals.c", "else if (!by_shell || !signals->hangup_ignored)", "else",
     "signals e2e-life"),
    (H + "run/signals.c", "signal(SIGPIPE, SIG_IGN);", "", "signals e2e-life"),
    # timers
    (H + "threads/shard-timer.c", "a->when == b->when && a->number < b->number", "a->when == b->when && a->number > b->number",
     "shard-timer"),
    (H + "threads/shard-timer.c", "for (guint child = first + 1; child < end; child++) {",
     "for (guint child = first + 1; child + 1 < end; child++) {", "shard-timer"),
    (H + "threads/shard-timer.c", "if (position > 0 && timer_before(last, heap->timers[(position - 1) / BRANCHES]))", "if (FALSE)",
     "shard-timer"),
    (H + "threads/shard-timer.c", "|| timer->number >= until)", ")", "shard-timer"),
    (H + "threads/shard-timer.c", "if (timer->when > now", "if (timer->when > now + 20", "shard-timer"),
    # what plugins put into the box
    (H + "plugins/contributions.c", 'if (g_str_has_prefix(name, "LD_"))', "if (FALSE)", "registry"),
    (H + "plugins/contributions.c", "mode & 0555", "mode & 07777", "registry"),
    (H + "plugins/contributions.c", "if (g_str_equal(other->path, path))\n            return refuse_taken",
     "if (FALSE)\n            return refuse_taken", "registry"),
    (H + "plugins/contributions.c", 'g_strcmp0(canonical, path) == 0 && !g_str_equal(path, "/")', "canonical != NULL",
     "registry"),
    (H + "plugins/contributions.c", "if (set->refusal != NULL) {", "if (FALSE) {", "registry"),
    (H + "plugins/contributions.c", "if (set->refusal == NULL)\n        set->refusal =", "g_clear_error(&set->refusal);\n        set->refusal =",
     "registry"),
    # plugin files
    (H + "plugins/plugin-file.c", "parent != NULL && (parent->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&",
     "parent != NULL && (parent->st_mode & S_IWOTH) != 0 &&", "plugin-file"),
    (H + "plugins/plugin-file.c", "(parent->st_mode & S_ISVTX) == 0) {", "TRUE) {", "plugin-file"),
    (H + "plugins/plugin-file.c", "if (!check_component(path, status, &parent, error))\n        return FALSE;", "", "plugin-file"),
    (H + "plugins/plugin-file.c", "flags | O_NOFOLLOW | O_CLOEXEC", "flags | O_CLOEXEC", "plugin-file"),
    (H + "plugins/plugin-file.c", "return length == 1 || path[length] == '/' || path[length] == '\\0';", "return TRUE;", "plugin-file"),
    (H + "plugins/plugin-file.c", "entry->struct_size < ENTRY_SIZE_1_0 ||", "", "registry e2e-plugin-failures"),
    # the registry
    (H + "plugins/registry.c", "if (first != NULL) {", "if (FALSE) {", "registry"),
    (H + "plugins/registry.c", "if (plugin == first || !osh_plugin_is_candidate(plugin) ||", "if (plugin == first || TRUE ||", "registry"),
    (H + "plugins/registry.c", "if (!lies_in_writable(plugin, writable, &directory))", "if (TRUE)", "registry"),
    (H + "plugins/registry.c", "if (!plugin->required || osh_plugin_is_candidate(plugin))\n            continue;", "continue;", "registry"),
    (H + "plugins/registry.c", "            dropped = TRUE;", "", "registry"),
    (H + "plugins/registry.c", "if (severity != OSH_FAULT_FATAL || !osh_plugin_is_usable(plugin))", "if (!osh_plugin_is_usable(plugin))", "registry"),
    (H + "plugins/registry.c", "if (plugin->required && registry->required_failed != NULL)", "if (registry->required_failed != NULL)", "registry"),
    (H + "plugins/registry.c", "return osh_plugin_is_usable(plugin) && osh_manifest_provides(plugin->manifest, id) &&", "return", "registry"),
    (H + "plugins/registry.c", "if (n < capacity)\n            ret_interfaces[n] = found;", "ret_interfaces[0] = found;", "registry"),
    (H + "plugins/registry.c", "for (guint i = registry->order->len; i > 0; i--)\n        osh_plugin_destroy(g_ptr_array_index(registry->order, i - 1));",
     "for (guint i = 0; i < registry->order->len; i++)\n        osh_plugin_destroy(g_ptr_array_index(registry->order, i));", "registry"),
    (H + "plugins/registry-run.c", "walk->waiting = FALSE;\n        walk_on(registry);\n        return G_SOURCE_REMOVE;",
     "walk->waiting = FALSE;\n        walk_finish(registry, NULL);\n        return G_SOURCE_REMOVE;", "registry"),
    (H + "plugins/registry-run.c", "walk->active && walk->waiting && walk->generation == answer->generation", "walk->active && walk->waiting", "registry"),
    (H + "plugins/registry-run.c", "if (registry->walk.stopping || !plugin->required)", "if (registry->walk.stopping)", "registry"),
    (H + "plugins/registry-run.c", "walk->next = stopping ? registry->order->len : 0;", "walk->next = stopping ? registry->order->len - 1 : 0;", "registry"),
    (H + "plugins/registry-run.c", '(state == OSH_PLUGIN_FAILED && g_strcmp0(plugin->failed_stage, "run") != 0)', "state == OSH_PLUGIN_FAILED", "registry"),
    (H + "plugins/registry-run.c", "walk->timer = g_timeout_source_new((guint)(CLAMP(left, 0, G_MAXINT32) / 1000));",
     "walk->timer = g_timeout_source_new((guint)CLAMP(left, 0, G_MAXINT32));", "registry"),
    # the order of plugins
    (H + "plugins/plugin-order.c", "if (i != a && !is_behind(relation, i, a))", "if (i != a)", "plugin-order"),
    (H + "plugins/plugin-order.c", "if (is_behind(relation, k, i)) {", "if (FALSE) {", "plugin-order"),
    # options
    (H + "config/options.c", '&& strcmp(argv[*index + 1], "--") != 0)', ")", "options"),
    (H + "config/options.c", "if (*(char **)field != NULL) {", "if (FALSE) {", "options"),
    (H + "config/options.c", "10, 0, 31536000,", "10, -1, 31536000,", "options"),
    (H + "config/options.c", "if (options->command != NULL && options->command[0] == NULL) {", "if (FALSE) {", "options"),
    (H + "config/options.c", "strlen(known_options[i].name) == length &&", "", "options"),
    # the bus
    (H + "bus/bus-room.c", "return room - room / 16;", "return room;", BUS),
    (H + "bus/bus-room.c", "return room - room / 4;", "return room;", BUS),
    (H + "bus/bus-waiter.c", "if (failed_epoch != bus->room_epoch) {", "if (FALSE) {", BUS),
    (H + "bus/bus-reservation.c", "reservation->publisher != publisher || reservation->generation != token >> 32", "reservation->publisher != publisher", BUS),
    (H + "bus/bus-room.c", "    publisher->used--;", "", BUS),
    (H + "bus/bus-reservation.c", "if (bus->sinks_stuck == 0) {", "if (TRUE) {", BUS),
    (H + "bus/bus-queue.c", "kept->event.id < sampled->event.id", "kept->event.id > sampled->event.id", BUS),
    (H + "bus/bus-queue.c", "osh_bus_count_dropped(bus, oldest->topic, oldest->event.id, 1);", "", BUS),
    (H + "bus/bus-queue.c", "queue->failed_epoch = 0;", "", BUS),
    (H + "bus/bus-publish.c", "if (reserved_topic != NULL && reserved_topic != topic)", "if (FALSE)", BUS),
    (H + "bus/bus-publish.c", "osh_bus_room_give_locked(publisher, reserved, OSH_BUS_CHARGE_RESERVED);", "", BUS),
    (H + "bus/bus-announce.c", "publisher->refused = 0;", "", BUS),
    (H + "bus/bus-subscription.c", "&& subscription->from < event->sequence)", ")", BUS),
    (H + "bus/bus-deliver.c", "if (bus->replays.length > 0)\n        osh_bus_replay(bus);", "", BUS),
    (H + "bus/bus-retained.c", "g_hash_table_remove(topic->ends->values, key);", "", BUS),
    (H + "bus/bus-retained.c", "one->event.sequence < two->event.sequence ? -1 : 1", "one->event.sequence < two->event.sequence ? 1 : -1", BUS),
    (H + "bus/bus-subscription.c", "atomic_fetch_sub(&bus->topics[t]->wanted, 1);", "continue;", BUS),
    (H + "bus/bus-flush.c", "if (ticket->sink_id == sink_id)", "if (FALSE)", BUS),
    (H + "bus/bus-flush.c", "if (flush->step == FLUSH_DRAINING && drained) {", "if (flush->step == FLUSH_DRAINING) {", BUS),
    (H + "bus/bus-flush.c", "if (error != NULL && flush->error == NULL)", "if (FALSE)", BUS),
    (H + "bus/bus-collapse.c", "one->process_key == two->process_key &&", "", BUS),
    (H + "bus/bus-collapse.c", "node->event.count = held->count;", "node->event.count = 1;", BUS),
    (H + "bus/bus-collapse.c", "account->in_second++;", "", BUS),
    (H + "bus/bus-topic.c", "if (slash == NULL || slash == name ||", "if (slash == NULL ||", BUS),
    # the log of events
    (H + "files/output-file.c", "O_CREAT | O_NOFOLLOW | O_CLOEXEC", "O_CREAT | O_CLOEXEC", "event-log record-file"),
    (H + "bus/event-log.c", "if (!event_log_write(log))\n        return 0;", "event_log_write(log);", "event-log"),
    (H + "bus/event-log.c", "log->written += (gsize)n;", "log->written = log->line->len;", "event-log"),
    # the policy file
    (H + "reload/policy-reload.c", "reload->again = TRUE;\n        return;", "return;", RELOAD),
    (H + "reload/policy-reload.c", "    if (reload->again)\n        try_again(reload);", "", RELOAD),
    (H + "reload/policy-reload.c", "if (now - reload->absent_since < ABSENCE)\n            return try_again(reload);", "", RELOAD),
    (H + "reload/policy-reload.c", "reload->first_change + MAX_SETTLE - now", "SETTLE", RELOAD),
    (H + "reload/policy-reload.c", "reload->asked = TRUE;\n", "", RELOAD),
    (H + "reload/policy-reload.c", "about.st_size > LARGE_FILE", "FALSE", RELOAD),
    (H + "reload/policy-candidate.c", "if (!is_same(&candidate->about, &after) ||", "if (", RELOAD),
    (H + "reload/policy-candidate.c", "if (writer == WRITER_THERE ||", "if (", RELOAD),
    (H + "reload/policy-candidate.c", "if (!S_ISREG(candidate->about.st_mode))", "if (FALSE)", RELOAD),
    (H + "reload/policy-candidate.c", "if (grant != NULL)\n        return reject", "if (FALSE)\n        return reject", RELOAD),
    (H + "reload/policy-adopt.c", "if (osh_policy_quarantine_reason(current) == NULL)", "if (TRUE)", RELOAD),
    (H + "reload/policy-adopt.c", "if (same && !asked)\n        return;", "if (same)\n        return;", RELOAD),
    (H + "reload/policy-adopt.c", "    forget_rejection(adopt);\n    say_warnings", "    say_warnings", RELOAD),
    (H + "reload/policy-adopt.c", "if (close)\n        begin_quarantine(adopt, current, problem);", "", RELOAD),
    (H + "files/file-watch.c", "seen->way |= (event->mask & OWN_MASK) != 0;", "", "file-watch"),
    (H + "files/file-watch.c", "if (seen.way)\n        arm(watch);", "", "file-watch"),
    (H + "files/file-watch.c", "watch->being_written = FALSE;\n        seen->matters", "seen->matters", "file-watch"),
    (H + "files/file-watch.c", "event->len > 0 && g_hash_table_contains(names, event->name)", "event->len > 0", "file-watch"),
    (H + "manifest/config-value.c", "if (parts[i][0] == '\\0')\n            return NULL;", "", "config"),
    (H + "manifest/config-value.c", "if (text[0] != '/') {", "if (FALSE) {", "config"),
    # the command line
    (H + "config/options.c", "return !refuse_without_command(options, error);", "return TRUE;", "options"),
    (H + "config/options.c", "if (*verb_seen && is_help(word)) {", "if (FALSE) {", "options"),
    (H + "config/options.c", "if (g_strv_contains(verbs_that_come_first, word)) {", "if (FALSE) {", "options"),
    (H + "config/config.c", "warn_of_repetition(config, name);", "", "e2e-bad-input/twice"),
    (H + "verbs/init-verb.c", "O_WRONLY | O_CREAT | O_EXCL |", "O_WRONLY | O_CREAT |", "e2e-init/stays"),
]
UNNOTICED = {
    (H + "plugins/registry.c", "            dropped = TRUE;"):
        "what is missing is looked for again before each plugin is created",
    (H + "reload/policy-reload.c", "reload->again = TRUE;\n        return;"):
        "what changed meanwhile is seen by the look at the file after it was read",
    (H + "reload/policy-reload.c", "    if (reload->again)\n        try_again(reload);"):
        "what changed meanwhile is seen by the look at the file after it was read",
    (H + "reload/policy-candidate.c", "if (!is_same(&candidate->about, &after) ||"):
        "a change within the microseconds of one read, which the look after it sees as well",
    (H + "reload/policy-candidate.c", "if (writer == WRITER_THERE ||"):
        "the second look for a writer, behind the reading, sees it as well",
    (H + "files/file-watch.c", "seen->way |= (event->mask & OWN_MASK) != 0;"):
        "only behind a bind mount does the folder not tell the same",
    (H + "bus/bus-queue.c", "queue->failed_epoch = 0;"):
        "who waits for room has failed to get it first, which sets this anew",
}
