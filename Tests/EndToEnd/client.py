"""A small HTTP/1.1 client on asyncio: one keep-alive connection, one request at a time, and exact about what it does
not know.

`NotSent` means that no byte of the request left; `Unanswered` that it may have arrived and nothing is known about it.
"""

import asyncio


class NotSent(Exception):
    pass


class Unanswered(Exception):
    pass


class Response:
    __slots__ = ("status", "headers", "body")

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


class Connection:
    def __init__(self, port, headers, timeout=30):
        self.port = port
        self.timeout = timeout
        fixed = {"Host": f"127.0.0.1:{port}", **headers}
        self.fixed = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self.reader = None
        self.writer = None

    async def request(self, method, target, body=None, content_type=None):
        if self.writer is None:
            await self._connect()
        head = f"{method} {target} HTTP/1.1\r\n{self.fixed}"
        if body is not None:
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        try:
            self.writer.write(head.encode() + b"\r\n" + (body or b""))
            async with asyncio.timeout(self.timeout):
                await self.writer.drain()
                return await self._response(method)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, TimeoutError) as error:
            self.close()
            raise Unanswered(f"{type(error).__name__}: {error}") from error

    async def _connect(self):
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        except OSError as error:
            raise NotSent(str(error)) from error

    async def _response(self, method):
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if status == 100:
            return await self._response(method)
        body = b"" if method == "HEAD" or status in (204, 304) else await self._body(headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Response(status, headers, body)

    async def _body(self, headers):
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                parts.append(await self.reader.readexactly(size))
                await self.reader.readexactly(2)
            await self.reader.readuntil(b"\r\n")
            return b"".join(parts)
        if "content-length" not in headers:
            raise ValueError("answer without a length")
        return await self.reader.readexactly(int(headers["content-length"]))

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


async def each(items, connections, work):
    """Runs `work(connection, item)` for every item on that many connections at once."""
    pending = iter(items)

    async def worker(connection):
        for item in pending:
            await work(connection, item)
        connection.close()

    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(worker(connection))
