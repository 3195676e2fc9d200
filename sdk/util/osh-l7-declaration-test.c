/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver reads out of a manifest. */
#include "osh-l7-declaration.h"

static const char manifest[] = "[plugin]\n"
                               "id=x\n"
                               "[protocol first]\n"
                               "carrier=tcp\n"
                               "[protocol mail]\n"
                               "carrier=tcp\n"
                               "alpn=pop3;imap\n"
                               "server-speaks-first=true\n"
                               "window=32768\n"
                               "action=mail.verb\n"
                               "target=mail.box\n"
                               "[fact mail.verb]\n"
                               "protocol=mail\n"
                               "type=string\n"
                               "values=get;put\n"
                               "[fact mail.password]\n"
                               "protocol=mail\n"
                               "type=string\n"
                               "sensitivity=sensitive\n"
                               "[fact first.n]\n"
                               "protocol=first\n"
                               "type=integer\n";

static void
test_everything_that_a_protocol_declares_is_read(void)
{
    g_autoptr(OshL7Declaration) mail = osh_l7_declaration_new(manifest, "mail");
    const OshL7DeclaredFact *fact;

    g_assert_nonnull(mail);
    g_assert_cmpstr(mail->protocol, ==, "mail");
    g_assert_cmpstr(mail->carrier, ==, "tcp");
    g_assert_cmpstr(osh_l7_declaration_action(mail), ==, "mail.verb");
    g_assert_cmpstr(osh_l7_declaration_target(mail), ==, "mail.box");
    g_assert_cmpuint(g_strv_length(mail->alpn), ==, 2);
    g_assert_cmpstr(mail->alpn[1], ==, "imap");
    g_assert_true(mail->server_speaks_first);
    g_assert_cmpuint(mail->window, ==, 32768);
    fact = osh_l7_declaration_fact(mail, "mail.verb");
    g_assert_cmpuint(fact->type, ==, OSH_FACT_STRING);
    g_assert_true(g_strv_contains((const char *const *)fact->values, "put"));
    g_assert_false(fact->sensitive);
    g_assert_true(osh_l7_declaration_fact(mail, "mail.password")->sensitive);
}

static void
test_facts_of_another_protocol_are_not_its_own(void)
{
    g_autoptr(OshL7Declaration) mail = osh_l7_declaration_new(manifest, "mail");
    g_autoptr(OshL7Declaration) first = osh_l7_declaration_new(manifest, NULL);

    g_assert_null(osh_l7_declaration_fact(mail, "first.n"));
    g_assert_cmpstr(first->protocol, ==, "first");
    g_assert_cmpuint(osh_l7_declaration_fact(first, "first.n")->type, ==, OSH_FACT_INTEGER);
    g_assert_null(osh_l7_declaration_fact(first, "mail.verb"));
}

static void
test_without_a_declaration_the_request_shows_what_was_done_to_what(void)
{
    g_autoptr(OshL7Declaration) first = osh_l7_declaration_new(manifest, "first");

    g_assert_cmpuint(g_strv_length(first->alpn), ==, 0);
    g_assert_cmpstr(osh_l7_declaration_action(first), ==, OSH_FACT_REQUEST_METHOD);
    g_assert_cmpstr(osh_l7_declaration_target(first), ==, OSH_FACT_REQUEST_PATH);
    g_assert_cmpstr(osh_l7_declaration_action(NULL), ==, OSH_FACT_REQUEST_METHOD);
    g_assert_null(osh_l7_declaration_fact(NULL, "mail.verb"));
}

static void
test_a_protocol_that_is_not_declared_has_no_declaration(void)
{
    g_assert_null(osh_l7_declaration_new(manifest, "other"));
    g_assert_null(osh_l7_declaration_new("no key file", NULL));
    g_assert_null(osh_l7_declaration_new("[plugin]\nid=x\n", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-declaration/everything_that_a_protocol_declares_is_read",
                    test_everything_that_a_protocol_declares_is_read);
    g_test_add_func("/l7-declaration/facts_of_another_protocol_are_not_its_own",
                    test_facts_of_another_protocol_are_not_its_own);
    g_test_add_func("/l7-declaration/without_a_declaration_the_request_shows_what_was_done_to_what",
                    test_without_a_declaration_the_request_shows_what_was_done_to_what);
    g_test_add_func("/l7-declaration/a_protocol_that_is_not_declared_has_no_declaration",
                    test_a_protocol_that_is_not_declared_has_no_declaration);
    return g_test_run();
}
