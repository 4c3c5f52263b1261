"""A stand-in for the service, in memory, that can be told to break a promise: what the oracle must notice is tried on
it first.

Faults: lose, double, order, metadata, status, field, forget (by id), window, object, token.
"""

import asyncio
import json
import subprocess
import time
import urllib.parse
from datetime import datetime

from events import SECOND
from load import PATH

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Double:
    def __init__(self, accepted, fault=""):
        """`accepted`: the generator's events by body, so that this needs no validation of its own."""
        self.known = {event.body: event for event in accepted}
        self.fault = fault
        self.rows = []  # (instant, tie, id, line, event)
        self.number = 0
        self.sorted = True

    async def serve(self):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def connection(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split("\r\n", 1)[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                answer = self.post(body.decode(), fields) if method == "POST" else self.read(target)
                status, headers, text = answer
                content = text.encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(content)}\r\n\r\n".encode() + content
                )
        except (EOFError, OSError, asyncio.CancelledError):  # the last: the test is over
            writer.close()

    # Writing.

    def post(self, body, fields):
        if fields["content-type"] == "application/x-ndjson":
            return self.batch(body.split("\n")[:-1])
        if body.startswith("[") and body != "[]":
            bodies = []
            position = 1
            while position < len(body) and body[position] != "]":
                _, end = json.JSONDecoder().raw_decode(body, position)
                bodies.append(body[position:end])
                position = end + 1 if body[end] == "," else end
            return self.batch(bodies)
        event = self.known[body]
        if event.expected:
            error = self.error(event)
            return (
                error["status"],
                "",
                json.dumps({"status": error["status"], "requestId": "req_1", "error": error["error"]}),
            )
        event_id = self.store(event)
        answer = {"eventId": event_id, "callId": event.call_id, "timestamp": event.timestamp, "durability": "journal"}
        return 201, f"Location: {PATH}/{event_id}\r\n", json.dumps(answer)

    def batch(self, bodies):
        results = []
        for index, body in enumerate(bodies):
            event = self.known[body]
            results.append(
                {
                    "index": index,
                    **(self.error(event) if event.expected else {"status": 201, "eventId": self.store(event)}),
                }
            )
        stored = sum(result["status"] == 201 for result in results)
        statuses = {result["status"] for result in results}
        status = 207 if 0 < stored < len(results) else statuses.pop() if len(statuses) == 1 else 400
        return status, "", json.dumps({"stored": stored, "failed": len(results) - stored, "results": results})

    def error(self, event):
        status = 422 if self.fault == "status" and event.index % 7 == 0 else event.expected.status
        fields = [] if self.fault == "field" else event.expected.fields
        return {
            "status": status,
            "error": {"code": "VALIDATION_ERROR", "details": [{"field": field} for field in fields]},
        }

    def store(self, event):
        self.number += 1
        event_id = "evt_0" + "".join(ALPHABET[(self.number >> (5 * place)) & 31] for place in range(24, -1, -1))
        seconds, rest = divmod(time.time_ns(), SECOND)
        created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
        metadata = event.metadata
        if self.fault == "metadata" and metadata and "1.50" in metadata:
            metadata = metadata.replace("1.50", "1.5")
        line = f'{{"eventId":"{event_id}","callId":{json.dumps(event.call_id)},"eventType":"{event.event_type}",'
        line += f'"timestamp":"{event.timestamp}","createdAt":"{created}"'
        line += f',"metadata":{metadata}' if metadata is not None else ""
        line += f',"idempotencyKey":"{event.key}"' if event.key is not None else ""
        row = (event.instant, "" if event.key else created, event_id, line + "}", event)
        if self.fault == "lose" and self.number == 777:
            return event_id
        self.rows.append(row)
        if self.fault == "double" and self.number == 777:
            self.rows.append((row[0], row[1], "evt_7" + event_id[5:], row[3].replace("evt_0", "evt_7"), event))
        self.sorted = False
        return event_id

    # Reading.

    def read(self, target):
        if not self.sorted:
            self.rows.sort(key=lambda row: row[:3])
            self.sorted = True
            if self.fault == "order":
                self.rows[500], self.rows[501] = self.rows[501], self.rows[500]
        path, _, query = target.partition("?")
        if path != PATH:
            event_id = path.rsplit("/", 1)[1]
            lines = [
                row[3]
                for row in self.rows
                if row[2] == event_id and not (self.fault == "forget" and row[4].index % 50 == 0)
            ]
            return (200, "", lines[0]) if lines else (404, "", "{}")
        parameters = dict(urllib.parse.parse_qsl(query))
        rows = [row for row in self.rows if self.matches(row, parameters)]
        if parameters.get("order") == "desc":
            rows.reverse()
        start, limit = int(parameters.get("nextToken", 0)), int(parameters.get("limit", 100))
        page = rows[start : start + limit]
        following = start + limit - (1 if self.fault == "token" else 0)
        token = json.dumps(str(following)) if start + limit < len(rows) else "null"
        return (
            200,
            "",
            '{"events":[' + ",".join(row[3] for row in page) + f'],"count":{len(page)},"nextToken":{token}}}',
        )

    def matches(self, row, parameters):
        written = {name: parse_instant(parameters[name]) for name in ("startTime", "endTime") if name in parameters}
        end = written.get("endTime", 1 << 63)
        return (
            written.get("startTime", 0) <= row[0]
            and (row[0] < end or (self.fault == "window" and row[0] == end))
            and parameters.get("callId", row[4].call_id) == row[4].call_id
            and parameters.get("eventType", row[4].event_type) == row[4].event_type
        )

    def objects(self):
        """Three segments as they would be in the bucket."""
        self.rows.sort(key=lambda row: row[:3])
        for part in range(3):
            rows = self.rows[part::3]
            if self.fault == "object":
                rows = rows[:-1]
            low, high = rows[0][0] // 1_000_000, rows[-1][0] // 1_000_000 + 1
            text = "".join(row[3] + "\n" for row in rows)
            body = subprocess.run(["zstd", "-q", "-c"], input=text.encode(), capture_output=True, check=True).stdout
            yield f"one/inbox/{part:026d}-{low}-{high}-{len(rows)}.ndjson.zst", body


def parse_instant(text):
    whole, fraction = text[:-1].split(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * SECOND + int(fraction)
