"""Requests that are wrong as requests, and what the contract answers: one row each."""

import http.client
import json
import sys
import time

from events import write_timestamp
from harness import Callflow, Scratch

PATH = "/v1/callflow/events"
JSON = "application/json"
GOOD = '{"callId":"c","eventType":"ringing","timestamp":"%s"}'


def rows(good):
    """(what, method, target, content type, body, credential?, status, code, field, header that must be there)."""
    many = "[" + ",".join([good] * 10_001) + "]"
    return [
        ("no key", "POST", PATH, JSON, good, False, 401, "UNAUTHORIZED", None, "www-authenticate"),
        ("no key to read", "GET", PATH, None, None, False, 401, "UNAUTHORIZED", None, "www-authenticate"),
        ("unknown path", "GET", "/v1/nothing", None, None, True, 404, "NOT_FOUND", None, None),
        ("unknown path without a key", "GET", "/v2", None, None, False, 404, "NOT_FOUND", None, None),
        ("wrong method", "PATCH", PATH, JSON, good, True, 405, "METHOD_NOT_ALLOWED", None, "allow"),
        ("wrong type", "POST", PATH, "text/plain", good, True, 415, "UNSUPPORTED_MEDIA_TYPE", None, None),
        ("no type", "POST", PATH, None, good, True, 415, "UNSUPPORTED_MEDIA_TYPE", None, None),
        ("empty array", "POST", PATH, JSON, "[]", True, 400, "VALIDATION_ERROR", None, None),
        ("empty body", "POST", PATH, JSON, "", True, 400, "VALIDATION_ERROR", None, None),
        ("broken array", "POST", PATH, JSON, f"[{good},", True, 400, "VALIDATION_ERROR", None, None),
        ("too many events", "POST", PATH, JSON, many, True, 413, "PAYLOAD_TOO_LARGE", None, None),
        ("body above the bound", "POST", PATH, JSON, " " * (9 << 20), True, 413, "PAYLOAD_TOO_LARGE", None, None),
        ("limit 0", "GET", f"{PATH}?limit=0", None, None, True, 400, "VALIDATION_ERROR", "limit", None),
        ("limit 1001", "GET", f"{PATH}?limit=1001", None, None, True, 400, "VALIDATION_ERROR", "limit", None),
        ("limit twice", "GET", f"{PATH}?limit=1&limit=2", None, None, True, 400, "VALIDATION_ERROR", "limit", None),
        ("order sideways", "GET", f"{PATH}?order=up", None, None, True, 400, "VALIDATION_ERROR", "order", None),
        ("no time", "GET", f"{PATH}?startTime=now", None, None, True, 400, "VALIDATION_ERROR", "startTime", None),
        ("no time either", "GET", f"{PATH}?endTime=1", None, None, True, 400, "VALIDATION_ERROR", "endTime", None),
        ("unknown parameter", "GET", f"{PATH}?colour=red", None, None, True, 400, "VALIDATION_ERROR", "colour", None),
        ("bad token", "GET", f"{PATH}?nextToken=AAAA", None, None, True, 400, "VALIDATION_ERROR", "nextToken", None),
        ("bad id", "GET", f"{PATH}/evt_short", None, None, True, 400, "VALIDATION_ERROR", None, None),
        ("unknown id", "GET", f"{PATH}/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", None, None, True, 404, "NOT_FOUND", None, None),
    ]


def exchange(port, method, target, content_type, body, key):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"x-api-key": key} if key else {}
    if content_type:
        headers["Content-Type"] = content_type
    try:
        try:
            connection.request(method, target, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before the body was read whole
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def check(port, key, row):
    what, method, target, content_type, body, credential, status, code, field, header = row
    actual, headers, content = exchange(port, method, target, content_type, body, key if credential else None)
    faults = []
    if actual != status:
        faults.append(f"status {actual}, expected {status}")
    if not headers.get("content-type", "").startswith("application/problem+json"):
        faults.append(f"content type {headers.get('content-type')}")
    for name in ("x-request-id", "date", *([header] if header else [])):
        if name not in headers:
            faults.append(f"header {name} is absent")
    try:
        problem = json.loads(content)
        fields = [detail["field"] for detail in problem["error"].get("details") or []]
        if problem["error"]["code"] != code:
            faults.append(f"code {problem['error']['code']}, expected {code}")
        if field is not None and field not in fields:
            faults.append(f"fields {fields}, expected {field}")
    except (ValueError, KeyError) as error:
        faults.append(f"not the error object: {error!r} {content[:200]!r}")
    print(f"  {'FAIL' if faults else 'ok  '} {what}: {'; '.join(faults) or status}", flush=True)
    return not faults


def main():
    good = GOOD % write_timestamp(time.time_ns(), 3)
    with Scratch() as folder:
        node = Callflow(folder, {})
        key = node.create_key()
        node.start()
        failed = [row[0] for row in rows(good) if not check(node.port, key, row)]
        status, _, content = exchange(node.port, "POST", PATH, JSON, good, key)
        if status != 201:
            failed.append(f"a good event afterwards: {status} {content!r}")
        if node.terminate() != 0:
            failed.append("exit status after TERM")
        if failed:
            raise SystemExit(f"FAIL: {failed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
