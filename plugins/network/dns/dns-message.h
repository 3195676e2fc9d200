/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-message.h: the DNS wire format, as far as an answerer that never asks needs it.
 *
 * Pure functions, no allocation; [any].
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_DNS_NAME_SIZE: longest name in text (253) and its NUL. */
#define OSH_DNS_NAME_SIZE 254
/** OSH_DNS_MESSAGE_SIZE: longest query looked at, and room enough for every reply built here. */
#define OSH_DNS_MESSAGE_SIZE 512

/** OshDnsType: the record types that are told apart; any other value is possible. */
typedef enum {
    OSH_DNS_TYPE_A = 1,
    OSH_DNS_TYPE_AAAA = 28,
    OSH_DNS_TYPE_OPT = 41,
    OSH_DNS_TYPE_SVCB = 64,
    OSH_DNS_TYPE_HTTPS = 65,
} OshDnsType;

/** OshDnsCode: response codes (RFC 1035 §4.1.1, RFC 6891 §9). */
typedef enum {
    OSH_DNS_NOERROR = 0,
    OSH_DNS_FORMERR = 1,
    OSH_DNS_SERVFAIL = 2,
    OSH_DNS_NXDOMAIN = 3,
    OSH_DNS_NOTIMP = 4,
    OSH_DNS_REFUSED = 5,
    OSH_DNS_BADVERS = 16,
} OshDnsCode;

/**
 * OshDnsParse:
 * @OSH_DNS_PARSED: one well-formed query
 * @OSH_DNS_MALFORMED: a query to be answered with FORMERR; id and flags are known
 * @OSH_DNS_NOT_SUPPORTED: a well-formed header with another opcode: NOTIMP
 * @OSH_DNS_IGNORED: no query at all, or too short to answer; answering it could start a loop
 */
typedef enum {
    OSH_DNS_PARSED,
    OSH_DNS_MALFORMED,
    OSH_DNS_NOT_SUPPORTED,
    OSH_DNS_IGNORED,
} OshDnsParse;

/**
 * OshDnsQuery:
 * @id: to be repeated in the reply
 * @recursion_desired: to be repeated in the reply
 * @checking_disabled: to be repeated in the reply
 * @has_edns: the query carried an OPT record, so the reply does
 * @edns_version: its version; only 0 exists
 * @type: question type, any 16-bit value
 * @klass: question class, any 16-bit value
 * @question_length: bytes of the question, which begins right after the header; 0 when malformed
 * @name: lower case, no trailing dot, empty for the root; only letters, digits, "-" and "_" in
 * labels when @name_is_host, otherwise empty
 * @name_is_host: the name can be a host name at all
 */
typedef struct {
    guint16 id;
    gboolean recursion_desired;
    gboolean checking_disabled;
    gboolean has_edns;
    guint8 edns_version;
    guint16 type;
    guint16 klass;
    gsize question_length;
    char name[OSH_DNS_NAME_SIZE];
    gboolean name_is_host;
} OshDnsQuery;

/**
 * OshDnsAnswer:
 * @code: response code
 * @type: %OSH_DNS_TYPE_A or %OSH_DNS_TYPE_AAAA to send @address, 0 for no record
 * @address: 4 or 16 bytes in network order
 * @ttl: seconds
 * @prohibited: say in EDNS that the answer is a prohibition (RFC 8914)
 */
typedef struct {
    OshDnsCode code;
    guint16 type;
    guint8 address[16];
    guint32 ttl;
    gboolean prohibited;
} OshDnsAnswer;

/**
 * osh_dns_query_parse:
 * @message: (array length=size): one message, without a TCP length prefix
 * @ret_query: (out caller-allocates): set as far as the result says, never left uninitialised
 *
 * Accepts exactly one question, no answer or authority record, and at most one additional record,
 * which must be OPT. A question's name may not be compressed: nothing stands before it to point at.
 *
 * Returns: what the bytes are
 */
OshDnsParse osh_dns_query_parse(const guint8 *message, gsize size, OshDnsQuery *ret_query);

/**
 * osh_dns_reply_build:
 * @message: the query's bytes, from which the question is copied back as it was sent
 * @query: what osh_dns_query_parse() made of it
 * @answer: what to say
 * @reply: (out caller-allocates): room for the reply
 *
 * Returns: length of the reply, never more than %OSH_DNS_MESSAGE_SIZE
 */
gsize osh_dns_reply_build(const guint8 *message, const OshDnsQuery *query,
                          const OshDnsAnswer *answer, guint8 reply[OSH_DNS_MESSAGE_SIZE]);

G_END_DECLS
