#!/usr/bin/env python3
"""Sends hostile requests to an identity provider on loopback, hands it hostile metadata, and judges the answers.

    corpus.py --target profile.json [--list] [--only 'S1*,W01'] [--group 'REQ-*'] [--pid PID] [--json FILE]

The profile: sso, sp_key, sp_cert, sp_entity_id, acs_url; accept_marker is a regular expression by which a page of sign-in is known;
metadata_import: signet (the program), settings, folder (of metadata), agreement (one that fits the service).
The target has a service provider of that name registered, with that key, one https ACS for HTTP-POST, and requests that must be signed.

Positive controls go first: a target that refuses everything proves nothing. After heavy cases a control looks whether the target is well.
Exit status: 0 every case met, 1 some case not met, 2 a control failed.
"""
import argparse, fnmatch, importlib, json, os, subprocess, sys, tempfile, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from lib import dsig
from lib.model import *

import warnings
warnings.filterwarnings("ignore")    # of cryptography, about the weak algorithms that we try


def load_cases():
    for module in sorted(os.listdir(os.path.join(HERE, "cases"))):
        if module.endswith(".py") and not module.startswith("_"):
            importlib.import_module("cases." + module[:-3])


def load_profile(path):
    with open(path) as f:
        p = json.load(f)
    assert_loopback(p["sso"])
    base = os.path.dirname(os.path.abspath(path))
    p["_sp_key"] = dsig.load_key(os.path.join(base, p["sp_key"]))
    p["_sp_cert"] = dsig.load_cert(os.path.join(base, p["sp_cert"]))
    p["_wrong"] = dsig.self_signed("not-registered")
    p["_tmp"] = tempfile.mkdtemp(prefix="corpus-")
    return p


def run_one(c, ctx, pid=None):
    ctx.reset(c.id)
    exc = resp = None
    before = rss_kb(pid) if pid else 0
    start = time.monotonic()
    try:
        resp = c.fn(ctx)
        if resp is None:
            resp = ctx.last
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired) as e:
        exc = e
    elapsed = resp.elapsed if resp else time.monotonic() - start
    v, d = classify(c, ctx, resp, exc)
    if v not in HARD_FAIL and elapsed > c.max_s:
        v, d = SLOW, "%.1fs > %.1fs (%s: %s)" % (elapsed, c.max_s, v, d)
    if pid and c.heavy and v not in HARD_FAIL:
        grown = rss_kb(pid) - before
        if grown > 300 * 1024:
            v, d = SLOW, "memory grew by %d MiB (%s: %s)" % (grown // 1024, v, d)
    return v, d


def met(c, v, d):
    if v == SHED and c.heavy:
        return True
    if v == SOFT and c.soft_ok:
        return True
    return v in c.expect and (not c.status_code or v != SAML_ERR or c.status_code in d)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--target", required=True, help="profile.json")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--only", help="comma-separated patterns of case ids")
    ap.add_argument("--group", help="comma-separated patterns of groups")
    ap.add_argument("--timeout", type=float, default=15)
    ap.add_argument("--pid", type=int, help="process id of the target: watch its memory in heavy cases")
    ap.add_argument("--json", help="write the results here")
    a = ap.parse_args()
    load_cases()

    def wanted(value, patterns):
        return not patterns or any(fnmatch.fnmatch(value, g.strip()) for g in patterns.split(","))
    controls = [c for c in CASES.values() if c.control]
    cases = [c for c in CASES.values() if not c.control and wanted(c.id, a.only) and wanted(c.group, a.group)]
    if a.list:
        for c in controls + cases:
            print("%-6s %-9s %-8s %-24s %s" % (c.id, c.group, c.sev, "|".join(sorted(c.expect)), c.title))
        return 0

    canary = Canary()
    canary.start()
    ctx = Ctx(load_profile(a.target), canary, a.timeout)
    rows = []

    def record(c, v, d, ok):
        rows.append(dict(id=c.id, group=c.group, severity=c.sev, title=c.title, expect=sorted(c.expect), verdict=v, detail=d, ok=ok))
        print("%s %-6s %-18s %s -- %s" % ("pass" if ok else "FAIL", c.id, v, c.title, d), flush=True)

    for c in controls:
        v, d = run_one(c, ctx)
        record(c, v, d, v in c.expect)
    void = [r["id"] for r in rows if not r["ok"]]
    if void:
        print("a control failed, so refusals would prove nothing: " + ", ".join(void))
    for c in [] if void else cases:
        try:
            v, d = run_one(c, ctx, a.pid)
        except Exception as e:                              # a fault of the case itself is never a pass
            v, d = "generator-error", "%s: %s" % (type(e).__name__, e)
        ok = met(c, v, d)
        if c.heavy or v in (HANG, CRASH):
            after, why = run_one(controls[0], ctx)
            if after not in controls[0].expect:
                ok, d = False, "%s; the target is not well afterwards: %s %s" % (d, after, why)
        record(c, v, d, ok)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(rows, f, indent=1)
    failed = sum(not r["ok"] for r in rows)
    print("%d passed, %d failed" % (len(rows) - failed, failed))
    return 2 if void else 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
