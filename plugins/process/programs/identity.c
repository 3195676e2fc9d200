/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c: the user and the groups of a box's programs.
 *
 * Rules: never uid or gid 0, whatever the policy says; supplementary groups only when listed; only
 * root changes identity, and for an ordinary user a policy that names another user is an error, not
 * ignored. [main]; no state. It must run before any fork, since NSS takes locks and may load code.
 */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#define HIGHEST_ID     4294967294u
#define FALLBACK_SHELL "/bin/sh"
#define HOMELESS       "/tmp"
#define LOOKUP_BUFFER  4096
#define LOOKUP_LIMIT   (1024 * 1024)

typedef struct {
    uid_t uid;
    gid_t gid;
    char *name;
    char *home;
    char *shell;
} Account;

GQuark
osh_identity_error_quark(void)
{
    return g_quark_from_static_string("openshell-identity-error");
}

static void
account_clear(Account *account)
{
    g_free(account->name);
    g_free(account->home);
    g_free(account->shell);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Account, account_clear)

static gboolean
is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

static gboolean
is_decimal(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isdigit(*c))
            return FALSE;
    return *text != '\0';
}

static gboolean
parse_id(const char *what, const char *text, guint32 *ret_id, GError **error)
{
    guint64 id;

    if (!g_ascii_string_to_unsigned(text, 10, 0, HIGHEST_ID, &id, NULL)) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_INVALID,
                    "%s \"%s\" is not an id from 1 to %u", what, text, HIGHEST_ID);
        return FALSE;
    }
    *ret_id = (guint32)id;
    return TRUE;
}

/* Service accounts have a shell that refuses to run, which would break what honours SHELL. */
static gboolean
can_run(const char *shell)
{
    return is_set(shell) && !g_str_has_suffix(shell, "/nologin") &&
           !g_str_has_suffix(shell, "/false");
}

/* By name, or by id when @name is NULL. */
static gboolean
find_account(const char *name, uid_t uid, Account *ret_account)
{
    for (gsize size = LOOKUP_BUFFER; size <= LOOKUP_LIMIT; size *= 4) {
        g_autofree char *buffer = g_malloc(size);
        struct passwd entry, *found = NULL;
        int status = name != NULL ? getpwnam_r(name, &entry, buffer, size, &found)
                                  : getpwuid_r(uid, &entry, buffer, size, &found);

        if (status == ERANGE)
            continue;
        if (found == NULL)
            return FALSE;
        ret_account->uid = entry.pw_uid;
        ret_account->gid = entry.pw_gid;
        ret_account->name = g_strdup(entry.pw_name);
        ret_account->home = g_strdup(is_set(entry.pw_dir) ? entry.pw_dir : HOMELESS);
        ret_account->shell = g_strdup(can_run(entry.pw_shell) ? entry.pw_shell : FALLBACK_SHELL);
        return TRUE;
    }
    return FALSE;
}

/* By name, or by id when @name is NULL. */
static gboolean
find_group(const char *name, gid_t gid, gid_t *ret_gid, char **ret_name)
{
    for (gsize size = LOOKUP_BUFFER; size <= LOOKUP_LIMIT; size *= 4) {
        g_autofree char *buffer = g_malloc(size);
        struct group entry, *found = NULL;
        int status = name != NULL ? getgrnam_r(name, &entry, buffer, size, &found)
                                  : getgrgid_r(gid, &entry, buffer, size, &found);

        if (status == ERANGE)
            continue;
        if (found == NULL)
            return FALSE;
        *ret_gid = entry.gr_gid;
        if (ret_name != NULL)
            *ret_name = g_strdup(entry.gr_name);
        return TRUE;
    }
    return FALSE;
}

/* @absent: (nullable): an account that is known not to exist; a look-up may ask a daemon. */
static void
set_homeless(OshIdentity *identity, uid_t uid, const char *absent)
{
    g_auto(Account) other = {0};

    identity->uid = uid;
    identity->has_no_account = TRUE;
    identity->user = g_strcmp0(absent, OSH_IDENTITY_OWN_NAME) != 0 &&
                             find_account(OSH_IDENTITY_OWN_NAME, 0, &other)
                         ? g_strdup_printf("box%u", uid)
                         : g_strdup(OSH_IDENTITY_OWN_NAME);
    identity->home = g_strdup(HOMELESS);
    identity->shell = g_strdup(FALLBACK_SHELL);
}

static void
take_account(OshIdentity *identity, Account *account)
{
    identity->uid = account->uid;
    identity->user = g_steal_pointer(&account->name);
    identity->home = g_steal_pointer(&account->home);
    identity->shell = g_steal_pointer(&account->shell);
}

/* Neither the policy nor an account says who; see OSH_IDENTITY_SPARE_ID. */
static gboolean
use_spare_id(OshIdentity *identity, const char *account, gboolean *ret_has_gid, GError **error)
{
    g_auto(Account) taken = {0};
    gid_t gid;

    if (find_account(NULL, OSH_IDENTITY_SPARE_ID, &taken) ||
        find_group(NULL, OSH_IDENTITY_SPARE_ID, &gid, NULL)) {
        g_set_error(
            error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_UNKNOWN,
            "the policy names no user, there is no account \"%s\", and id %d, which would "
            "be used instead, belongs to an account: set process.run_as_user in the policy, "
            "or make the account with: useradd --system --user-group %s",
            account, OSH_IDENTITY_SPARE_ID, account);
        return FALSE;
    }
    set_homeless(identity, OSH_IDENTITY_SPARE_ID, account);
    identity->gid = OSH_IDENTITY_SPARE_ID;
    *ret_has_gid = TRUE;
    identity->note = g_strdup_printf("running as uid %d, which no account has: the policy names no "
                                     "user and there is no account \"%s\"",
                                     OSH_IDENTITY_SPARE_ID, account);
    return TRUE;
}

static gboolean
resolve_user(const OshIdentityRequest *request, OshIdentity *identity, gboolean *ret_has_gid,
             GError **error)
{
    const char *fallback =
        request->default_account != NULL ? request->default_account : OSH_IDENTITY_DEFAULT_ACCOUNT;
    g_auto(Account) account = {0};
    guint32 uid;

    if (!is_set(request->run_as_user)) {
        if (!find_account(fallback, 0, &account))
            return use_spare_id(identity, fallback, ret_has_gid, error);
    } else if (is_decimal(request->run_as_user)) {
        if (!parse_id("process.run_as_user", request->run_as_user, &uid, error))
            return FALSE;
        if (!find_account(NULL, uid, &account)) {
            set_homeless(identity, uid, NULL);
            return TRUE;
        }
    } else if (!find_account(request->run_as_user, 0, &account)) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_UNKNOWN,
                    "process.run_as_user: there is no user \"%s\" on this machine; make it with: "
                    "useradd --system --user-group %s, or leave the key out: programs run as uid "
                    "%d then",
                    request->run_as_user, request->run_as_user, OSH_IDENTITY_SPARE_ID);
        return FALSE;
    }
    identity->gid = account.gid;
    *ret_has_gid = TRUE;
    take_account(identity, &account);
    return TRUE;
}

static gboolean
lookup_group(const char *what, const char *text, gid_t *ret_gid, GError **error)
{
    guint32 gid;

    if (is_decimal(text)) {
        if (!parse_id(what, text, &gid, error))
            return FALSE;
        *ret_gid = gid;
    } else if (!find_group(text, 0, ret_gid, NULL)) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_UNKNOWN,
                    "%s: there is no group \"%s\" on this machine", what, text);
        return FALSE;
    }
    if (*ret_gid == 0) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_FORBIDDEN,
                    "%s: \"%s\" is root's group (gid 0), which a box never gets", what, text);
        return FALSE;
    }
    return TRUE;
}

static gboolean
resolve_groups(const OshIdentityRequest *request, OshIdentity *identity, gboolean has_gid,
               GError **error)
{
    gsize count = request->groups != NULL ? g_strv_length((char **)request->groups) : 0;

    if (is_set(request->run_as_group)) {
        if (!lookup_group("process.run_as_group", request->run_as_group, &identity->gid, error))
            return FALSE;
    } else if (!has_gid) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_INVALID,
                    "process.run_as_user is the id %s, which has no account to take a group from: "
                    "set process.run_as_group too",
                    request->run_as_user);
        return FALSE;
    }
    identity->groups = g_new0(gid_t, count + 1);
    for (gsize i = 0; i < count; i++) {
        if (!lookup_group("groups", request->groups[i], &identity->groups[i], error))
            return FALSE;
        identity->n_groups++;
    }
    return TRUE;
}

static gboolean
resolve_as_root(const OshIdentityRequest *request, OshIdentity *identity, GError **error)
{
    gboolean has_gid = FALSE;

    if (!resolve_user(request, identity, &has_gid, error))
        return FALSE;
    if (identity->uid == 0) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_FORBIDDEN,
                    "process.run_as_user: \"%s\" is root (uid 0), which a box never is; name an "
                    "ordinary user",
                    request->run_as_user);
        return FALSE;
    }
    if (!resolve_groups(request, identity, has_gid, error))
        return FALSE;
    if (identity->gid == 0) {
        g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_FORBIDDEN,
                    "user \"%s\" has root's group (gid 0), which a box never gets; set "
                    "process.run_as_group",
                    identity->user);
        return FALSE;
    }
    return TRUE;
}

static gboolean
names_own_user(const OshIdentityRequest *request)
{
    g_auto(Account) account = {0};
    guint32 uid;

    if (!is_set(request->run_as_user))
        return TRUE;
    if (is_decimal(request->run_as_user))
        return parse_id("", request->run_as_user, &uid, NULL) && uid == request->uid;
    return find_account(request->run_as_user, 0, &account) && account.uid == request->uid;
}

static gboolean
names_own_group(const OshIdentityRequest *request)
{
    gid_t gid;

    return !is_set(request->run_as_group) ||
           (lookup_group("", request->run_as_group, &gid, NULL) && gid == request->gid);
}

static gboolean
resolve_as_ordinary_user(const OshIdentityRequest *request, OshIdentity *identity, GError **error)
{
    g_auto(Account) account = {0};
    gboolean user_differs = !names_own_user(request);

    if (user_differs || !names_own_group(request)) {
        const char *key = user_differs ? "process.run_as_user" : "process.run_as_group";
        const char *value = user_differs ? request->run_as_user : request->run_as_group;

        if (!request->keep_own) {
            g_set_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_NOT_PERMITTED,
                        "%s is \"%s\", and only root can become another user: start as root, "
                        "leave the key out of the policy, or accept your own user with "
                        "--allow-degraded=user",
                        key, value);
            return FALSE;
        }
        identity->note = g_strdup_printf("running as uid %u, not as %s \"%s\", without root",
                                         request->uid, key, value);
    }
    if (request->groups != NULL && request->groups[0] != NULL) {
        g_set_error_literal(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_NOT_PERMITTED,
                            "groups: only root can give a box supplementary groups");
        return FALSE;
    }
    if (find_account(NULL, request->uid, &account))
        take_account(identity, &account);
    else
        set_homeless(identity, request->uid, NULL);
    identity->uid = request->uid;
    identity->gid = request->gid;
    identity->groups = g_new0(gid_t, 1);
    return TRUE;
}

OshIdentity *
osh_identity_resolve(const OshIdentityRequest *request, GError **error)
{
    g_autoptr(OshIdentity) identity = g_new0(OshIdentity, 1);
    gid_t gid;

    if (request->uid == 0 ? !resolve_as_root(request, identity, error)
                          : !resolve_as_ordinary_user(request, identity, error))
        return NULL;
    if (!find_group(NULL, identity->gid, &gid, &identity->group))
        identity->group = g_strdup(OSH_IDENTITY_OWN_NAME);
    return g_steal_pointer(&identity);
}

void
osh_identity_free(OshIdentity *identity)
{
    if (identity == NULL)
        return;
    g_free(identity->groups);
    g_free(identity->user);
    g_free(identity->group);
    g_free(identity->home);
    g_free(identity->shell);
    g_free(identity->note);
    g_free(identity);
}
