"""Realistic telephony events from a seed, in the order in which they are sent, with what the service has to say to
each.

Calls last minutes, overlap, and their events are sent up to an hour away from the order of their timestamps. Two in a
hundred break one rule of CONTRACT 3.1 each; `Expectation` says which status and which `details[].field` must come back.
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timezone

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
TYPES_MIDDLE = ["hold", "resumed", "transferred", "ringing", "answered", "dtmf", "queue.entered"]
NAMES = ["Zoë Krüger", "李雷", "Søren Ørsted", "Мария", "O'Connor", "नेहा", "😀 bot", 'José "Pepe"', "Anna\tB", "a\\b"]
QUEUES = ["sales", "support-level-2", "billing", "rückruf", "emergency"]
OFFSETS = [("Z", 0), ("z", 0), ("+00:00", 0), ("-00:00", 0), ("+02:00", 7200), ("-05:00", -18000), ("+05:30", 19800)]
ODD_NUMBERS = ["1.50", "-0.0", "1E+2", "12345678901234567890123", "0.1000000000000000055", "3e-7"]


@dataclass(slots=True)
class Expectation:
    """What an event that breaks a rule gets: its status and the fields that must be named (empty: any)."""

    status: int
    fields: tuple = ()


@dataclass(slots=True)
class Event:
    index: int
    call_id: str
    event_type: str
    timestamp: str
    instant: int
    metadata: str | None
    key: str | None
    body: str = ""
    rule: str = ""
    expected: Expectation | None = None
    is_json: bool = True

    @property
    def identity(self):
        """Names the event before it has an id: the generator makes no two events equal in these."""
        return (self.call_id, self.event_type, self.timestamp)


def generate(seed, calls, events, base, invalid_share=0.02):
    """`events` events of `calls` calls, timestamps in the 24 hours after `base` (ns since 1970), in sending order."""
    source = random.Random(seed)
    made = []
    taken = set()
    for number, count in enumerate(_counts(source, calls, events)):
        made.extend(_call(source, number, count, base, taken))
    jitter = [(event.instant + source.randrange(HOUR), position) for position, event in enumerate(made)]
    made = [made[position] for _, position in sorted(jitter)]
    invalid = set(source.sample(range(len(made)), round(len(made) * invalid_share)))
    rules = sorted(RULES)
    for index, event in enumerate(made):
        event.index = index
        members = _members(source, event)
        if index in invalid:
            event.rule = source.choice(rules)
            RULES[event.rule](source, event, members)
        if not event.body:
            event.body = _object(source, members)
    return made


def _counts(source, calls, events):
    """How many events each call has: at least 3, `events` in all."""
    counts = [3] * calls
    for _ in range(events - 3 * calls):
        counts[source.randrange(calls)] += 1
    return counts


def _call(source, number, count, base, taken):
    call_id = _call_id(source, number)
    caller, called = f"+49{source.randrange(10**9, 10**10)}", f"+1{source.randrange(10**9, 10**10)}"
    succeeded = source.random() < 0.85
    types = ["initiated", "ringing"]
    while len(types) < count - 1:
        types.append("answered" if len(types) == 2 and succeeded else source.choice(TYPES_MIDDLE))
    types.append("ended" if succeeded else "failed")
    instant = base + source.randrange(23 * HOUR)
    result = []
    for event_type in types:
        if source.random() > 0.02:  # else at the very instant of the one before it
            instant += source.randrange(50_000_000, 20 * SECOND)
        result.append(_event(source, call_id, event_type, instant, caller, called, taken))
        instant = result[-1].instant
    return result


def _event(source, call_id, event_type, instant, caller, called, taken):
    digits = source.choice([0, 3, 3, 3, 6, 9])
    unit = 10 ** (9 - digits)
    instant -= instant % unit
    suffix, offset = source.choice(OFFSETS)
    while True:
        timestamp = write_timestamp(instant, digits, suffix, offset)
        if (call_id, event_type, timestamp) not in taken:
            break
        instant += unit
    taken.add((call_id, event_type, timestamp))
    metadata = None if source.random() < 0.01 else _metadata(source, event_type, caller, called)
    key = f"key-{source.getrandbits(64):016x}" if source.random() < 0.01 else None
    return Event(0, call_id, event_type, timestamp, instant, metadata, key)


def _call_id(source, number):
    kind = source.randrange(20)
    if kind < 12:
        return f"{source.getrandbits(96):024x}-{number}"
    if kind < 17:
        return f"{source.getrandbits(48):012x}.{number}@pbx{source.randrange(4)}.example.com"
    return [f"звонок-{number}", f"a/b?c&d=e+f 100% #{number}", f'Anruf {number} über "Köln" ☎'][kind - 17]


def write_timestamp(instant, digits, suffix="Z", offset=0):
    """RFC 3339 with `digits` fraction digits, in the zone `suffix` of `offset` seconds."""
    seconds, nanoseconds = divmod(instant, SECOND)
    moment = datetime.fromtimestamp(seconds + offset, timezone.utc)
    letter = "t" if suffix == "z" else "T"
    fraction = f".{nanoseconds:09d}"[: digits + 1] if digits else ""
    return moment.strftime(f"%Y-%m-%d{letter}%H:%M:%S") + fraction + suffix


def _metadata(source, event_type, caller, called):
    """Raw JSON text: the service must keep it byte for byte, so spacing, escapes and digits differ from event to
    event."""
    members = [("callerNumber", _text(source, caller)), ("calledNumber", _text(source, called))]
    if source.random() < 0.6:
        members.append(("queue", _text(source, source.choice(QUEUES))))
    if source.random() < 0.6:
        agent = f'{{"name":{_text(source, source.choice(NAMES))},"extension":{source.randrange(100, 9999)}}}'
        members.append(("agent", agent))
    if event_type in ("ended", "failed", "transferred"):
        members.append(("durationMs", str(source.randrange(3_600_000))))
        members.append(("reason", _text(source, source.choice(["normal", "busy", "no answer", "rejected"]))))
    if source.random() < 0.3:
        members.append(("trunks", '["a", "b",null,true, false,[ ]]'))
    if source.random() < 0.2:
        members.append(("score", source.choice(ODD_NUMBERS)))
    if source.random() < 0.3:
        members.append(("note", _text(source, "x" * source.randrange(300))))
    colon, comma = source.choice([(":", ","), (": ", ", "), (" :\t", " ,")])
    return "{" + comma.join(f'"{name}"{colon}{value}' for name, value in members) + "}"


def _text(source, value):
    return json.dumps(value, ensure_ascii=source.random() < 0.2)


def _members(source, event):
    members = [
        ["callId", _text(source, event.call_id)],
        ["eventType", json.dumps(event.event_type)],
        ["timestamp", json.dumps(event.timestamp)],
    ]
    if event.metadata is not None:
        members.append(["metadata", event.metadata])
    if event.key is not None:
        members.append(["idempotencyKey", json.dumps(event.key)])
    return members


def _object(source, members):
    if source.random() < 0.3:
        members = source.sample(members, len(members))
    comma = source.choice([",", ", "])
    return "{" + comma.join(f'"{name}":{value}' for name, value in members) + "}"


# Rules: each takes (source, event, members), breaks the members or the body and says what must come back.


def _replace(field, *values):
    def rule(source, event, members):
        value = source.choice(values)
        kept = [member for member in members if member[0] != field]
        kept.append([field, value])
        members[:] = kept
        event.expected = Expectation(400, (field,))

    return rule


def _remove(field):
    def rule(source, event, members):
        members[:] = [member for member in members if member[0] != field]
        event.expected = Expectation(400, (field,))

    return rule


def _add(name, value):
    def rule(source, event, members):
        members.insert(source.randrange(len(members) + 1), [name, value])
        event.expected = Expectation(400, (name,))

    return rule


def _duplicate(source, event, members):
    members.append(list(source.choice(members)))
    event.expected = Expectation(400)


def _deep(source, event, members):
    members[:] = [member for member in members if member[0] != "metadata"]
    members.append(["metadata", '{"a":' + "[" * 70 + "]" * 70 + "}"])
    event.expected = Expectation(400)
    event.is_json = False  # the bound is the reader's: it refuses the text, not the event


def _not_an_object(source, event, members):
    event.body = source.choice(["42", '"text"', "null", "[]", "true"])
    event.expected = Expectation(400)


def _broken(source, event, members):
    whole = _object(source, members)
    event.body = source.choice(
        [whole[: len(whole) // 2], whole + "}", whole.replace(":", "=", 1), "{'callId':1}", whole + ","]
    )
    event.expected = Expectation(400)
    event.is_json = False


def _large(source, event, members):
    if source.random() > 0.05:  # a few are enough
        return _remove("callId")(source, event, members)
    members[:] = [member for member in members if member[0] != "metadata"]
    members.append(["metadata", '{"note":"' + "x" * (256 * 1024) + '"}'])
    event.expected = Expectation(413)


RULES = {
    "callId missing": _remove("callId"),
    "callId wrong": _replace("callId", '""', "12", "null", '"a\\u0007b"', '"a\\nb"', '"' + "c" * 257 + '"', '["x"]'),
    "eventType missing": _remove("eventType"),
    "eventType wrong": _replace(
        "eventType", '""', '"two words"', '"' + "t" * 65 + '"', "7", '"größe"', '"a/b"', "null"
    ),
    "timestamp missing": _remove("timestamp"),
    "timestamp malformed": _replace(
        "timestamp",
        '"2026-02-30T10:00:00Z"',
        '"2026-11-20T10:00:00"',
        '"2026-11-20"',
        '"20.11.2026 10:00"',
        "1795243500",
        '"2026-13-01T00:00:00Z"',
        '"2026-11-20T24:00:00Z"',
        '"2026-11-20T10:00:00.1234567890Z"',
        '""',
        "null",
        '"2026-11-20T10:00:00+0200"',
        '"2026-11-20T10:60:00Z"',
    ),
    "timestamp outside the window": _replace("timestamp", '"2001-01-01T00:00:00Z"', '"2199-01-01T00:00:00Z"'),
    "metadata wrong": _replace("metadata", "[]", '"text"', "5", "true"),
    "idempotencyKey wrong": _replace("idempotencyKey", '""', '"' + "k" * 129 + '"', "9", "{}"),
    "eventId sent": _add("eventId", '"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"'),
    "createdAt sent": _add("createdAt", '"2026-11-20T10:00:00Z"'),
    "unknown field": _add("caller", '"+491234"'),
    "field twice": _duplicate,
    "nested too deep": _deep,
    "not an object": _not_an_object,
    "not JSON": _broken,
    "too large": _large,
}
