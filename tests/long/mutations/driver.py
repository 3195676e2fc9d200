# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the driver of protocol plugins: what a message waits for, what it is given, what goes
out and what ends a connection; and in the rules of the contract that it holds sessions to."""

D = "plugins/network/l7/"
ASK, CARRY, DRIVER, LEG = D + "ask.c", D + "carry.c", D + "driver.c", D + "leg.c"
SECRETS, INSPECTED, UPGRADE, HANDOVER = (D + "secrets.c", D + "inspected.c", D + "upgrade.c",
                                         D + "handover.c")
RULES, LEDGER = "sdk/util/osh-l7-rules.c", "sdk/util/osh-l7-ledger.c"
CHAIN, CONTENT_SOURCE = D + "middleware-chain.c", INSPECTED
LIFE, RULE, CREDENTIALS, CONTENT = ("network-driver-life", "network-driver-rules",
                                    "network-secrets", "network-inspected")
STREAMS, UPGRADES, LEGS, CHANGES = ("network-streams", "network-upgrade", "network-leg",
                                    "network-start-tls")
TESTS = LIFE
ROWS = [
    # a message waits for a fresh reading of its program
    (ASK, "if (!osh_owner_check_is_fresh(driver->connection))", "if (FALSE)", LIFE),
    ("plugins/network/flow/owner-check.c", "if (age > REQUEST_LOOK && connection->question == NULL)",
     "if (FALSE)", LIFE),
    (DRIVER, "           driver->connection->pending == OSH_FLOW_WAIT;", "           TRUE;", LIFE),
    # a question that has no answer is refused in its own time
    (ASK, "if (message->gives_up_at == 0 || message->gives_up_at > now)",
     "if (message->gives_up_at == 0 || message->gives_up_at < now)", CREDENTIALS + " " + STREAMS),
    (ASK, "        refuse_unanswered(message);\n        answer(",
     "        if (message == NULL)\n            refuse_unanswered(message);\n        answer(", CREDENTIALS),
    (ASK, "else if (driver->is_terminating)", "else if (FALSE)", LIFE),
    # a new policy
    (ASK, "(message->verdict.action == OSH_ACTION_INSPECT ||\n", "(FALSE ||\n", LIFE),
    (ASK, "(message->direction == OSH_CLIENT_TO_SERVER && !osh_middleware_is_current(message)) ||", "FALSE ||",
     LIFE),
    (CHAIN, "chain->fail_open = entry->fail_open;", "chain->fail_open = TRUE;", "network-middleware-chain"),
    (CHAIN, "    if (chain->basis != basis_of(message, content->side))\n", "    if (FALSE)\n",
     "network-middleware-chain"),
    (CHAIN, "strspn(code, \"abcdefghijklmnopqrstuvwxyz0123456789_.-\") == length", "TRUE",
     "network-middleware-chain"),
    (CHAIN, "if (chain == NULL || chain->deadline > now)", "if (TRUE)",
     "network-middleware-chain"),
    (CONTENT_SOURCE, "    osh_driver_question_is_due(inspected->message);\n    return OSH_ASKED_WAITS;",
     "    return OSH_ASKED_ALLOWED;", "network-middleware-chain"),
    (ASK, "!is_allowed_again(message))\n            allowed = FALSE;",
     "!is_allowed_again(message))\n            allowed = TRUE;", LIFE),
    # nothing of a refused message goes on
    (ASK, "    message->is_withdrawn = TRUE;\n", "", LIFE),
    (CARRY, "            message->is_withdrawn |= all;\n", "            message->is_withdrawn |= FALSE;\n", LIFE),
    (CARRY, "if (any && osh_leg_left(leg_towards(driver, OSH_CLIENT_TO_SERVER)) > 0)", "if (FALSE)", LIFE),
    (DRIVER, " || flow == OSH_FLOW_REFUSED)", ")", LIFE),
    (DRIVER, "driver->connection->client_aborted = osh_driver_is_answering(driver);",
     "driver->connection->client_aborted = FALSE;", LIFE),
    (DRIVER, "    if (driver->is_ending)\n        return driver->ends_by;\n", "", LIFE),
    # a session that waits for nothing
    (DRIVER, "    driver_look_for_stall(driver);\n",
     "    if (driver->has_woken)\n        driver_look_for_stall(driver);\n", LIFE),
    (DRIVER, "!driver->is_terminating &&\n           !driver->has_woken;", "!driver->is_terminating;", LIFE),
    # an end of a run
    (DRIVER, "!osh_driver_side_is_empty(&driver->sides[0]) ||\n        osh_leg_left",
     "FALSE ||\n        osh_leg_left", LIFE),
    # what is sent
    (LEG, "        explicit_bzero(leg->rest->data + left, n);\n", "", LEGS),
    (LEG, "leg->tls->session_shutdown(leg->session) == OSH_TLS_WANT_WRITE)\n        return FALSE;",
     "leg->tls->session_shutdown(leg->session) == OSH_TLS_WANT_WRITE)\n        return TRUE;", LEGS),
    (CARRY, "(guint)((piece->mask_phase + sent) % 4)", "(guint)(sent % 4)",
     CREDENTIALS),
    (CARRY, "    if (!carry_begins(driver, direction, action->message)) {", 
     "    if (!carry_begins(driver, direction, action->message) && FALSE) {", CREDENTIALS),
    (CARRY, "osh_driver_fail(driver, \"a credential was revoked while it was used\");", "(void)0;",
     CREDENTIALS),
    (CARRY, "piece, lease, piece->offset,", "piece, lease, 0,", CONTENT),
    (CARRY, "    if (action->type == OSH_L7_CANCEL)\n        osh_driver_forget_question(driver, action->message);\n    else if",
     "    if", "network-driver"),
    # credentials
    (SECRETS, "        osh_credential_cancel(provider_of(secrets->message), secrets);", "        (void)0;",
     CREDENTIALS),
    (SECRETS, "secrets->set == NULL || secrets->generation != message->verdict.generation",
     "secrets->set == NULL", CREDENTIALS),
    (SECRETS, "            return lease.reason != NULL ? lease.reason : \"a credential may not go there\";",
     "            break;", CREDENTIALS),
    (SECRETS, "message->driver->sides[OSH_SERVER_TO_CLIENT].leg.tls != NULL", "message != NULL",
     CREDENTIALS + " " + CHANGES),
    (SECRETS, "        g_array_set_size(secrets->edits, 0);\n    }\n    /* Slots", "    }\n    /* Slots",
     CREDENTIALS),
    # content
    (INSPECTED, "if (inspected->is_last && found == OSH_INSPECTION_MORE)", "if (FALSE)", CONTENT),
    (INSPECTED, "inspected->is_too_large = inspected->length > inspected->limit && ",
     "inspected->is_too_large = FALSE && ", CONTENT),
    (INSPECTED, "    answer->status = 413;\n", "", CONTENT),
    (INSPECTED, "    answer->error = \"content_too_large\";\n", "", CONTENT),
    (INSPECTED, "        fill_refused(message, answer);\n", "        ;\n", CONTENT),
    (INSPECTED, "refusal->status >= 200 && refusal->status <= 599 &&", "", CONTENT),
    (INSPECTED, "        osh_fact_copy_set(&inspected->head, &action->u.content.facts);\n", "        ;\n",
     CONTENT),
    ("plugins/network/l7/upgrade.c", "    if (needed != NULL && !asks)\n", "    if (FALSE)\n",
     "network-upgrade"),
    ("plugins/network/l7/upgrade.c", "    else if (asks && (needed == NULL || needed != "
     "find_provider(message)))\n", "    else if (FALSE)\n", "network-upgrade"),
    ("plugins/network/l7/ask.c", "message->error = \"unsupported_l7_protocol\";", ";",
     "network-upgrade"),
    ("plugins/network/l7/protocols.c", "        find_upgraded(found, host, &http_interface);\n", "",
     "network-protocols"),
    ("plugins/network/l7/protocols.c", "g_strcmp0(declaration->carrier, \"http\") == 0 &&", "",
     "network-protocols"),
    (INSPECTED, "    if (inspected->is_pending)\n        return OSH_ASKED_WAITS;\n", "", CONTENT),
    (INSPECTED, "           (inspected->kept != NULL && !inspected->is_last);", "           FALSE;",
     CONTENT),
    (INSPECTED, "        osh_inspected_facts(message).n_facts == 0)", "        FALSE)", CONTENT),
    # upgrades
    (UPGRADE, "upgrade->state == NULL || !upgrade->judged[OSH_SERVER_TO_CLIENT]",
     "upgrade->state == NULL", UPGRADES),
    (UPGRADE, "    if (owns_answer)\n", "    if (owns_answer && upgrade->failure != NULL)\n", UPGRADES),
    (HANDOVER, "    driver->first_number += driver->ledger.last;\n", "", UPGRADES),
    (HANDOVER, "        side->n_new = side->window->end - side->window->start - released;\n",
     "        (void)released;\n", UPGRADES),
    (HANDOVER, "    if (!osh_driver_side_is_empty(&driver->sides[0]) ||\n        !osh_driver_side_is_empty(&driver->sides[1])) {",
     "    if (FALSE) {", CHANGES),
    # rules of the contract
    (RULES, "    if (direction != OSH_CLIENT_TO_SERVER)\n        return broken(ledger, OSH_L7_RULE_LEASE,",
     "    if (direction > OSH_SERVER_TO_CLIENT)\n        return broken(ledger, OSH_L7_RULE_LEASE,",
     CREDENTIALS),
    (RULES, "entry->has_content && entry->content != action->u.content.content", "FALSE", CONTENT),
    (RULES, "    if (action->offset == ledger->released)\n        return KEPT;",
     "    if (action->offset <= ledger->released)\n        return KEPT;", RULE),
    (RULES, "entry == NULL || !osh_l7_ledger_granted(entry, piece->lease, &length)",
     "entry == NULL || (!osh_l7_ledger_granted(entry, piece->lease, &length) && entry->number == 0)",
     CREDENTIALS),
    (LEDGER, "MIN(*capacity, pieces_length(entry, action))",
     "MIN(*capacity, pieces_length(entry, action) / 1000)", RULE),
]
