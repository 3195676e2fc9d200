#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""differential.py RUNNER [--seed N] [--cases N] [--seconds N] [--jobs N]: the oracle against the engine.

Makes cases from a seed, writes them with the oracle's answers in the form of the decision vectors and
has RUNNER (osh-vectors) hold the real engine against them. Each disagreement is made smaller and
printed as a row with its policy, so that it can be kept. Without --seed: two fixed seeds,
so that the suite says the same of the same tree; with --seconds fresh ones follow.
"""
import argparse
import collections
import copy
import json
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import broken  # noqa: E402
import deviations  # noqa: E402
import documents  # noqa: E402
import generate  # noqa: E402
import oracle  # noqa: E402
import policy as policies  # noqa: E402

FIXED_SEED = 20260821
# Of each thousand cases, how many are of which kind.
SHARES = {"l7": 340, "network": 240, "validate": 60, "glob": 140, "path": 80, "host_pattern": 60,
          "ip": 30, "endpoint_path": 30, "fs_path": 20}
CASES_PER_POLICY = 80
STYLES = 8  # of so many policies, two are not written as JSON
SHOWN = 5
MINIMISED = 2
MINIMISE_SECONDS = 60
RUN_SECONDS = 120


def expectation(kind, answer):
    """The oracle's answer as the `expect` of a row."""
    if kind != "validate":
        return answer
    if answer["result"] == "reject":
        return {"result": "reject"}
    known = sorted({text for text in answer["warnings"] if text in WARNINGS})
    return {"result": "warn", "contains": known} if known else {"result": "accept"}


# The warnings that everybody words alike; the engine has more of its own.
WARNINGS = ("is deprecated", "harness has no effect", 'operation_type "*"', "request_body_credential_rewrite is ignored", "unclosed '{'",
            "unclosed '['")


def make_row(kind, number, question, document, loaded):
    """(row, document), or None where the product is stricter on purpose."""
    row = {"id": f"{kind}-{number}", "since": "later", "kind": kind, "input": question}
    if document is not None:
        row["policy"] = f"{kind}-{number}.yaml"
    answer = oracle.answer(row, loaded)
    if deviations.excludes(row, answer, document):
        return None
    row["expect"] = expectation(kind, answer)
    return row, document


def cases(seed, count):
    """All rows of one seed. Policies are shared by many rows, except where they are the subject."""
    generator = generate.Generator(seed)
    breaker = broken.Breaker(generator)
    for kind, share in SHARES.items():
        for number in range(count * share // 1000):
            if kind in ("network", "l7"):
                if number % CASES_PER_POLICY == 0:
                    document, loaded = generator.policy()
                question = generator.request(loaded) if kind == "l7" else \
                    generator.connection(loaded)[0]
                made = make_row(kind, number, question, document, loaded)
                if made:
                    made[0]["policy"] = f"{kind}-{number - number % CASES_PER_POLICY}.yaml"
            elif kind == "validate":
                document = breaker.document()
                made = make_row(kind, number, {}, document, policies.load(copy.deepcopy(document)))
            else:
                made = make_row(kind, number, getattr(generator, kind + "_input")(), None, None)
            if made:
                yield made


# ---- the engine ------------------------------------------------------------------------------------

def written_out(document, number):
    """A policy as text: mostly as JSON, which is YAML as well, and some as people write it."""
    if number % STYLES in (0, 1):
        return documents.write(document, flow=number % STYLES == 1)
    return json.dumps(document, ensure_ascii=False)


def engine(runner, made):
    """Has the engine answer the rows: ({id: what it says}, how many rows it ran)."""
    with tempfile.TemporaryDirectory(prefix="differential-") as folder:
        os.mkdir(os.path.join(folder, "policies"))
        written = set()
        with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as stream:
            for row, document in made:
                stream.write(json.dumps(row) + "\n")
                if document is not None and row["policy"] not in written:
                    written.add(row["policy"])
                    name = os.path.join(folder, "policies", row["policy"])
                    with open(name, "w", encoding="utf-8") as policy:
                        policy.write(written_out(document, len(written)))
        done = subprocess.run([runner, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=RUN_SECONDS, check=False)
    text = done.stdout.decode("utf-8", "replace")
    failures = dict(re.findall(r"^FAIL ([^:\n]+): (.*)$", text, re.MULTILINE))
    total = re.search(r"^(\d+) passed, (\d+) failed$", text, re.MULTILINE)
    if not total or int(total[2]) != len(failures) or done.returncode not in (0, 1):
        raise RuntimeError(f"{runner} ended with {done.returncode}:\n{text[-2000:]}")
    return failures, int(total[1]) + int(total[2])


# ---- making a disagreement smaller -----------------------------------------------------------------

def _smaller(value):
    """Everything that is `value` with one item left out or one text cut."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for item in _smaller(value[key]):
                yield {**value, key: item}
    elif isinstance(value, list):
        for i, _ in enumerate(value):
            yield value[:i] + value[i + 1:]
            for item in _smaller(value[i]):
                yield value[:i] + [item] + value[i + 1:]
    elif isinstance(value, str) and len(value) > 1:
        yield from (value[:i] + value[i + 1:] for i in range(min(len(value), 80)))


KEPT = ("host", "port", "binary", "method", "path", "pattern", "delimiters", "value", "target", "op",
        "left", "right", "candidate", "include", "exclude", "ip", "net")


def _candidates(row, document):
    for question in _smaller(row["input"]):
        if all(key in question for key in KEPT if key in row["input"]):
            yield question, document
    if document is not None:
        for changed in _smaller(document):
            if "version" in changed or "version" not in document:
                yield row["input"], changed


def _still_valid(kind, loaded):
    return kind == "validate" or not loaded.problems


def minimise(runner, row, document, said, until):
    """Leaves things out for as long as oracle and engine go on disagreeing, and there is time."""
    kind = row["kind"]
    while time.monotonic() < until:
        tries = []
        for number, (question, changed) in enumerate(_candidates(row, document)):
            loaded = None if changed is None else policies.load(copy.deepcopy(changed))
            if loaded is not None and not _still_valid(kind, loaded):
                continue
            try:
                made = make_row(kind, number, question, changed, loaded)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                continue  # no longer a question
            if made:
                tries.append(made)
        failures, _ = engine(runner, tries)
        tries = [made for made in tries if _shape(failures.get(made[0]["id"], "")) == _shape(said)
                 and not deviations.tolerates(*made, failures[made[0]["id"]])]
        if not tries:
            break
        row, document = min(tries, key=lambda made: len(json.dumps(made)))
        said = failures[row["id"]]
    return row, document, said


def _shape(said):
    """What the two disagree about; a smaller case must not drift to something else."""
    plain = r"expected (action \w+, got \w+|match \w+, got|\w+)"
    message = re.search(r": error: [^ ]+ (.{0,24})", said)
    return re.findall(plain, said), message and message[1]


# ---- one run ---------------------------------------------------------------------------------------

def prove_runner(runner):
    """A runner that reports nothing would agree with everything: it must refuse one of these two."""
    question = {"pattern": "a*", "delimiters": ["/"], "value": "ab"}
    pair = [({"id": f"proof-{match}", "since": "later", "kind": "glob", "input": question,
              "expect": {"match": match}}, None) for match in (True, False)]
    if set(engine(runner, pair)[0]) != {"proof-False"}:
        raise RuntimeError(f"{runner} does not notice a wrong answer")


def run(runner, seed, count):
    """(rows by kind, [(row, document, what the engine said)])."""
    made = list(cases(seed, count))
    failures, ran = engine(runner, made)
    if ran != len(made):
        raise RuntimeError(f"{ran} of {len(made)} rows were run")
    counts = collections.Counter(row["kind"] for row, _ in made)
    return counts, [(row, document, failures[row["id"]]) for row, document in made
                    if row["id"] in failures and
                    not deviations.tolerates(row, document, failures[row["id"]])]


def note(text):
    print("# " + text.replace("\n", "\n# "), flush=True)


def report(runner, seed, wrong):
    """Prints the disagreements of one seed, the first of each kind as small as they get."""
    by_kind, until = collections.defaultdict(list), time.monotonic() + MINIMISE_SECONDS
    for one in wrong:
        by_kind[one[0]["kind"]].append(one)
    for kind, found in by_kind.items():
        note(f"seed {seed}: {kind}: {len(found)} disagreements")
        for row, document, said in found[:SHOWN]:
            note(f"{row['id']}: {said}")
        for row, document, said in found[:MINIMISED]:
            small, document, said = minimise(runner, row, document, said, until)
            note(f"smaller: {said}\n{json.dumps(small)}")
            if document is not None:
                note(f"{small['policy']}: {json.dumps(document)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--cases", type=int, default=100200)
    parser.add_argument("--seconds", type=int, default=0, help="go on with fresh seeds for so long")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    prove_runner(options.runner)
    fresh = random.SystemRandom().randrange
    seeds = [options.seed] if options.seed is not None else [FIXED_SEED, FIXED_SEED + 1]
    until, counts, bad = time.monotonic() + options.seconds, collections.Counter(), \
        collections.Counter()
    with multiprocessing.Pool(options.jobs) as pool:
        while seeds:
            size = options.cases // len(seeds)
            note(f"seeds {' '.join(map(str, seeds))}, {size} cases each")
            asked = [pool.apply_async(run, (options.runner, seed, size)) for seed in seeds]
            for seed, one in zip(seeds, asked):
                ran, wrong = one.get()
                counts.update(ran)
                bad.update(row["kind"] for row, _, _ in wrong)
                report(options.runner, seed, wrong)
            again = time.monotonic() < until and not bad
            seeds = [fresh(2 ** 32) for _ in range(options.jobs)] if again else []
    print(f"1..{len(counts)}")
    for number, kind in enumerate(sorted(counts), 1):
        print(f"{'not ok' if bad[kind] else 'ok'} {number} - "
              f"the engine answers {counts[kind]} cases of {kind} as the oracle does")
    note(f"{sum(counts.values())} cases, {sum(bad.values())} disagreements")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
