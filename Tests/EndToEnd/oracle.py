"""Decides whether the service kept its promises: every acknowledged event readable exactly once with equal bytes, by
every way of reading; every refused one refused for the right reason and absent; an unknown one there at most once; the
objects in the bucket equal to what was acknowledged.

`Oracle.problems` is empty when all of that holds; every check adds a line to `checks` that says how much it looked at.
"""

import json
import random
import re
import subprocess
import urllib.parse

from client import Connection, each
from events import write_timestamp
from load import PATH

DECODER = json.JSONDecoder()
NAME = re.compile(
    r"(?:^|/)(?:inbox|events|late)/(?:dt=[0-9-]+/)?([0-9A-HJKMNP-TV-Z]{26})-(\d+)-(\d+)-(\d+)\.ndjson\.zst$"
)
MAXIMUM_PROBLEMS = 50


class Oracle:
    def __init__(self, record, port, key, seed):
        self.record = record
        self.port = port
        self.headers = {"x-api-key": key}
        self.source = random.Random(seed ^ 0x0C1E)
        self.problems = list(record.problems)
        self.checks = []
        self.by_identity = {event.identity: event for event in record.events}
        self.stored_id = {}  # index of each event found in the store -> its id
        self.lines = {}  # eventId -> the line as a page gave it
        self.order = []  # indexes in the one order, set by the first paging

    def problem(self, text):
        if len(self.problems) < MAXIMUM_PROBLEMS:
            self.problems.append(text)

    # What was said when the events were sent.

    def check_answers(self, allow_unknown, allow_refusals=()):
        invalid = acknowledged = 0
        for event in self.record.events:
            refusal = self.record.refusal[event.index]
            if self.record.event_id[event.index] is not None:
                acknowledged += 1
                if event.expected:
                    self.problem(f"event {event.index} breaks '{event.rule}' and was stored: {event.body[:200]}")
            elif refusal is None:
                if event.index not in self.record.unknown:
                    self.problem(f"event {event.index} has no answer")
                elif not allow_unknown:
                    self.problem(f"event {event.index}: no answer from a service that was not killed")
            elif refusal[0] in allow_refusals:
                continue
            elif not event.expected:
                self.problem(f"event {event.index} is valid and was refused with {refusal}: {event.body[:200]}")
            else:
                invalid += 1
                status, fields = refusal
                if status != event.expected.status or not set(event.expected.fields) <= set(fields):
                    self.problem(
                        f"event {event.index}, '{event.rule}': {refusal}, expected {event.expected}: {event.body[:200]}"
                    )
        identifiers = [event_id for event_id in self.record.event_id if event_id is not None]
        if len(set(identifiers)) != len(identifiers):
            self.problem(f"{len(identifiers) - len(set(identifiers))} eventIds were given twice")
        self.checks.append(
            f"answers: {acknowledged} acknowledged, {invalid} invalid ones refused with status and field"
        )

    # One event as it is read back.

    def examine(self, line, where):
        """Compares the raw text of a stored event with what was sent; its index, or None for a stranger."""
        found = json.loads(line)
        event = self.by_identity.get((found.get("callId"), found.get("eventType"), found.get("timestamp")))
        if event is None or event.expected:
            self.problem(f"{where}: an event that was never accepted: {line[:300]}")
            return None
        event_id = found.get("eventId")
        known = self.record.event_id[event.index] or self.stored_id.setdefault(event.index, event_id)
        if event_id != known:
            self.problem(f"{where}: event {event.index} has id {event_id}, known as {known}: doubled or renamed")
        if (event.metadata is None) != ("metadata" not in found):
            self.problem(f"{where}: event {event.index}: metadata is there or not, unlike what was sent: {line[:300]}")
        elif event.metadata is not None and '"metadata":' + event.metadata not in line:
            self.problem(f"{where}: event {event.index}: metadata differs from {event.metadata}: {line[:500]}")
        if found.get("idempotencyKey") != event.key:
            self.problem(f"{where}: event {event.index}: idempotencyKey {found.get('idempotencyKey')!r}")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z", found.get("createdAt", "")):
            self.problem(f"{where}: event {event.index}: createdAt {found.get('createdAt')!r}")
        return event.index

    def position(self, index, line):
        """The key of the one order: instant, tie, id."""
        event = self.record.events[index]
        found = json.loads(line)
        return (event.instant, "" if event.key is not None else found["createdAt"], found["eventId"])

    def expect_all(self, indexes, where):
        """Every acknowledged event exactly once, an unknown one at most once, nothing else."""
        seen = set(indexes)
        if len(seen) != len(indexes):
            self.problem(f"{where}: {len(indexes) - len(seen)} events more than once")
        missing = [
            event.index for event in self.record.events if self.record.event_id[event.index] and event.index not in seen
        ]
        if missing:
            self.problem(f"{where}: {len(missing)} acknowledged events missing, first {missing[:5]}")
        refused = [index for index in seen if self.record.refusal[index] is not None]
        if refused:
            self.problem(f"{where}: {len(refused)} refused events are there, first {refused[:5]}")

    # Reading by HTTP.

    async def fetch(self, connection, target, status=200):
        response = await connection.request("GET", target)
        if response.status != status:
            self.problem(f"GET {target}: {response.status}, expected {status}: {response.body[:300]!r}")
            return None
        return response

    async def pages(self, connection, **query):
        """All events of a query as raw lines, page by page."""
        lines = []
        token = None
        while True:
            parameters = dict(query, nextToken=token) if token else query
            response = await self.fetch(connection, f"{PATH}?{urllib.parse.urlencode(parameters)}")
            if response is None:
                return lines
            page = split_page(response.body.decode())
            lines.extend(page.lines)
            if page.count != len(page.lines) or len(page.lines) > int(query.get("limit", 100)):
                self.problem(f"{query}: count {page.count} for {len(page.lines)} events")
            if page.token is None:
                return lines
            if page.token == token:
                self.problem(f"{query}: nextToken does not move")
                return lines
            token = page.token

    async def check_paging(self):
        """The whole time range forward in pages of 1000, then backward in odd ones."""
        connection = Connection(self.port, self.headers)
        instants = [event.instant for event in self.record.events]
        start, end = moment(min(instants)), moment(max(instants) + 1)
        lines = await self.pages(connection, startTime=start, endTime=end, limit=1000)
        self.order = self.read_ordered(lines, "paging")
        self.expect_all(self.order, "paging")
        self.lines = {json.loads(line)["eventId"]: line for line in lines}
        backward = await self.pages(connection, startTime=start, endTime=end, limit=997, order="desc")
        if backward != lines[::-1]:
            self.problem(f"paging backward gives {len(backward)} events that are not the reverse of {len(lines)}")
        connection.close()
        self.checks.append(f"paging: {len(lines)} events in order, once forward and once backward")

    def read_ordered(self, lines, where):
        indexes = []
        last = None
        for line in lines:
            index = self.examine(line, where)
            if index is None:
                continue
            indexes.append(index)
            position = self.position(index, line)
            if last is not None and position <= last:
                self.problem(f"{where}: event {index} at {position} follows {last}")
            last = position
        return indexes

    async def check_calls(self, share=1.0, connections=8):
        """Every call (or a share of them) read by its id."""
        expected = {event.call_id: [] for event in self.record.events}
        for index in self.order:
            expected[self.record.events[index].call_id].append(index)
        calls = sorted(expected)
        if share < 1:
            calls = self.source.sample(calls, round(len(calls) * share))

        async def work(connection, call):
            lines = await self.pages(connection, callId=call, limit=1000)
            if self.read_ordered(lines, f"call {call}") != expected[call]:
                self.problem(f"call {call}: {len(lines)} events differ from the {len(expected[call])} that paging gave")

        await each(calls, [Connection(self.port, self.headers) for _ in range(connections)], work)
        self.checks.append(f"calls: {len(calls)} read by id, each whole and in order")

    async def check_ids(self, count=5000, connections=8):
        identifiers = sorted(self.lines)
        chosen = self.source.sample(identifiers, min(count, len(identifiers)))

        async def work(connection, event_id):
            response = await self.fetch(connection, f"{PATH}/{event_id}")
            if response is not None and response.body.decode().strip() != self.lines[event_id]:
                self.problem(f"{event_id}: by id {response.body[:300]!r}, by page {self.lines[event_id][:300]}")

        await each(chosen, [Connection(self.port, self.headers) for _ in range(connections)], work)
        connection = Connection(self.port, self.headers)
        for event_id in chosen[:20]:
            stranger = event_id[:-1] + ("0" if event_id[-1] != "0" else "1")
            if stranger not in self.lines:
                await self.fetch(connection, f"{PATH}/{stranger}", status=404)
        connection.close()
        self.checks.append(f"ids: {len(chosen)} events read by id, equal to their page")

    async def check_windows(self, count=50):
        """Time windows whose bounds are instants of events: the first is in, the last is out. And one event type."""
        connection = Connection(self.port, self.headers)
        events = self.record.events
        for _ in range(count):
            first = self.source.randrange(len(self.order) - 1)
            last = min(len(self.order) - 1, first + self.source.randrange(1, 1500))
            low, high = events[self.order[first]].instant, events[self.order[last]].instant
            lines = await self.pages(
                connection, startTime=moment(low), endTime=moment(high), limit=self.source.randrange(50, 1001)
            )
            expected = [index for index in self.order if low <= events[index].instant < high]
            if self.read_ordered(lines, "window") != expected:
                self.problem(f"window {moment(low)} to {moment(high)}: {len(lines)} events, expected {len(expected)}")
        lines = await self.pages(connection, eventType="failed", limit=1000)
        expected = [index for index in self.order if events[index].event_type == "failed"]
        if self.read_ordered(lines, "eventType") != expected:
            self.problem(f"eventType=failed: {len(lines)} events, expected {len(expected)}")
        connection.close()
        self.checks.append(f"windows: {count} time ranges and one event type")

    # The objects themselves.

    def check_objects(self, objects):
        """`objects`: (key, bytes) of every object under the prefix. Two with the same file number (a retried upload)
        are one segment."""
        copies = {}
        segments = total = size = 0
        for key, body in objects:
            match = NAME.search(key)
            if match is None:
                continue
            segments += 1
            size += len(body)
            lines = self.decompress(key, body)
            total += len(lines)
            self.check_segment(key, match, lines)
            for line in lines:
                copies.setdefault(json.loads(line)["eventId"], set()).add(line)
        for event_id, texts in copies.items():
            if len(texts) > 1:
                self.problem(f"objects: {event_id} with different bytes: {sorted(texts)[:2]}")
        self.expect_all(
            [index for texts in copies.values() if (index := self.examine(next(iter(texts)), "objects")) is not None],
            "objects",
        )
        differing = [event_id for event_id, line in self.lines.items() if line not in copies.get(event_id, {line})]
        if differing:
            self.problem(f"objects: {len(differing)} lines differ from what the API returned, first {differing[:3]}")
        self.checks.append(
            f"objects: {segments} segments, {size} bytes, {total} lines, {len(copies)} events, all valid zstd NDJSON"
        )
        return total

    def decompress(self, key, body):
        test = subprocess.run(["zstd", "-q", "-t"], input=body, capture_output=True)
        whole = subprocess.run(["zstd", "-q", "-d", "-c"], input=body, capture_output=True)
        if test.returncode or whole.returncode:
            self.problem(f"{key}: zstd refuses it: {test.stderr.decode()}{whole.stderr.decode()}")
        text = whole.stdout.decode()
        if text and not text.endswith("\n"):
            self.problem(f"{key}: the last line has no end")
        return text.split("\n")[:-1]

    def check_segment(self, key, match, lines):
        low, high, count = (int(part) for part in match.groups()[1:])
        if count != len(lines):
            self.problem(f"{key}: {len(lines)} lines")
        last = None
        for line in lines:
            found = json.loads(line)
            event = self.by_identity.get((found["callId"], found["eventType"], found["timestamp"]))
            if event is None:
                continue  # examine() reports it
            position = self.position(event.index, line)
            if last is not None and position <= last:
                self.problem(f"{key}: not sorted at {found['eventId']}")
            last = position
            if not low * 1_000_000 <= event.instant <= high * 1_000_000:
                self.problem(f"{key}: {found['timestamp']} is outside the times of the name")


class Page:
    __slots__ = ("lines", "count", "token")


def split_page(text):
    """`{"events":[...],"count":2,"nextToken":null}` with the events left as the text they are."""
    page = Page()
    page.lines = []
    start = text.index("[") + 1
    if text[:start].replace(" ", "") != '{"events":[':
        raise ValueError(f"not a page: {text[:100]}")
    while text[start] != "]":
        if text[start] in ", \n":
            start += 1
            continue
        _, end = DECODER.raw_decode(text, start)
        page.lines.append(text[start:end])
        start = end
    rest = json.loads('{"events":[' + text[start:])
    page.count, page.token = rest["count"], rest["nextToken"]
    return page


def moment(instant):
    return write_timestamp(instant, 9)
