/* SPDX-License-Identifier: Apache-2.0 */
/* response.h: contents of a response, one after the other, each in two steps: what the policy is
 * asked, and what becomes of it. */
#pragma once

#include "server-answer.h"

typedef struct _JsonrpcResponse JsonrpcResponse;

JsonrpcResponse *jsonrpc_response_new(void);
/** jsonrpc_response_free: @response: (transfer full) (nullable). */
void jsonrpc_response_free(JsonrpcResponse *response);

/** jsonrpc_response_begin: keeps a copy of @content. Returns: tools that it lists. */
gsize jsonrpc_response_begin(JsonrpcResponse *response, const OshInspectedResponse *content);

/** jsonrpc_response_question: @revision: of the request, 0 for none. Returns: (transfer none):
 * whether some call of tool @index may be allowed, as facts. */
OshFacts jsonrpc_response_question(JsonrpcResponse *response, gsize index, guint revision);

/** jsonrpc_response_end: @allowed: answers to the questions. @rules: about pins. @report: is added
 * to. @ret_result: its content stays until the next call. */
void jsonrpc_response_end(JsonrpcResponse *response, const gboolean *allowed, gsize n,
                          const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report,
                          OshResponseResult *ret_result);
