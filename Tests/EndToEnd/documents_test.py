"""Every fenced `sh` block of README.md run in order in one shell, every `yaml` block given to check-config, every
`make` target looked up.

Blocks of other kinds (`text`, `json`) are not run: they show output, or commands that other tests run (`make run`,
`make test`).
"""

import pathlib
import re
import subprocess
import sys

from harness import BINARY, ENVIRONMENT, ROOT, Callflow, Failed, Scratch

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(text, kind):
    return [body for found, body in FENCE.findall(text) if found == kind]


def run_shell(node, key, commands, folder):
    environment = {
        **ENVIRONMENT,
        "PATH": f"{pathlib.Path(BINARY).parent}:{ENVIRONMENT['PATH']}",
        "CALLFLOW_URL": node.url,
        "CALLFLOW_KEY": key,
        "CALLFLOW_HTTP_LISTEN": f"127.0.0.1:{node.port}",
        "CALLFLOW_ADMIN_LISTEN": f"127.0.0.1:{node.admin_port}",
        "CALLFLOW_STORAGE_DATA": node.settings["storage.data"],
        "TMPDIR": str(folder),
    }
    script = "set -euo pipefail\nset -x\n" + "\n".join(commands)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise Failed(f"README.md: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return script.count("\n") - 1


def check_yaml(examples, folder):
    for number, example in enumerate(examples):
        path = folder / f"example-{number}.yaml"
        path.write_text(example)
        command = [BINARY, "check-config", "--config", path]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"README.md: check-config refuses\n{example}\n{done.stdout}{done.stderr}")


def check_targets(text):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    unknown = (
        set(re.findall(r"`?make ([a-z-]+)", "\n".join(blocks(text, "text") + re.findall(r"`[^`\n]+`", text)))) - targets
    )
    if unknown:
        raise Failed(f"README.md names make targets that do not exist: {unknown}")


def main():
    text = (ROOT / "README.md").read_text()
    commands, examples = blocks(text, "sh"), blocks(text, "yaml")
    if len(commands) < 3 or not examples:
        raise Failed("README.md has too few examples; has the form of its blocks changed?")
    check_targets(text)
    with Scratch() as folder:
        check_yaml(examples, folder)
        node = Callflow(folder / "node", {})
        key = node.create_key()
        node.start()
        lines = run_shell(node, key, commands, folder)
        if node.terminate() != 0:
            raise Failed("exit status after TERM")
    print(f"  ok   {len(commands)} blocks with {lines} lines run, {len(examples)} configurations checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
