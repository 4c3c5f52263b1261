"""Real processes for the end-to-end tests: the release binary and SeaweedFS, on free ports, ended with the test however
it ends."""

import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from s3 import S3, S3Error

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CALLFLOW_BINARY", str(ROOT / ".build/release/callflow"))
WEED = os.environ.get("CALLFLOW_WEED", str(ROOT / ".build-tools/bin/weed"))
# What the caller has set for itself (CALLFLOW_BINARY, perhaps CALLFLOW_HTTP_LISTEN) is not for the nodes of the tests.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CALLFLOW_")}
_libc = ctypes.CDLL(None)


class Failed(Exception):
    pass


def free_ports(count):
    """Distinct ports that were free a moment ago; whoever starts a server on one tries again with others if it lost the
    race."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def spawn(arguments, log, environment=None, folder=None):
    with open(log, "ab") as output:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,
            env={**ENVIRONMENT, **(environment or {})},
            cwd=folder,
        )


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.005)
    raise Failed(f"{what}: not within {seconds} s")


class Scratch:
    """A folder on a real disk for one test; it stays where the test failed."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="callflow-e2e-"))
        return self.path

    def __exit__(self, kind, error, trace):
        if kind is None and "CALLFLOW_KEEP" not in os.environ:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            print(f"*** kept for inspection: {self.path}", flush=True)


class SeaweedFS:
    """`weed server` with S3 and checked signatures."""

    access_key = "callflowtest"
    secret_key = "callflow-secret-for-tests"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.log = self.folder / "weed.log"
        self.process = None
        self.port = None
        (self.folder / "data").mkdir(parents=True)
        identity = {
            "name": "test",
            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    def start(self, seconds=60):
        for attempt in range(3):
            ports = free_ports(8)
            if self.port is not None:
                ports[0] = self.port  # started before: the service knows this one
            self.process = spawn(self._arguments(ports), self.log)
            client = S3(ports[0], self.access_key, self.secret_key)
            try:
                wait_until(lambda: self._answers(client), seconds, "SeaweedFS")
                self.port = ports[0]
                self.client = client
                return self
            except Failed:
                self.stop()
                if attempt == 2:
                    raise Failed(f"SeaweedFS does not start: {self.log.read_text(errors='replace')[-2000:]}") from None
        return self

    def _arguments(self, ports):
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = ports
        return [
            WEED,
            "server",
            f"-dir={self.folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            f"-master.port.grpc={master_grpc}",
            f"-volume.port={volume}",
            f"-volume.port.grpc={volume_grpc}",
            "-volume.max=50",
            "-master.volumeSizeLimitMB=256",
            "-filer",
            f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}",
            "-s3",
            f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}",
            f"-s3.config={self.folder / 's3.json'}",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]

    def _answers(self, client):
        if self.process.poll() is not None:
            raise Failed("SeaweedFS ended")
        try:
            client.list_buckets()
            return True
        except (OSError, S3Error):
            return False

    def make_bucket(self, name):
        """A fresh filer needs a moment until it can write, so this is tried until it works."""

        def attempt():
            try:
                self.client.create_bucket(name)
                return True
            except (OSError, S3Error):
                return False

        wait_until(attempt, 30, f"bucket {name}")

    def objects(self, bucket, prefix=""):
        return ((key, self.client.get(bucket, key)) for key, _ in self.client.list(bucket, prefix))

    @property
    def settings(self):
        return {
            "storage.s3.endpoint": f"http://127.0.0.1:{self.port}",
            "storage.s3.path_style": "true",
            "storage.s3.region": "us-east-1",
        }

    @property
    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def stop(self):
        """By kill: on TERM it waits longer than a test should, and what it has answered for is with the kernel."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Callflow:
    """One node: its configuration, its data folder and its process."""

    def __init__(self, folder, settings, environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = {"storage.data": str(self.folder / "data"), **settings}
        # One key sends everything here: its rate is not what these tests are about.
        self.environment = {"CALLFLOW_RATE_LIMIT_REQUESTS_PER_SECOND": "0", **(environment or {})}
        self.config = self.folder / "callflow.yaml"
        self.log = self.folder / "callflow.log"
        self.process = None
        self.choose_ports()

    def choose_ports(self):
        self.port, self.admin_port = free_ports(2)
        self.settings["http.listen"] = f"127.0.0.1:{self.port}"
        self.settings["admin.listen"] = f"127.0.0.1:{self.admin_port}"
        self.config.write_text(yaml(self.settings))

    def run(self, *arguments, environment=None, seconds=60, **options):
        """A command of the program with this node's configuration, to its end."""
        full = {**ENVIRONMENT, **self.environment, "CALLFLOW_URL": self.url, **(environment or {})}
        return subprocess.run(
            [BINARY, *arguments, "--config", str(self.config)],
            env=full,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            preexec_fn=_die_with_parent,
            **options,
        )

    def create_key(self, name="test"):
        done = self.run("keys", "create", "--name", name)
        keys = re.findall(r"cfk_[A-Za-z0-9_-]{43}\b", done.stdout)
        if done.returncode or len(keys) != 1:
            raise Failed(f"keys create: exit {done.returncode}: {done.stdout}{done.stderr}")
        return keys[0]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self):
        """Starts the service. On the main thread, because the kernel ends it with the thread that started it."""
        self.process = spawn([BINARY, "serve", "--config", str(self.config)], self.log, self.environment)
        self.launched = time.monotonic()

    def wait_ready(self, seconds=30):
        """Returns how long it took since the launch."""
        wait_until(self._ready, seconds, "readiness")
        return time.monotonic() - self.launched

    def start(self, seconds=30):
        """Launches it and waits, with other ports where somebody took one meanwhile."""
        for attempt in range(3):
            self.launch()
            try:
                return self.wait_ready(seconds)
            except Failed as failure:
                self.kill()
                if attempt == 2 or "in use" not in self.tail():
                    raise Failed(f"callflow does not start: {failure}\n{self.tail()}") from None
                self.choose_ports()
        return None

    def _ready(self):
        if self.process.poll() is not None:
            raise Failed(f"exit {self.process.returncode}")
        return self.readiness()[0] == 200

    def readiness(self):
        """Status and body of /readyz, (0, "") where nobody answers."""
        return get(f"http://127.0.0.1:{self.admin_port}/readyz")

    def metric(self, name):
        """Sum over the labels of one metric."""
        status, text = get(f"http://127.0.0.1:{self.admin_port}/metrics")
        lines = [line for line in text.splitlines() if line.startswith((name + " ", name + "{"))]
        if status != 200 or not lines:
            raise Failed(f"metric {name} is absent")
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def tail(self, characters=3000):
        return self.log.read_text(errors="replace")[-characters:]

    def kill(self):
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self, seconds=30):
        """TERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"no exit within {seconds} s of TERM\n{self.tail()}") from None


def get(url, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (OSError, ValueError):
        return 0, ""


def yaml(settings):
    """Dotted names to nested YAML; JSON scalars are YAML scalars."""
    tree = {}
    for name, value in settings.items():
        node = tree
        *parents, last = name.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return "".join(_block(tree, 0))


def _block(tree, depth):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield f"{'  ' * depth}{name}:\n"
            yield from _block(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name}: {value if value in ('true', 'false') else json.dumps(value)}\n"
