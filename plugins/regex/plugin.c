/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin of the middleware openshell/regex: redacts what patterns match in the content of
 * messages, or denies the message.
 *
 * Content is matched on [worker], so that no pattern holds up a shard; the question belongs to the
 * shard that asked. Configurations are compiled once and kept in a table under a lock; entries of
 * policies that are no more are few and go with the plugin.
 */
#include <openshell/ext/draft/middleware.h>
#include <openshell/ext/worker.h>
#include <openshell/openshell.h>

#include "regex.h"

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=regex\n"
                    "version=0.1.0\n"
                    "abi=1.0\n"
                    "summary=Redacts or denies what patterns match in the content of messages\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_MIDDLEWARE "\n"
                    "requires=openshell.worker/1\n"
                    "middleware=openshell/regex\n");

typedef struct {
    OshInterface worker;
    GMutex lock;
    GHashTable *rules; /* printed configuration to RegexRules; under lock */
    GMutex open_lock;
    GHashTable *open; /* data of the one who asked to Question; under open_lock */
} RegexPlugin;

/**
 * Question: of one message.
 * @content: a copy: the message may be given up while it is matched
 * @done: (nullable): NULL once the answer is not wanted
 */
typedef struct {
    RegexPlugin *plugin;
    RegexRules *rules;
    GBytes *content;
    RegexResult result;
    GBytes *changed;
    OshMiddlewareFunc done;
    gpointer data;
} Question;

/* Returns: (transfer full) (nullable) */
static RegexRules *
rules_for(RegexPlugin *self, GVariant *config, GError **error)
{
    g_autofree char *text = config != NULL ? g_variant_print(config, TRUE) : g_strdup("");
    RegexRules *rules;

    g_mutex_lock(&self->lock);
    rules = g_hash_table_lookup(self->rules, text);
    if (rules == NULL) {
        rules = regex_rules_new(config, error);
        if (rules != NULL)
            g_hash_table_insert(self->rules, g_steal_pointer(&text), rules);
    }
    if (rules != NULL)
        regex_rules_ref(rules);
    g_mutex_unlock(&self->lock);
    return rules;
}

static const char *const *
regex_implementations(gpointer instance)
{
    static const char *const names[] = {"openshell/regex", NULL};

    (void)instance;
    return names;
}

static gboolean
regex_check(gpointer instance, const char *implementation, GVariant *config, GError **error)
{
    RegexRules *rules = rules_for(instance, config, error);

    (void)implementation;
    if (rules == NULL)
        return FALSE;
    regex_rules_unref(rules);
    return TRUE;
}

static void
question_free(Question *question)
{
    g_clear_pointer(&question->changed, g_bytes_unref);
    g_bytes_unref(question->content);
    regex_rules_unref(question->rules);
    g_free(question);
}

static void
answer(OshMiddlewareFunc done, gpointer data, RegexResult result, GBytes *changed)
{
    switch (result) {
    case REGEX_NOTHING:
        done(OSH_MIDDLEWARE_ALLOW, NULL, NULL, data);
        break;
    case REGEX_REDACTED:
        done(OSH_MIDDLEWARE_REPLACE, NULL, changed, data);
        break;
    case REGEX_DENIED:
        done(OSH_MIDDLEWARE_DENY, "pattern_matched", NULL, data);
        break;
    case REGEX_NOT_TEXT:
        done(OSH_MIDDLEWARE_FAILED, "not_utf8", NULL, data);
        break;
    case REGEX_TOO_LARGE:
        done(OSH_MIDDLEWARE_FAILED, "over_limit", NULL, data);
        break;
    case REGEX_TOO_SLOW:
    default:
        done(OSH_MIDDLEWARE_FAILED, "pattern_limit", NULL, data);
    }
}

/* [worker] */
static void
question_work(gpointer data)
{
    Question *question = data;
    gsize length;
    const char *content = g_bytes_get_data(question->content, &length);

    question->result = regex_rules_apply(question->rules, content, length, &question->changed);
}

/* [shard] */
static void
question_done(gpointer data)
{
    Question *question = data;

    if (question->done != NULL) {
        g_mutex_lock(&question->plugin->open_lock);
        g_hash_table_remove(question->plugin->open, question->data);
        g_mutex_unlock(&question->plugin->open_lock);
        answer(question->done, question->data, question->result, question->changed);
    }
    question_free(question);
}

static void
regex_evaluate(gpointer instance, const char *implementation, const OshMiddlewareRequest *request,
               OshMiddlewareFunc done, gpointer data)
{
    RegexPlugin *self = instance;
    g_autoptr(RegexRules) rules = rules_for(self, request->config, NULL);
    Question *question;

    (void)implementation;
    if (rules == NULL) {
        done(OSH_MIDDLEWARE_FAILED, "configuration", NULL, data);
        return;
    }
    if (request->content.length == 0) {
        done(OSH_MIDDLEWARE_ALLOW, NULL, NULL, data);
        return;
    }
    if (request->content.length > REGEX_CONTENT_MAX) {
        answer(done, data, REGEX_TOO_LARGE, NULL);
        return;
    }
    question = g_new0(Question, 1);
    question->plugin = self;
    question->rules = g_steal_pointer(&rules);
    question->content = g_bytes_new(request->content.data, request->content.length);
    question->done = done;
    question->data = data;
    g_mutex_lock(&self->open_lock);
    g_hash_table_insert(self->open, data, question);
    g_mutex_unlock(&self->open_lock);
    if (osh_worker_submit(&self->worker, question_work, question_done, question))
        return;
    g_mutex_lock(&self->open_lock);
    g_hash_table_remove(self->open, data);
    g_mutex_unlock(&self->open_lock);
    question_free(question);
    done(OSH_MIDDLEWARE_FAILED, "busy", NULL, data);
}

/* What is being matched is let go on; nobody hears of it. */
static void
regex_cancel(gpointer instance, gpointer data)
{
    RegexPlugin *self = instance;
    Question *question;

    g_mutex_lock(&self->open_lock);
    question = g_hash_table_lookup(self->open, data);
    if (question != NULL) {
        question->done = NULL;
        g_hash_table_remove(self->open, data);
    }
    g_mutex_unlock(&self->open_lock);
}

/* Of a configuration that was checked. */
static guint32
regex_operations(gpointer instance, const char *implementation, GVariant *config)
{
    const char *text = "request";
    guint directions;

    (void)instance;
    (void)implementation;
    if (config != NULL)
        g_variant_lookup(config, "direction", "&s", &text);
    directions = regex_direction(text);
    return ((directions & REGEX_REQUESTS) != 0 ? OSH_MIDDLEWARE_REQUESTS : 0) |
           ((directions & REGEX_RESPONSES) != 0 ? OSH_MIDDLEWARE_RESPONSES : 0);
}

static const OshMiddlewareInterface regex_vtable = {
    .struct_size = sizeof(OshMiddlewareInterface),
    .implementations = regex_implementations,
    .check = regex_check,
    .evaluate = regex_evaluate,
    .cancel = regex_cancel,
    .operations = regex_operations,
};

static gboolean
regex_create(const OshHost *host, RegexPlugin **ret_self, GError **error)
{
    RegexPlugin *self;
    OshInterface worker;

    if (!osh_host_get_interface(host, OSH_INTERFACE_WORKER, &worker)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "the host has no workers");
        return FALSE;
    }
    self = g_new0(RegexPlugin, 1);
    self->worker = worker;
    g_mutex_init(&self->lock);
    g_mutex_init(&self->open_lock);
    self->rules =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)regex_rules_unref);
    self->open = g_hash_table_new(NULL, NULL);
    *ret_self = self;
    return TRUE;
}

static void
regex_destroy(RegexPlugin *self)
{
    g_hash_table_unref(self->rules);
    g_hash_table_unref(self->open);
    g_mutex_clear(&self->lock);
    g_mutex_clear(&self->open_lock);
    g_free(self);
}

static gboolean
regex_get_interface(RegexPlugin *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_MIDDLEWARE))
        return FALSE;
    *ret_interface = (OshInterface){"regex", &regex_vtable, self};
    return TRUE;
}

OSH_PLUGIN_DEFINE(RegexPlugin, .create = regex_create, .destroy = regex_destroy,
                  .get_interface = regex_get_interface)
