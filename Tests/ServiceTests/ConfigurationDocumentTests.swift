// config/ says exactly what the table of settings says. `CALLFLOW_WRITE_DOCUMENTS=1 swift test --filter
// ConfigurationDocument` writes it.

import Foundation
import TestSupport
import Testing

@testable import Service

@Suite struct ConfigurationDocumentTests {
  @Test(arguments: [
    ("config/callflow.yaml", SettingsDocument.sampleFile()), ("config/README.md", SettingsDocument.readme()),
  ])
  func document_IsWhatTheTableSays(path: String, text: String) throws {
    let file = "\(packageFolder)/\(path)"
    if ProcessInfo.processInfo.environment["CALLFLOW_WRITE_DOCUMENTS"] != nil { try write(text, to: file) }
    #expect(read(file) == text, "\(path) differs from the table in Sources/Service/Settings")
  }

  @Test func sample_IsTheDefaults() throws {
    let sample = try SettingsLoader.load(SettingsSources(file: "\(packageFolder)/config/callflow.yaml")).settings
    let defaults = try SettingsLoader.load(SettingsSources()).settings
    for setting in SettingTable.all { #expect(sample[setting.key] == defaults[setting.key], "\(setting.key)") }
  }

  @Test func documents_NameEverySetting() {
    let readme = read("\(packageFolder)/config/README.md")
    let sample = read("\(packageFolder)/config/callflow.yaml")
    for setting in SettingTable.all {
      #expect(readme.contains("| `\(setting.key)` |"))
      #expect(sample.contains("\(setting.name):"))
    }
  }

  /// Whatever `check-config` prints means the same when it is read again.
  @Test func effective_IsReadBackAsTheSame() throws {
    let folder = TemporaryFolder()
    let overrides = [
      "http.listen=127.0.0.1:1,[::1]:2", "storage.data=/tmp/with space", "http.limits.idle_seconds=1.5",
      "storage.url=s3://bucket/p",
      "storage.s3.path_style=true", "storage.s3.region=true", "storage.upload.interval=1500ms", "http.base_path=/",
    ]
    let first = try SettingsLoader.load(SettingsSources(overrides: overrides)).settings
    try write(SettingsDocument.effective(first), to: folder.file("effective.yaml"))
    let second = try SettingsLoader.load(SettingsSources(file: folder.file("effective.yaml"))).settings
    for setting in SettingTable.all where setting.computed == nil {
      #expect(second[setting.key] == first[setting.key], "\(setting.key)")
    }
    #expect(second.keys == first.keys)
    #expect(second.store == first.store)
  }
}

@Suite struct MachineTests {
  @Test func fileSystem_IsFoundByDevice() {
    let mounts = """
      22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
      30 22 0:45 / /var/lib/docker/overlay2/x/merged rw,relatime - overlay overlay rw,lowerdir=/a
      31 22 0:300 / /dev/shm rw master:2 propagate_from:3 - tmpfs tmpfs rw

      """
    #expect(DataFolderCheck.fileSystem(device: 0x801, mounts: mounts) == "ext4")
    #expect(DataFolderCheck.fileSystem(device: 45, mounts: mounts) == "overlay")
    // Minors above 255 are split around the major (makedev(3)).
    #expect(DataFolderCheck.fileSystem(device: 0x2C | 0x10_0000, mounts: mounts) == "tmpfs")
    #expect(DataFolderCheck.fileSystem(device: 99, mounts: mounts) == nil)
  }

  @Test func ephemeral_IsNoticed_OnTmpfs() {
    guard FileManager.default.fileExists(atPath: "/dev/shm") else { return print("*** no /dev/shm: NOT tested ***") }
    #expect(DataFolderCheck.ephemeralFileSystem(of: "/dev/shm") == "tmpfs")
    #expect(DataFolderCheck.ephemeralFileSystem(of: "/proc") == nil)
    #expect(DataFolderCheck.ephemeralFileSystem(of: "/absent") == nil)
    #expect((DataFolderCheck.freeBytes(of: "/dev/shm") ?? 0) > 0)
  }

  @Test func processors_FollowTheQuota() {
    #expect(ProcessorCount.rounded(150_000, 100_000) == 2)
    #expect(ProcessorCount.rounded(-1, 100_000) == nil)
    #expect(ProcessorCount.rounded(nil, 100_000) == nil)
    #expect(ProcessorCount.usable >= 1)
  }

  @Test func estimate_CountsAMonth() throws {
    let text = RequestEstimate(try SettingsLoader.load(SettingsSources()).settings).text
    #expect(text.contains("LIST 2,592,000"))
    #expect(text.contains("PUT  259,200"))
    let strong = SettingsSources(overrides: ["storage.acknowledge=object-store", "storage.refresh_interval=10s"])
    let other = RequestEstimate(try SettingsLoader.load(strong).settings).text
    #expect(other.contains("LIST 259,200"))
    #expect(other.contains("PUT  25,920,000"))
    #expect(RequestEstimate.grouped(1_234_567) == "1,234,567")
    #expect(RequestEstimate.grouped(12) == "12")
  }
}
