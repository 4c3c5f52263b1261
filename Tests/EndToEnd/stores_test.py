"""Both stores and their troubles: `verify`, a missing bucket, a wrong secret, an endpoint that is away for a while, the
stronger acknowledgement."""

import json
import re
import sys
import time
import urllib.error
import urllib.request

from events import write_timestamp
from harness import BINARY, Callflow, Failed, Scratch, SeaweedFS, get, wait_until

BUCKET = "callflow-stores"
PATH = "/v1/callflow/events"


def require(condition, text):
    if not condition:
        raise Failed(text)


def post(node, key, call, **headers):
    body = {
        "callId": call,
        "eventType": "ringing",
        "timestamp": write_timestamp(time.time_ns(), 9),
        "metadata": {"a": 1},
    }
    request = urllib.request.Request(
        node.url + PATH,
        json.dumps(body).encode(),
        {
            "x-api-key": key,
            "Content-Type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, dict(response.headers), json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def verify(node, key, expected=0):
    done = node.run("verify", environment={"CALLFLOW_KEY": key, "CALLFLOW_URL": node.url})
    require(done.returncode == expected, f"verify: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def verify_on_files(folder):
    node = Callflow(folder / "files", {})
    key = node.create_key()
    node.start()
    lines = verify(node, key)
    require(len(lines) >= 5, f"verify says a line a check: {lines}")
    verify(node, "cfk_" + "A" * 43, expected=1)
    require(node.terminate() == 0, "exit status after TERM")
    return f"verify passes on the embedded store ({len(lines)} checks), fails with a wrong key"


def s3_node(folder, seaweed, name, bucket=BUCKET, environment=None, **settings):
    chosen = {"storage.url": f"s3://{bucket}/nodes/{name}", "storage.upload.interval": "2s", **seaweed.settings}
    chosen.update({key.replace("__", "."): value for key, value in settings.items()})
    return Callflow(folder / name, chosen, environment or seaweed.environment)


def verify_on_s3(folder, seaweed):
    node = s3_node(folder, seaweed, "verified")
    key = node.create_key()
    node.start()
    verify(node, key)
    status, _, answer = post(node, key, "strong", Acknowledge="object-store")
    require(
        (status, answer.get("durability")) == (201, "object-store"), f"Acknowledge: object-store: {status} {answer}"
    )
    names = [name for name, _ in seaweed.client.list(BUCKET, "nodes/verified/inbox/")]
    require(names, "acknowledged as in the object store, and no object is there")
    online = node.run("check-config", "--online")
    require(online.returncode == 0, f"check-config --online: exit {online.returncode}: {online.stdout}{online.stderr}")
    require(node.terminate() == 0, "exit status after TERM")
    return "verify and check-config --online pass on S3; Acknowledge: object-store means an object in the bucket"


def refused_at_start(folder, seaweed):
    """What only a person can mend ends `serve` with 78 and one line."""
    wrong = {**seaweed.environment, "AWS_SECRET_ACCESS_KEY": "not-the-secret"}
    cases = [
        ("missing", "no-such-bucket", None, r"NoSuchBucket|does not exist|not exist|missing"),
        ("secret", BUCKET, wrong, r"SignatureDoesNotMatch|credential|signature|secret|denied|refused"),
    ]
    for name, bucket, environment, cause in cases:
        node = s3_node(folder, seaweed, name, bucket, environment)
        done = node.run("serve", seconds=30)
        output = done.stdout + done.stderr
        require(done.returncode == 78, f"{name}: exit {done.returncode}, expected 78: {output}")
        endpoint = f"127.0.0.1:{seaweed.port}"
        for stream in (done.stdout, done.stderr):
            lines = [line for line in stream.splitlines() if endpoint in line and bucket in line]
            named = [line for line in lines if re.search(cause, line, re.I)]
            require(len(named) == len(lines) <= 1, f"{name}: not one line with endpoint, bucket and cause: {output}")
        require(endpoint in output, f"{name}: no line names the endpoint: {output}")
        require("not-the-secret" not in output, f"{name}: the secret is in the output")
        online = node.run("check-config", "--online")
        require(online.returncode != 0, f"{name}: check-config --online finds nothing wrong")
    return "a missing bucket and a wrong secret: exit 78, one line with endpoint, bucket and cause"


def endpoint_away(folder, seaweed):
    """Degraded: writes go into the journal, the health says so, and what waited is uploaded when the endpoint is
    back."""
    node = s3_node(folder, seaweed, "away")
    key = node.create_key()
    # A first start with the bucket: the keys that it reads there serve the next one too.
    node.start()
    node.kill()
    seaweed.stop()
    node.start()
    wait_until(lambda: '"degraded"' in node.readiness()[1], 20, "readyz says degraded")
    status, _, first = post(node, key, "while-away")
    require((status, first.get("durability")) == (201, "journal"), f"degraded: {status} {first}")
    status, headers, second = post(node, key, "while-away", Acknowledge="object-store")
    require((status, second.get("durability")) == (202, "journal"), f"object-store while away: {status} {second}")
    receipt = f"{PATH}/{second['eventId']}/receipt"
    require(receipt in headers.get("Link", ""), f"no Link to the receipt: {headers}")

    def durability():
        status, text = get(node.url + receipt, {"x-api-key": key})
        return json.loads(text).get("durability") if status == 200 else f"{status} {text}"

    require(durability() == "journal", f"receipt while away: {durability()}")
    require(node.terminate() == 0, "TERM while the store is away: exit status")
    node.start()
    seaweed.start()
    wait_until(lambda: durability() == "object-store", 90, "the receipt says object-store")
    wait_until(lambda: '"healthy"' in node.readiness()[1], 30, "readyz says healthy")
    status, text = get(f"{node.url}{PATH}?callId=while-away", {"x-api-key": key})
    require(status == 200 and json.loads(text)["count"] == 2, f"both events are read back once: {status} {text}")
    segment = json.loads(get(node.url + receipt, {"x-api-key": key})[1])["segment"]
    names = [name for name, _ in seaweed.client.list(BUCKET, "nodes/away/inbox/")]
    require(any(name.endswith(segment) for name in names), f"the receipt names {segment}, the bucket has {names}")
    require(node.terminate() == 0, "exit status after TERM")
    return "endpoint away: degraded, 201 and 202, kept over a restart, uploaded when it is back"


def main():
    with Scratch() as folder:
        print(f"  {BINARY}")
        print(f"  ok   {verify_on_files(folder)}", flush=True)
        seaweed = SeaweedFS(folder / "weed").start()
        seaweed.make_bucket(BUCKET)
        for test in (verify_on_s3, refused_at_start, endpoint_away):
            print(f"  ok   {test(folder, seaweed)}", flush=True)
        seaweed.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
