#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutate.py: plant small mistakes in the policy engine and see that the tests notice each.

Works on a copy of the tree in a temporary directory; prints the mistakes that survive and exits 1
when there are any. Takes a few minutes, so it is run by hand, not with the tests.
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = [
    ["tests/vectors/osh-vectors", "tests/vectors/cases"],
    ["host/policy/policy-decide-test"],
    ["host/policy/policy-judge-test"],
    ["host/policy/policy-load-test"],
    ["host/policy/policy-broken-test", "host/policy/testdata/broken-policies.txt"],
    ["host/policy/policy-examples-test", "data/examples"],
    ["host/policy/policy-explain-test"],
    ["sdk/util/osh-glob-test"],
    ["sdk/util/osh-request-path-test"],
    ["sdk/util/osh-host-pattern-test"],
    ["sdk/util/osh-address-class-test"],
]
P = "host/policy/"
U = "sdk/util/"
MUTATIONS = [
    (P + "judge-rest.c", 'osh_policy_span_equal_fold(method, "HEAD") &&', "TRUE &&"),
    (P + "judge-rest.c", 'g_ascii_strcasecmp(rule->method, "GET") == 0', "FALSE"),
    (P + "judge-rest.c", "if (one == (all ? OSH_POLICY_NO : OSH_POLICY_YES))",
     "if (one == OSH_POLICY_NO)"),
    (P + "judge-rest.c", "values == NULL || (all && values->count == 0)", "values == NULL && all"),
    (P + "judge-rest.c", "rule->method == NULL || rule->path == NULL ||", "rule->method == NULL ||"),
    (P + "judge-rest.c", "rule_matches(question, &match->deny_rules[i], FALSE)",
     "rule_matches(question, &match->deny_rules[i], TRUE)"),
    (P + "judge-rest.c", "path.data[length] == '/'", "TRUE"),
    (P + "judge-graphql.c", "if (operation->n_fields == 0)\n        return OSH_POLICY_NO;", ""),
    (P + "judge-graphql.c", "if (allowed == OSH_POLICY_NO)\n        answer->denied = OSH_POLICY_YES;",
     "if (allowed == OSH_POLICY_NO)\n        return;"),
    (P + "judge-graphql.c", "rule_matches(&match->deny_rules[i], operation, FALSE)",
     "rule_matches(&match->deny_rules[i], operation, TRUE)"),
    (P + "judge-graphql.c", "!osh_policy_span_equal_fold(operation->type, rule->operation_type)",
     "FALSE"),
    (P + "judge-graphql.c", "id.length == 0 || !endpoint->allow_registered_queries",
     "id.length == 0"),
    (P + "judge-rpc.c", '"POST")) {', '"POST") || TRUE) {'),
    (P + "judge-rpc.c", "!(match->has_tool_rules && is_tool_call(method))", "TRUE"),
    (P + "judge-rpc.c", "question->receive_stream &&", ""),
    (P + "judge-rpc.c", "if (value == NULL)\n            return OSH_POLICY_NO;",
     "if (value == NULL)\n            return OSH_POLICY_YES;"),
    (P + "judge-rpc.c", "answer->response_refused |= !is_mcp;\n        if (!is_mcp)",
     "if (FALSE)"),
    (P + "decide.c", "if (question->relaxed)", "if (FALSE)"),
    (P + "decide.c", "guint n_images = question->n_ancestors + 1;", "guint n_images = 1;"),
    (P + "decide.c", "if (permitted == OSH_POLICY_NO)\n            continue;", ""),
    (P + "decide.c", "answer->denied == OSH_POLICY_YES || answer->graphql_refused",
     "answer->graphql_refused"),
    (P + "decide.c", "has_nul && osh_policy_index_has_wildcards(snapshot->index)", "FALSE"),
    (P + "decide.c", "sort_candidates(decision);\n    if", "if"),
    (P + "decide.c", "return entry->n_binaries == 0 && entry->n_binary_patterns == 0;",
     "return FALSE;"),
    (P + "index.c", "return rest > 0 && memchr(host, '.', rest) == NULL;", "return rest > 0;"),
    (P + "index.c", "if (has_port(&snapshot->endpoints[entry->endpoint], port) &&", "if ("),
    (P + "index.c", "index->n_wildcards == 0 || has_empty_label(host, length)",
     "index->n_wildcards == 0"),
    (P + "question.c", "question->host[i] = g_ascii_tolower(", "question->host[i] = ("),
    (P + "question.c", "if ((question->seen >> number) & 1)", "if (FALSE)"),
    (P + "read-endpoint.c", 'g_strcmp0(text, "enforce") == 0', 'g_strcmp0(text, "audit") != 0'),
    (P + "read-policy.c", '"POST", "PUT", "PATCH", NULL', '"POST", "PUT", "PATCH", "DELETE", NULL'),
    (P + "read-policy.c", "g_ptr_array_sort(nodes, compare_keys);", ""),
    (P + "check-ambiguity.c", 'append_field(fields, "tls", a->tls != b->tls);', ""),
    (P + "check-ambiguity.c", "!is_extended(a) || !is_extended(b)", "TRUE"),
    (P + "check-static.c", "n_paths > MAX_PATHS", "n_paths > MAX_PATHS + 1"),
    (P + "check-rpc.c", "covers_tool_calls(&match->rules[i]) && !names_every_tool(&match->rules[i])",
     "FALSE"),
    (U + "osh-glob.c", "return byte != (guchar)glob->separator || glob->separator == '\\0';",
     "return TRUE;"),
    (U + "osh-glob.c", "length < glob->text_length ||", ""),
    (U + "osh-request-path.c", "result = OSH_REQUEST_PATH_RESIDUAL_DOTS;", ";"),
    (U + "osh-request-path.c", "if (parent == NULL)\n                return OSH_REQUEST_PATH_ABOVE_ROOT;",
     "if (parent == NULL)\n                parent = folded->str;"),
    (U + "osh-address-class.c", "{4, 16, BLOCKED, BLOCKED, {169, 254}},", ""),
    (U + "osh-address-class.c", "MIN(special->prefix, range->prefix)", "special->prefix"),
    (U + "osh-host-pattern.c", "host[length - 1] == '.' ||", ""),
]


def build(tree, directory):
    targets = [test[0] for test in TESTS]
    return subprocess.run(["ninja", "-C", directory, "-j2", *targets], cwd=tree,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def passes(tree, directory):
    for program, *arguments in TESTS:
        command = [os.path.join(directory, program)]
        command += [os.path.join(tree, argument) for argument in arguments]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=60)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
    return True


def main():
    survivors = []
    with tempfile.TemporaryDirectory() as scratch:
        tree = os.path.join(scratch, "tree")
        directory = os.path.join(scratch, "build")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build*", ".git"))
        subprocess.run(["meson", "setup", directory, tree, "-Dbuildtype=debug", "-Dwarning_level=0"],
                       check=True, stdout=subprocess.DEVNULL)
        if not build(tree, directory) or not passes(tree, directory):
            sys.exit("the tests fail without any mistake planted")
        for path, old, new in MUTATIONS:
            name = os.path.join(tree, path)
            with open(name, encoding="utf-8") as file:
                text = file.read()
            if text.count(old) != 1:
                survivors.append((path, old, "stands there %d times" % text.count(old)))
                continue
            with open(name, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
            if not build(tree, directory):
                survivors.append((path, old, "does not compile"))
            elif passes(tree, directory):
                survivors.append((path, old, "was not noticed"))
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
    for path, old, why in survivors:
        print("%s: %r: %s" % (path, old, why))
    print("%d planted, %d noticed" % (len(MUTATIONS), len(MUTATIONS) - len(survivors)))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
