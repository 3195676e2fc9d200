/* SPDX-License-Identifier: Apache-2.0 */
/* One offer goes on, in one spelling; a server may agree to that and to nothing else. */
#include "extension.h"

#include <string.h>

static char *
sent_for(const char *field)
{
    g_autoptr(GString) text = g_string_new(NULL);
    WsOffer offer;

    if (!ws_offer_read(osh_span(field), &offer))
        return g_strdup("");
    ws_offer_text(&offer, text);
    return g_strdup(text->str);
}

static void
test_the_first_offer_that_is_well_formed_goes_on(void)
{
    static const char *const rows[][2] = {
        {"permessage-deflate", "permessage-deflate"},
        {"  PerMessage-Deflate ;  client_max_window_bits ",
         "permessage-deflate; client_max_window_bits"},
        {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=\"8\"",
         "permessage-deflate; server_max_window_bits=8"},
        {"permessage-deflate; client_no_context_takeover; server_no_context_takeover",
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {"x-other; a=\"1,2;3\", permessage-deflate", "permessage-deflate"},
        {"permessage-deflate; server_max_window_bits=16, permessage-deflate; "
         "client_no_context_takeover",
         "permessage-deflate; client_no_context_takeover"},
        {"permessage-deflate; server_max_window_bits", ""},
        {"permessage-deflate; server_max_window_bits=7", ""},
        {"permessage-deflate; server_max_window_bits=08", ""},
        {"permessage-deflate; client_no_context_takeover=1", ""},
        {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", ""},
        {"permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", ""},
        {"permessage-deflate; mode=fast", ""},
        {"permessage-deflate;", ""},
        {"x-webkit-deflate-frame", ""},
        {"\"permessage-deflate\"", ""},
        {"permessage-deflate; x=\"open", ""},
        {"", ""},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *sent = sent_for(rows[i][0]);

        if (!g_str_equal(sent, rows[i][1]))
            g_error("%s: sent as %s", rows[i][0], sent);
    }
}

static void
test_a_server_agrees_to_what_was_offered(void)
{
    static const struct {
        const char *offer;
        const char *answer;
        gboolean right;
        gboolean client_resets;
        gboolean server_resets;
        guint client_bits;
        guint server_bits;
    } rows[] = {
        {"permessage-deflate", "permessage-deflate", TRUE, FALSE, FALSE, 15, 15},
        {"permessage-deflate", "permessage-deflate; server_no_context_takeover", TRUE, FALSE, TRUE,
         15, 15},
        {"permessage-deflate", "permessage-deflate; client_no_context_takeover", TRUE, TRUE, FALSE,
         15, 15},
        {"permessage-deflate", "permessage-deflate; server_max_window_bits=10", TRUE, FALSE, FALSE,
         15, 10},
        {"permessage-deflate; client_max_window_bits",
         "permessage-deflate; client_max_window_bits=9", TRUE, FALSE, FALSE, 9, 15},
        {"permessage-deflate; client_max_window_bits=10",
         "permessage-deflate; client_max_window_bits=11", FALSE, 0, 0, 0, 0},
        {"permessage-deflate", "permessage-deflate; client_max_window_bits=9", FALSE, 0, 0, 0, 0},
        {"permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits",
         FALSE, 0, 0, 0, 0},
        {"permessage-deflate; server_no_context_takeover", "permessage-deflate", FALSE, 0, 0, 0, 0},
        {"permessage-deflate; server_max_window_bits=10", "permessage-deflate", FALSE, 0, 0, 0, 0},
        {"permessage-deflate; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=11", FALSE, 0, 0, 0, 0},
        {"permessage-deflate; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=9", TRUE, FALSE, FALSE, 15, 9},
        {"", "permessage-deflate", FALSE, 0, 0, 0, 0},
        {"permessage-deflate", "permessage-deflate, permessage-deflate", FALSE, 0, 0, 0, 0},
        {"permessage-deflate", "permessage-deflate,", FALSE, 0, 0, 0, 0},
        {"permessage-deflate", "x-other", FALSE, 0, 0, 0, 0},
        {"permessage-deflate", "", FALSE, 0, 0, 0, 0},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        WsDeflateAgreed agreed[2] = {0};
        WsOffer offer;

        (void)ws_offer_read(osh_span(rows[i].offer), &offer);
        if (ws_answer_read(osh_span(rows[i].answer), &offer, agreed) != rows[i].right)
            g_error("%s after %s", rows[i].answer, rows[i].offer);
        if (!rows[i].right)
            continue;
        g_assert_true(agreed[0].is_on && agreed[1].is_on);
        g_assert_cmpint(agreed[OSH_CLIENT_TO_SERVER].resets, ==, rows[i].client_resets);
        g_assert_cmpint(agreed[OSH_SERVER_TO_CLIENT].resets, ==, rows[i].server_resets);
        g_assert_cmpuint(agreed[OSH_CLIENT_TO_SERVER].window_bits, ==, rows[i].client_bits);
        g_assert_cmpuint(agreed[OSH_SERVER_TO_CLIENT].window_bits, ==, rows[i].server_bits);
    }
}

static void
test_a_list_is_cut_outside_quotes(void)
{
    OshSpan list = osh_span("a ;\tb=\"x;\\\";y\" ; c");
    OshSpan element;

    g_assert_true(ws_next_element(&list, ';', &element));
    g_assert_cmpmem(element.data, element.length, "a", 1);
    g_assert_true(ws_next_element(&list, ';', &element));
    g_assert_cmpmem(element.data, element.length, "b=\"x;\\\";y\"", 10);
    g_assert_true(ws_next_element(&list, ';', &element));
    g_assert_cmpmem(element.data, element.length, "c", 1);
    g_assert_false(ws_next_element(&list, ';', &element));
    list = osh_span("\"\\");
    g_assert_true(ws_next_element(&list, ';', &element));
    g_assert_cmpuint(element.length, ==, 2);
    g_assert_false(ws_next_element(&list, ';', &element));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-ws/the-first-offer-that-is-well-formed-goes-on",
                    test_the_first_offer_that_is_well_formed_goes_on);
    g_test_add_func("/l7-ws/a-server-agrees-to-what-was-offered",
                    test_a_server_agrees_to_what_was_offered);
    g_test_add_func("/l7-ws/a-list-is-cut-outside-quotes", test_a_list_is_cut_outside_quotes);
    return g_test_run();
}
