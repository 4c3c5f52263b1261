"""Sends generated events by many connections, singly and in batches, and records for each what the service said: ACK,
NACK or UNKNOWN.

Nothing is sent twice: an event whose request stayed without an answer is UNKNOWN for ever and may be stored once or not
at all.
"""

import asyncio
import json
import random
import re

from client import Connection, NotSent, Unanswered, each

EVENT_ID = re.compile(r"evt_[0-7][0-9A-HJKMNP-TV-Z]{25}")
PATH = "/v1/callflow/events"


class Record:
    """What is known of each event, by its index."""

    def __init__(self, events):
        self.events = events
        self.event_id = [None] * len(events)  # set: ACK
        self.refusal = [None] * len(events)  # set: NACK, as (status, fields)
        self.unknown = set()
        self.problems = []
        self.answered = 0
        self.on_progress = lambda answered: None

    def problem(self, text):
        self.problems.append(text)

    def acknowledge(self, event, event_id):
        if not isinstance(event_id, str) or not EVENT_ID.fullmatch(event_id):
            self.problem(f"event {event.index}: malformed eventId {event_id!r}")
        self.event_id[event.index] = event_id

    def refuse(self, event, status, error):
        details = (error or {}).get("details") or []
        self.refusal[event.index] = (status, tuple(detail.get("field") for detail in details))

    def progress(self, count):
        self.answered += count
        self.on_progress(self.answered)

    def summary(self):
        acknowledged = sum(event_id is not None for event_id in self.event_id)
        refused = sum(refusal is not None for refusal in self.refusal)
        return f"{acknowledged} ACK, {refused} NACK, {len(self.unknown)} UNKNOWN"


def units(events, seed):
    """Cuts the events into requests: about half of them go singly, the others in batches of 1 to 100, NDJSON or
    arrays."""
    source = random.Random(seed ^ 0x5EED)
    result = []
    position = 0
    while position < len(events):
        form, count = "single", 1
        if source.random() < 0.02:
            form, count = source.choice(["ndjson", "array"]), source.randrange(1, 101)
        chosen = events[position : position + count]
        position += count
        if form == "array":  # one that is not JSON would take the whole array down
            result.extend(("single", [event]) for event in chosen if not event.is_json)
            chosen = [event for event in chosen if event.is_json]
        if chosen:
            result.append((form, chosen))
    return result


def encode(form, events):
    if form == "single":
        return "application/json", events[0].body.encode()
    if form == "array":
        return "application/json", ("[" + ",".join(event.body for event in events) + "]").encode()
    return "application/x-ndjson", ("\n".join(event.body for event in events) + "\n").encode()


async def send(record, requests, port, key, connections=32, reconnect_seconds=30):
    """Sends them all. While the service is away (`NotSent`) a request waits for it, at most `reconnect_seconds`."""

    async def work(connection, request):
        form, events = request
        content_type, body = encode(form, events)
        deadline = asyncio.get_running_loop().time() + reconnect_seconds
        while True:
            try:
                response = await connection.request("POST", PATH, body, content_type)
                break
            except NotSent:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.01)
            except Unanswered:
                record.unknown.update(event.index for event in events)
                return
        read_answer(record, form, events, response)
        record.progress(len(events))

    credentials = [{"x-api-key": key}, {"Authorization": f"Bearer {key}"}]
    await each(requests, [Connection(port, credentials[n % 2]) for n in range(connections)], work)


def read_answer(record, form, events, response):
    try:
        answer = json.loads(response.body)
    except ValueError:
        record.problem(f"status {response.status} with a body that is not JSON: {response.body[:200]!r}")
        return
    if form == "single":
        read_single(record, events[0], response, answer)
    else:
        read_batch(record, events, response, answer)


def read_single(record, event, response, answer):
    if response.status in (201, 202):
        record.acknowledge(event, answer.get("eventId"))
        if answer.get("callId") != event.call_id or answer.get("timestamp") != event.timestamp:
            record.problem(f"event {event.index}: the answer speaks of another event: {answer}")
        if response.status == 201 and response.headers.get("location") != f"{PATH}/{answer.get('eventId')}":
            record.problem(f"event {event.index}: Location is {response.headers.get('location')!r}")
        if answer.get("durability") not in ("journal", "object-store"):
            record.problem(f"event {event.index}: durability {answer.get('durability')!r}")
        return
    record.refuse(event, response.status, answer.get("error"))
    if answer.get("status") != response.status or "requestId" not in answer:
        record.problem(f"event {event.index}: not the error object of the contract: {answer}")


def read_batch(record, events, response, answer):
    results = answer.get("results")
    if results is None:  # refused as a whole
        for event in events:
            record.refuse(event, response.status, answer.get("error"))
        return
    if [result.get("index") for result in results] != list(range(len(events))):
        record.problem(f"results do not match the batch of {len(events)}: {str(answer)[:200]}")
        return
    statuses = set()
    stored = 0
    for event, result in zip(events, results):
        statuses.add(result["status"])
        if result["status"] in (201, 202):
            record.acknowledge(event, result.get("eventId"))
            stored += 1
        else:
            record.refuse(event, result["status"], result.get("error"))
    if (answer.get("stored"), answer.get("failed")) != (stored, len(events) - stored):
        record.problem(f"stored and failed do not match the results: {str(answer)[:200]}")
    expected = 207 if 0 < stored < len(events) else statuses.pop() if len(statuses) == 1 else 400
    if response.status != expected:
        record.problem(f"batch of {len(events)}, {stored} stored: status {response.status}, expected {expected}")
