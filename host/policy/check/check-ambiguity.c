/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-ambiguity.c: refuses endpoints that can mean the same destination and handle it
 * differently.
 *
 * One connection can have only one TLS mode and one list of addresses, and one request only one
 * parser. Endpoints of one host and port are a group; groups that handle everything alike are never
 * looked into, hosts are found by the fixed text at their two ends, and paths by their text, so a
 * large policy costs what really overlaps. What is left is counted, and too much of it is refused:
 * no policy can make a load take for ever. Runs on the loading thread, after the check of types.
 */
#include "ambiguity-fields.h"
#include "glob-text.h"

#include <string.h>

#define MAX_REPORTS 100
#define MAX_STEPS   20000000

/* No endpoint of the group takes part in choosing a parser. */
#define NO_REQUESTS G_MAXUINT32
#define MIXED       0

typedef struct {
    guint port;
    guint first; /* in @members */
    guint count;
    guint32 connection; /* the handling they share, or MIXED */
    guint32 request;    /* likewise, or NO_REQUESTS */
} Group;

typedef struct {
    const char *text;
    const OshGlob *glob; /* NULL for a name */
    guint prefix;        /* bytes before the first wildcard; of a name, all */
    const char *suffix;  /* what stands after the last wildcard; of a name, all */
    guint first_group;
    guint n_groups;
} Host;

typedef struct {
    guint host;
    guint port;
    guint endpoint;
} Member;

typedef struct {
    OshPolicyLoader *loader;
    const OshPolicyEndpoint *endpoints;
    guint32 *connection;   /* of each endpoint; equal numbers: equal handling of the connection */
    guint32 *request;      /* likewise of a request */
    GArray *hosts;         /* Host */
    GArray *groups;        /* Group, by host and port */
    GArray *members;       /* Member, by host, port and endpoint */
    GHashTable *by_suffix; /* suffix of patterns to GArray of host numbers, ordered by prefix */
    GHashTable *reported;  /* pairs of endpoints, which may meet on several ports */
    guint64 steps;
    guint reports;
} Search;

static gboolean
is_done(Search *search)
{
    return search->reports >= MAX_REPORTS || search->steps > MAX_STEPS;
}

static const Host *
host_at(const Search *search, guint number)
{
    return &g_array_index(search->hosts, Host, number);
}

static const OshPolicyEndpoint *
member_endpoint(const Search *search, guint number)
{
    return &search->endpoints[g_array_index(search->members, Member, number).endpoint];
}

/* What an endpoint's path selects, as globs in which `*` crosses slashes. */
static GPtrArray *
selector_globs(const OshPolicyEndpoint *endpoint)
{
    GPtrArray *globs = g_ptr_array_new_with_free_func((GDestroyNotify)osh_glob_free);
    const OshPolicyEndpointMatch *match = endpoint->match;
    g_autoptr(GString) literal = NULL;
    g_autofree char *below = NULL;

    if (match->path_prefix == NULL) {
        const char *pattern = match->path_selector != NULL ? endpoint->path : "*";

        g_ptr_array_add(globs, osh_glob_new(pattern, OSH_GLOB_SELECTOR, NULL));
        return globs;
    }
    literal = g_string_new(NULL);
    osh_glob_append_literal(literal, match->path_prefix, strlen(match->path_prefix));
    below = g_strconcat(literal->str, "/*", NULL);
    g_ptr_array_add(globs, osh_glob_new(literal->str, OSH_GLOB_SELECTOR, NULL));
    g_ptr_array_add(globs, osh_glob_new(below, OSH_GLOB_SELECTOR, NULL));
    return globs;
}

/* What a plugin carries over plain TCP shares no path with anything that is inspected beside it. */
static gboolean
is_carried_by_tcp(const OshPolicyEndpoint *endpoint)
{
    const OshPolicyProtocolDecl *declared = endpoint->match->declared;

    return declared != NULL && strcmp(declared->carrier, "tcp") == 0;
}

/* An endpoint's path as something to look up; NULL when it has to be compared. */
static char *
simple_path(const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    const char *text = match->path_prefix != NULL ? match->path_prefix : endpoint->path;

    if (strpbrk(text, "*?[") != NULL || is_carried_by_tcp(endpoint) ||
        (match->path_prefix == NULL && match->path_selector == NULL))
        return NULL;
    /* of equal specificity, a name meets what is below a prefix only in the prefix and a slash */
    return g_strdup_printf("%u %s%s", match->path_specificity, text,
                           match->path_prefix != NULL ? "/" : "");
}

/* The common case of two globs, which need not be compiled again. */
static gboolean
selectors_differ(Search *search, const OshPolicyEndpoint *left, const OshPolicyEndpoint *right)
{
    const OshPolicyPattern *a = left->match->path_selector;
    const OshPolicyPattern *b = right->match->path_selector;

    if (a == NULL || a->glob == NULL || b == NULL || b->glob == NULL)
        return FALSE;
    search->steps += osh_glob_overlap_cost(a->glob, b->glob);
    return !osh_glob_may_overlap(a->glob, b->glob);
}

static gboolean
paths_meet(Search *search, const OshPolicyEndpoint *left, const OshPolicyEndpoint *right)
{
    g_autoptr(GPtrArray) left_globs = NULL;
    g_autoptr(GPtrArray) right_globs = NULL;

    search->steps++;
    if (left->match->path_specificity != right->match->path_specificity)
        return FALSE;
    if (strcmp(left->path, right->path) == 0)
        return TRUE;
    if (selectors_differ(search, left, right))
        return FALSE;
    left_globs = selector_globs(left);
    right_globs = selector_globs(right);
    search->steps += 100;
    for (guint i = 0; i < left_globs->len; i++)
        for (guint k = 0; k < right_globs->len; k++) {
            const OshGlob *a = g_ptr_array_index(left_globs, i);
            const OshGlob *b = g_ptr_array_index(right_globs, k);

            if (a == NULL || b == NULL)
                return TRUE;
            search->steps += osh_glob_overlap_cost(a, b);
            if (osh_glob_may_overlap(a, b))
                return TRUE;
        }
    return FALSE;
}

static void
report(Search *search, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    g_autofree char *message = NULL;
    char *pair = g_strdup_printf("%u %u", (guint)(MIN(a, b) - search->endpoints),
                                 (guint)(MAX(a, b) - search->endpoints));

    if (!g_hash_table_add(search->reported, pair))
        return;
    message = osh_ambiguity_describe(search->loader->snapshot, MIN(a, b), MAX(a, b));

    search->reports++;
    osh_yaml_error_hint(search->loader->diagnostics, MAX(a, b)->match->source,
                        g_strdup("make them the same in both, or separate hosts, ports or paths"),
                        "%s", message);
}

/* Compares what two endpoints of one port, on hosts that overlap, say about requests. */
static void
compare_requests(Search *search, guint left, guint right)
{
    const OshPolicyEndpoint *a = member_endpoint(search, left);
    const OshPolicyEndpoint *b = member_endpoint(search, right);

    search->steps++;
    if (a == b ||
        search->request[a - search->endpoints] == search->request[b - search->endpoints] ||
        !osh_ambiguity_is_extended(a) || !osh_ambiguity_is_extended(b))
        return;
    if ((a->match->declared != b->match->declared &&
         (is_carried_by_tcp(a) || is_carried_by_tcp(b))) ||
        paths_meet(search, a, b))
        report(search, a, b);
}

/* First endpoint of each handling by simple path, and the endpoints whose path is none. */
typedef struct {
    GHashTable *simple; /* path to GArray of member numbers, one for each handling */
    GArray *general;
} Paths;

static void
sort_paths(Search *search, const Group *group, Paths *ret_paths)
{
    ret_paths->simple =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    ret_paths->general = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = group->first; i < group->first + group->count; i++) {
        const OshPolicyEndpoint *endpoint = member_endpoint(search, i);
        g_autofree char *path = NULL;
        GArray *same;
        gboolean known = FALSE;

        search->steps++;
        if (!osh_ambiguity_is_extended(endpoint))
            continue;
        path = simple_path(endpoint);
        if (path == NULL) {
            g_array_append_val(ret_paths->general, i);
            continue;
        }
        same = g_hash_table_lookup(ret_paths->simple, path);
        if (same == NULL) {
            same = g_array_new(FALSE, FALSE, sizeof(guint));
            g_hash_table_insert(ret_paths->simple, g_steal_pointer(&path), same);
        }
        for (guint k = 0; k < same->len && !known; k++)
            known =
                search->request[member_endpoint(search, g_array_index(same, guint, k)) -
                                search->endpoints] == search->request[endpoint - search->endpoints];
        if (!known && same->len < 4)
            g_array_append_val(same, i);
    }
}

static void
paths_clear(Paths *paths)
{
    g_hash_table_unref(paths->simple);
    g_array_unref(paths->general);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Paths, paths_clear)

static void
compare_lists(Search *search, const GArray *left, const GArray *right)
{
    for (guint i = 0; i < left->len; i++)
        for (guint k = 0; k < right->len && !is_done(search); k++)
            compare_requests(search, g_array_index(left, guint, i), g_array_index(right, guint, k));
}

/* Everything in @left whose path is general, against everything in @right. */
static void
compare_general(Search *search, const Paths *left, const Paths *right)
{
    GHashTableIter iterator;
    gpointer list;

    g_hash_table_iter_init(&iterator, right->simple);
    while (left->general->len > 0 && g_hash_table_iter_next(&iterator, NULL, &list))
        compare_lists(search, left->general, list);
}

static void
compare_pipelines(Search *search, const Group *left, const Group *right)
{
    g_auto(Paths) a = {NULL, NULL};
    g_auto(Paths) b = {NULL, NULL};
    GHashTableIter iterator;
    gpointer path;
    gpointer list;

    sort_paths(search, left, &a);
    sort_paths(search, right, &b);
    g_hash_table_iter_init(&iterator, a.simple);
    while (g_hash_table_iter_next(&iterator, &path, &list)) {
        const GArray *same = g_hash_table_lookup(b.simple, path);

        if (same != NULL)
            compare_lists(search, list, same);
    }
    compare_general(search, &a, &b);
    if (left != right)
        compare_general(search, &b, &a);
    /* within one group each pair of the general ones is met twice */
    for (guint i = 0; i < a.general->len && !is_done(search); i++)
        for (guint k = left == right ? i + 1 : 0; k < b.general->len && !is_done(search); k++)
            compare_requests(search, g_array_index(a.general, guint, i),
                             g_array_index(b.general, guint, k));
}

/* An endpoint of @group that does not handle the connection like @handling. */
static const OshPolicyEndpoint *
find_other(const Search *search, const Group *group, guint32 handling)
{
    for (guint i = group->first; i < group->first + group->count; i++) {
        const OshPolicyEndpoint *endpoint = member_endpoint(search, i);

        if (search->connection[endpoint - search->endpoints] != handling)
            return endpoint;
    }
    return NULL;
}

static gboolean
groups_differ(const Group *left, const Group *right)
{
    if (left->connection == MIXED || left->connection != right->connection)
        return TRUE;
    if (left->request == NO_REQUESTS || right->request == NO_REQUESTS)
        return FALSE;
    return left->request == MIXED || left->request != right->request;
}

/* Two groups of one port whose hosts overlap. */
static void
compare_groups(Search *search, const Group *left, const Group *right)
{
    const OshPolicyEndpoint *first = member_endpoint(search, left->first);
    const OshPolicyEndpoint *other = NULL;

    search->steps++;
    if (!groups_differ(left, right))
        return;
    if (left->connection == MIXED || left->connection != right->connection) {
        search->steps += left->count + right->count;
        other = find_other(search, right, search->connection[first - search->endpoints]);
        if (other == NULL) {
            other = member_endpoint(search, right->first);
            first = find_other(search, left, search->connection[other - search->endpoints]);
        }
        if (first != NULL && other != NULL)
            report(search, first, other);
        return;
    }
    compare_pipelines(search, left, right);
}

static gboolean
hosts_overlap(Search *search, const Host *left, const Host *right)
{
    if (*left->text == '\0' || *right->text == '\0')
        return TRUE;
    if (left->glob == NULL || right->glob == NULL) {
        const Host *name = left->glob == NULL ? left : right;
        const Host *pattern = left->glob == NULL ? right : left;

        search->steps += 4;
        return pattern->glob != NULL &&
               osh_glob_match(pattern->glob, name->text, strlen(name->text)) == OSH_GLOB_MATCHED;
    }
    search->steps += osh_glob_overlap_cost(left->glob, right->glob);
    return osh_glob_may_overlap(left->glob, right->glob);
}

/* Both list their groups by port. */
static void
compare_hosts(Search *search, const Host *left, const Host *right)
{
    gboolean known = FALSE;
    guint k = 0;

    for (guint i = 0; i < left->n_groups && k < right->n_groups && !is_done(search);) {
        const Group *a = &g_array_index(search->groups, Group, left->first_group + i);
        const Group *b = &g_array_index(search->groups, Group, right->first_group + k);

        search->steps++;
        if (a->port == b->port && groups_differ(a, b)) {
            if (!known && !hosts_overlap(search, left, right))
                return;
            known = TRUE;
            compare_groups(search, a, b);
        }
        i += a->port <= b->port;
        k += b->port <= a->port;
    }
}

static void
compare_within(Search *search, const Host *host)
{
    for (guint i = 0; i < host->n_groups && !is_done(search); i++) {
        const Group *group = &g_array_index(search->groups, Group, host->first_group + i);

        if (group->connection == MIXED || group->request == MIXED)
            compare_groups(search, group, group);
    }
}

static gint
compare_prefix(const Host *left, const char *text, guint length)
{
    gint order = memcmp(left->text, text, MIN(left->prefix, length));

    return order != 0 ? order : left->prefix < length ? -1 : left->prefix > length;
}

static guint
lower_bound(const Search *search, const GArray *list, const char *text, guint length)
{
    guint low = 0;
    guint high = list->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_prefix(host_at(search, g_array_index(list, guint, middle)), text, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * Patterns of @list whose prefix agrees with the beginning of @host, or goes on from it. @twice:
 * both sides of a pair look for the other.
 */
static void
search_prefixes(Search *search, guint number, const GArray *list, gboolean twice)
{
    const Host *host = host_at(search, number);

    for (guint length = 0; length <= host->prefix && !is_done(search); length++) {
        guint i = lower_bound(search, list, host->text, length);

        search->steps++;
        for (; i < list->len && !is_done(search); i++) {
            guint other = g_array_index(list, guint, i);
            const Host *pattern = host_at(search, other);

            search->steps++;
            if (memcmp(pattern->text, host->text, MIN(length, pattern->prefix)) != 0 ||
                pattern->prefix < length || (length < host->prefix && pattern->prefix != length))
                break;
            if (!twice || other > number)
                compare_hosts(search, host, pattern);
        }
    }
}

/* Every pattern whose suffix the host ends in. */
static void
search_host(Search *search, guint number)
{
    const Host *host = host_at(search, number);

    compare_within(search, host);
    if (g_hash_table_size(search->by_suffix) == 0)
        return;
    for (const char *suffix = host->suffix; !is_done(search); suffix++) {
        const GArray *list = g_hash_table_lookup(search->by_suffix, suffix);

        search->steps++;
        if (list != NULL)
            search_prefixes(search, number, list, host->glob != NULL && suffix == host->suffix);
        if (*suffix == '\0')
            return;
    }
}

static gint
compare_members(gconstpointer a, gconstpointer b)
{
    const Member *left = a;
    const Member *right = b;

    if (left->host != right->host)
        return left->host < right->host ? -1 : 1;
    if (left->port != right->port)
        return left->port < right->port ? -1 : 1;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

static guint
host_number(Search *search, GHashTable *numbers, const OshPolicyEndpoint *endpoint)
{
    gpointer number = g_hash_table_lookup(numbers, endpoint->host);
    Host host = {.text = endpoint->host};
    gsize length = strlen(endpoint->host);

    if (number != NULL)
        return GPOINTER_TO_UINT(number) - 1;
    host.prefix = (guint)length;
    host.suffix = endpoint->host;
    if (endpoint->host_is_pattern) {
        host.glob = endpoint->match->host->glob;
        host.prefix = (guint)strcspn(endpoint->host, "*?[]{},\\");
        for (const char *p = endpoint->host + host.prefix; *p != '\0'; p++)
            if (strchr("*?[]{},\\", *p) != NULL)
                host.suffix = p + 1;
    }
    g_array_append_val(search->hosts, host);
    g_hash_table_insert(numbers, (gpointer)endpoint->host, GUINT_TO_POINTER(search->hosts->len));
    return search->hosts->len - 1;
}

static void
collect_members(Search *search)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < search->loader->snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &search->endpoints[i];
        Member member = {host_number(search, numbers, endpoint), 0, i};

        for (guint k = 0; k < endpoint->n_ports; k++) {
            member.port = endpoint->ports[k];
            g_array_append_val(search->members, member);
        }
    }
    g_array_sort(search->members, compare_members);
}

static void
add_to_group(Search *search, Group *group, guint endpoint)
{
    guint32 request = osh_ambiguity_is_extended(&search->endpoints[endpoint])
                          ? search->request[endpoint]
                          : NO_REQUESTS;

    if (group->count == 0) {
        group->connection = search->connection[endpoint];
        group->request = request;
    } else {
        if (group->connection != search->connection[endpoint])
            group->connection = MIXED;
        if (group->request == NO_REQUESTS)
            group->request = request;
        else if (request != NO_REQUESTS && group->request != request)
            group->request = MIXED;
    }
    group->count++;
}

static void
collect_groups(Search *search)
{
    Group *group = NULL;
    const Member *before = NULL;

    for (guint i = 0; i < search->members->len; i++) {
        const Member *member = &g_array_index(search->members, Member, i);
        Host *host = &g_array_index(search->hosts, Host, member->host);

        if (before == NULL || before->host != member->host || before->port != member->port) {
            Group fresh = {.port = member->port, .first = i};

            if (host->n_groups++ == 0)
                host->first_group = search->groups->len;
            g_array_append_val(search->groups, fresh);
            group = &g_array_index(search->groups, Group, search->groups->len - 1);
        }
        add_to_group(search, group, member->endpoint);
        before = member;
    }
}

static gint
compare_host_prefixes(gconstpointer a, gconstpointer b, gpointer data)
{
    const Host *right = host_at(data, *(const guint *)b);

    return compare_prefix(host_at(data, *(const guint *)a), right->text, right->prefix);
}

static void
index_patterns(Search *search)
{
    GHashTableIter iterator;
    gpointer list;

    for (guint i = 0; i < search->hosts->len; i++) {
        const Host *host = host_at(search, i);

        if (host->glob == NULL)
            continue;
        list = g_hash_table_lookup(search->by_suffix, host->suffix);
        if (list == NULL) {
            list = g_array_new(FALSE, FALSE, sizeof(guint));
            g_hash_table_insert(search->by_suffix, (gpointer)host->suffix, list);
        }
        g_array_append_val((GArray *)list, i);
    }
    g_hash_table_iter_init(&iterator, search->by_suffix);
    while (g_hash_table_iter_next(&iterator, NULL, &list))
        g_array_sort_with_data(list, compare_host_prefixes, search);
}

static void
search_pairs(Search *search)
{
    guint hostless = G_MAXUINT;

    collect_members(search);
    collect_groups(search);
    index_patterns(search);
    for (guint i = 0; i < search->hosts->len && !is_done(search); i++) {
        if (*host_at(search, i)->text == '\0')
            hostless = i;
        search_host(search, i);
    }
    for (guint i = 0; hostless != G_MAXUINT && i < search->hosts->len && !is_done(search); i++)
        if (i != hostless)
            compare_hosts(search, host_at(search, hostless), host_at(search, i));
    if (search->steps > MAX_STEPS)
        osh_yaml_error_hint(search->loader->diagnostics, NULL,
                            g_strdup("group endpoints that are treated alike, or name hosts and "
                                     "paths without wildcards"),
                            "too many endpoints overlap to tell whether the policy is ambiguous");
}

/* The number of @key, which it takes; never MIXED. */
static guint32
number_of(GHashTable *numbers, char *key)
{
    gpointer number = g_hash_table_lookup(numbers, key);

    if (number != NULL) {
        g_free(key);
        return GPOINTER_TO_UINT(number);
    }
    number = GUINT_TO_POINTER(g_hash_table_size(numbers) + 1);
    g_hash_table_insert(numbers, key, number);
    return GPOINTER_TO_UINT(number);
}

void
osh_schema_check_ambiguity(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;
    g_autoptr(GHashTable) connections =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) requests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree guint32 *connection = g_new0(guint32, snapshot->n_endpoints + 1);
    g_autofree guint32 *request = g_new0(guint32, snapshot->n_endpoints + 1);
    g_autoptr(GArray) hosts = g_array_new(FALSE, FALSE, sizeof(Host));
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(Group));
    g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(Member));
    g_autoptr(GHashTable) by_suffix =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
    g_autoptr(GHashTable) reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Search search = {loader,  snapshot->endpoints, connection, request, hosts, groups,
                     members, by_suffix,           reported,   0,       0};

    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_AMBIGUITY);
    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];

        connection[i] = number_of(connections, osh_ambiguity_connection_key(endpoint));
        request[i] = number_of(requests, osh_ambiguity_is_extended(endpoint)
                                             ? osh_ambiguity_request_key(endpoint)
                                             : g_strdup("-"));
    }
    /* one handling for all cannot be ambiguous */
    if (g_hash_table_size(connections) > 1 || g_hash_table_size(requests) > 1)
        search_pairs(&search);
}
