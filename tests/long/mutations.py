# SPDX-License-Identifier: Apache-2.0
"""Small mistakes planted in the policy engine, one by one: the tests notice each of them."""
import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["OSH_SOURCE"]
BUILD = os.environ["OSH_BUILD"]
AT_LEAST = 8

# Program and arguments; the first one to fail has noticed.
TESTS = [
    ("tests/vectors/osh-vectors", "tests/vectors/extra"),
    ("tests/vectors/osh-vectors", "tests/vectors/cases"),
    ("host/policy/policy-judge-test",),
    ("host/policy/policy-decide-test",),
    ("host/policy/policy-load-test",),
    ("host/policy/policy-broken-test", "host/policy/testdata/broken-policies.txt"),
    ("sdk/util/osh-glob-test",),
    ("sdk/util/osh-host-pattern-test",),
    ("sdk/util/osh-request-path-test",),
    ("sdk/util/osh-address-class-test",),
]
P = "host/policy/"
U = "sdk/util/"
MUTATIONS = [
    (P + "judge-rest.c", 'osh_policy_span_equal_fold(method, "HEAD") &&', "TRUE &&"),
    (P + "judge-rest.c", 'g_ascii_strcasecmp(rule->method, "GET") == 0', "FALSE"),
    (P + "judge-rest.c", "if (one == (all ? OSH_POLICY_NO : OSH_POLICY_YES))", "if (one == OSH_POLICY_NO)"),
    (P + "judge-rest.c", "values == NULL || (all && values->count == 0)", "values == NULL && all"),
    (P + "judge-rest.c", "rule->method == NULL || rule->path == NULL ||", "rule->method == NULL ||"),
    (P + "judge-rest.c", "rule_matches(question, &match->deny_rules[i], FALSE)",
     "rule_matches(question, &match->deny_rules[i], TRUE)"),
    (P + "judge-rest.c", "rule_matches(question, &match->rules[i], TRUE)",
     "rule_matches(question, &match->rules[i], FALSE)"),
    (P + "judge-rest.c", "path.data[length] == '/'", "TRUE"),
    (P + "judge-rest.c", "if (question->has_graphql)\n        osh_policy_graphql_judge(question, endpoint, answer);", ""),
    (P + "judge-rest.c", "OSH_POLICY_YES && !match->has_broken_pattern", "OSH_POLICY_YES"),
    (P + "judge-graphql.c", "if (operation->n_fields == 0)\n        return OSH_POLICY_NO;", ""),
    (P + "judge-graphql.c", "else if (has_last_word(endpoint))\n        answer->denied = OSH_POLICY_YES;", ""),
    (P + "judge-graphql.c", "rule_matches(&match->deny_rules[i], operation, FALSE)",
     "rule_matches(&match->deny_rules[i], operation, TRUE)"),
    (P + "judge-graphql.c", "!osh_policy_span_equal_fold(operation->type, rule->operation_type)", "FALSE"),
    (P + "judge-graphql.c", "query == NULL || !endpoint->allow_registered_queries", "query == NULL"),
    (P + "judge-graphql.c", "question->has_graphql_error || question->n_operations == 0", "FALSE"),
    (P + "judge-graphql.c", "if (key.length == 0)\n        key = record_string(record, \"id\");",
     "key = record_string(record, \"id\");"),
    (P + "judge-graphql.c", "|| operation.unregistered)\n            allowed = OSH_POLICY_NO;",
     ")\n            allowed = OSH_POLICY_NO;"),
    (P + "judge-rpc.c", 'is_exactly(question->method, "POST")', "TRUE"),
    (P + "judge-rpc.c", "!(match->has_tool_rules && is_exactly(method, TOOL_CALL))", "TRUE"),
    (P + "judge-rpc.c", "question->receive_stream &&", ""),
    (P + "judge-rpc.c", "call == NULL && !question->has_response", "!question->has_response"),
    (P + "judge-rpc.c", "if (value == NULL)\n            return OSH_POLICY_NO;",
     "if (value == NULL)\n            return OSH_POLICY_YES;"),
    (P + "judge-rpc.c", "answer->response_refused |= !is_mcp;\n        if (!is_mcp)", "if (FALSE)"),
    (P + "judge-rpc.c", "question->has_jsonrpc_error)\n        return;", "FALSE)\n        return;"),
    (P + "judge-rpc.c", "if (rule->method == NULL || method.length == 0)", "if (rule->method == NULL)"),
    (P + "decide.c", "if (question->relaxed)", "if (FALSE)"),
    (P + "decide.c", "guint n_images = question->n_ancestors + 1;", "guint n_images = 1;"),
    (P + "decide.c", "if (permitted == OSH_POLICY_NO)\n            continue;", ""),
    (P + "decide.c", "answer->denied == OSH_POLICY_YES || answer->graphql_refused", "answer->graphql_refused"),
    (P + "decide.c", "has_nul && osh_policy_index_has_wildcards(snapshot->index)", "FALSE"),
    (P + "decide.c", "sort_candidates(decision);\n    if", "if"),
    (P + "decide.c", "(candidate & EXACT_BIT) != 0 &&", "TRUE &&"),
    (P + "decide.c", "if (endpoint->has_config)\n            add_endpoint", "add_endpoint"),
    (P + "index.c", "return rest > 0 && memchr(host, '.', rest) == NULL;", "return rest > 0;"),
    (P + "index.c", "if (has_port(&snapshot->endpoints[entry->endpoint], port) &&", "if ("),
    (P + "index.c", "index->n_wildcards == 0 || has_empty_label(host, length)", "index->n_wildcards == 0"),
    (P + "question.c", "question->host[i] = g_ascii_tolower(", "question->host[i] = ("),
    (P + "question.c", "if ((question->seen >> number) & 1)", "if (FALSE)"),
    (P + "question.c", "if (one == OSH_POLICY_UNKNOWN)\n            return one;\n        if (one == OSH_POLICY_YES)",
     "if (one == OSH_POLICY_YES)"),
    (P + "reason.c", "first->protocol == OSH_POLICY_PROTOCOL_JSONRPC", "FALSE"),
    (P + "reason.c", "if (policies->len == 0) {", "if (FALSE) {"),
    (P + "read-endpoint.c", 'g_strcmp0(text, "enforce") == 0', 'g_strcmp0(text, "audit") != 0'),
    (P + "read-endpoint.c", 'g_strcmp0(tls, "skip") == 0', 'g_strcmp0(tls, "auto") != 0'),
    (P + "read-endpoint.c", "match->path_specificity += *p != '*';", "match->path_specificity++;"),
    (P + "read-endpoint.c", 'strcmp(persisted, "deny") != 0', "FALSE"),
    (P + "read-policy.c", '"POST", "PUT", "PATCH", NULL', '"POST", "PUT", "PATCH", "DELETE", NULL'),
    (P + "read-policy.c", "g_ptr_array_sort(nodes, compare_keys);", ""),
    (P + "read-policy.c", 'rule->method = named ? "tools/call" : "*";', 'rule->method = "*";'),
    (P + "read-rule.c", "if (tool != NULL && !named) {", "if (FALSE) {"),
    (P + "read-rule.c", "if (*p == close && depth == 0)\n            return words[1];", ""),
    (P + "ambiguity-fields.c", 'endpoint->tls == OSH_POLICY_TLS_SKIP ? "skip" : "auto"', '"auto"'),
    (P + "ambiguity-fields.c", "endpoint->has_config || endpoint->credential_provider != NULL", "endpoint->has_config"),
    (P + "check-ambiguity.c", "left->match->path_specificity != right->match->path_specificity", "FALSE"),
    (P + "check-ambiguity.c", 'match->path_prefix != NULL ? "/" : ""', '""'),
    (P + "check-ambiguity.c", "if (!known && !hosts_overlap(search, left, right))\n                return;", ""),
    (P + "check-ambiguity.c", "if (left != right)\n        compare_general(search, &b, &a);", ""),
    (P + "check-ambiguity.c", "compare_general(search, &a, &b);", ""),
    (P + "check-static.c", "n_paths > MAX_PATHS", "n_paths > MAX_PATHS + 1"),
    (P + "check-static.c", "10, 1, MAX_ID, &id, NULL", "10, 0, MAX_ID, &id, NULL"),
    (P + "check-endpoint.c", "if (n_labels <= 2)", "if (n_labels <= 1)"),
    (P + "check-endpoint.c", "size > MAX_LABEL", "size > MAX_LABEL + 1"),
    (P + "check-rpc.c", "if (names_tool(rule))\n        return FALSE;", ""),
    (P + "check-rpc.c", 'strpbrk(text, "*?[]{}")', 'strpbrk(text, "*?[{")'),
    (P + "check-inspection.c", "rule->n_params == 0 && rule->n_arguments == 0 && !rule_is_graphql(rule)",
     "rule->n_query == 0 && rule->n_params == 0 && !rule_is_graphql(rule)"),
    (P + "check-middleware.c", "if (n_patterns > MAX_PATTERNS) {", "if (n_patterns > MAX_PATTERNS + 1) {"),
    (P + "check-middleware.c", "if (endpoint->tls != OSH_POLICY_TLS_SKIP)\n            continue;", "continue;"),
    (P + "normalise.c", "if (fold_parents &&", "if ("),
    (U + "osh-glob-compile.c", "case OSH_GLOB_TOKEN_ONE:\n        emit(program, OSH_GLOB_STEP_INSIDE, 0, 0);",
     "case OSH_GLOB_TOKEN_ONE:\n        emit(program, OSH_GLOB_STEP_ANY, 0, 0);"),
    (U + "osh-glob-compile.c", "left += !is_empty(g_ptr_array_index(branches, i));", "left++;"),
    (U + "osh-glob-parse.c", "negated = next_is(parser, '!') || next_is(parser, '^');", "negated = next_is(parser, '!');"),
    (U + "osh-glob-parse.c", "if (tokens->len == 0) {", "if (FALSE) {"),
    (U + "osh-glob.c", "length < glob->text_length ||", ""),
    (U + "osh-glob.c", "accepted = (reached & glob->accepting) != 0;", "accepted = TRUE;"),
    (U + "osh-request-path.c", "result = OSH_REQUEST_PATH_RESIDUAL_DOTS;", ";"),
    (U + "osh-request-path.c", "if (parent == NULL)\n                return OSH_REQUEST_PATH_ABOVE_ROOT;",
     "if (parent == NULL)\n                parent = folded->str;"),
    (U + "osh-request-path.c", "size > OSH_REQUEST_PATH_MAX", "size >= OSH_REQUEST_PATH_MAX"),
    (U + "osh-address-class.c", "{4, 16, BLOCKED, BLOCKED, {169, 254}},", ""),
    (U + "osh-address-class.c", "MIN(special->prefix, range->prefix)", "special->prefix"),
    (U + "osh-host-pattern.c", "host[length - 1] == '.' ||", ""),
    (U + "osh-host-pattern.c", "label->kind == LABEL_DEEP && used[i]", "FALSE"),
    (U + "osh-host-pattern.c", "!is_excluded(exclude, n_exclude, include[i], candidate)", "TRUE"),
]


def read_link_lines():
    """How each test program is linked: its objects, and the arguments that follow them."""
    with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as stream:
        text = stream.read()
    lines = {}
    for program in {test[0] for test in TESTS}:
        found = re.search(rf"^build {re.escape(program)}: c_LINKER (.*?)\n((?: .*\n)*)", text, re.M)
        objects = [word for word in found.group(1).split() if word.endswith(".o")]
        arguments = re.search(r"^ LINK_ARGS = (.*)$", found.group(2), re.M).group(1)
        lines[program] = objects + shlex.split(arguments.replace("$ORIGIN", "\\$ORIGIN"))
    return lines


def compile_file(commands, path, text, scratch):
    """Compiles @text in place of the source @path; NULL text is what stands there."""
    command = [word for word in shlex.split(commands[os.path.join(SOURCE, path)]) if word != "ccache"]
    source = os.path.join(scratch, os.path.basename(path))
    with open(source, "w", encoding="utf-8") as stream:
        stream.write(text)
    result = source[:-2] + ".o"
    kept = []
    skip = False
    for word in command:
        if skip or word in ("-MD", "-Werror", "-c", "-o", "-MQ", "-MF"):
            skip = word in ("-c", "-o", "-MQ", "-MF")
            continue
        kept.append(word)
    kept += ["-w", "-O0", "-U_FORTIFY_SOURCE", "-iquote", os.path.join(SOURCE, os.path.dirname(path)),
             "-c", source, "-o", result]
    done = subprocess.run(kept, cwd=BUILD, capture_output=True, text=True)
    return result if done.returncode == 0 else None


def noticed(compiler, lines, path, planted, scratch):
    """Which program fails with @planted in the place of the true object of @path."""
    programs = {}
    for program, *arguments in TESTS:
        if program.startswith(U) and not path.startswith(U):
            continue
        if program not in programs:
            programs[program] = os.path.join(scratch, os.path.basename(program))
            # what an object brings is not looked for in the libraries that follow it
            subprocess.run([compiler, "-o", programs[program], planted, *lines[program]], cwd=BUILD,
                           check=True, capture_output=True)
        command = [programs[program], *(os.path.join(SOURCE, argument) for argument in arguments)]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=60)
        except subprocess.TimeoutExpired:
            return program
        if done.returncode != 0:
            return program
    return None


def main():
    deadline = time.monotonic() + int(sys.argv[1])
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as stream:
        commands = {os.path.normpath(os.path.join(entry["directory"], entry["file"])): entry["command"]
                    for entry in json.load(stream)}
    lines = read_link_lines()
    compiler = shlex.split(commands[os.path.join(SOURCE, P + "decide.c")])
    compiler = compiler[1] if compiler[0].endswith("ccache") else compiler[0]
    # another part each day, so that the short form gets round to all of them
    start = datetime.date.today().toordinal() * AT_LEAST % len(MUTATIONS)
    survivors = []
    planted = 0

    def survives(words):
        survivors.append(words)
        print(words, flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        for offset in range(len(MUTATIONS)):
            path, old, new = MUTATIONS[(start + offset) % len(MUTATIONS)]
            with open(os.path.join(SOURCE, path), encoding="utf-8") as stream:
                text = stream.read()
            planted += 1
            if text.count(old) != 1:
                survives(f"{path}: {old!r} stands there {text.count(old)} times")
                continue
            result = compile_file(commands, path, text.replace(old, new), scratch)
            if result is None:
                survives(f"{path}: {old!r} -> {new!r} does not compile")
            elif noticed(compiler, lines, path, result, scratch) is None:
                survives(f"{path}: {old!r} -> {new!r} was not noticed")
            if planted >= AT_LEAST and time.monotonic() > deadline:
                break
    print(f"{planted} of {len(MUTATIONS)} planted, {planted - len(survivors)} noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
