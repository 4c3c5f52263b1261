// One page of a directory store's list, in the order of key bytes. A folder `x` stands at `x/`, where all its keys are,
// so a file `x-1` comes before it ('-' < '/') and `x0` after it; names sorted with that slash give the keys' order
// without reading ahead.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

enum FolderReader {
  /// Calls `use` with each name and its kind (`DT_*`). A folder that does not exist has no names.
  static func names(in path: String, _ use: (String, UInt8) throws(FileFailure) -> Void) throws(FileFailure) {
    guard let stream = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return }
      throw .last("open", path)
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .last("read", path) }
        return
      }
      let kind = entry.pointee.d_type
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      // Names that are not UTF-8 belong to no key.
      if let name, name != ".", name != ".." { try use(name, kind) }
    }
  }
}

struct DirectoryListing {
  private struct Entry {
    /// The key of a file; of a folder the part that all its keys begin with, slash included.
    var key: [UInt8]
    var path: String
    var isFolder: Bool
  }

  private static let maxKeptEntries = 8192
  private let paths: KeyPaths
  private let prefix: [UInt8]
  private var after: [UInt8]?
  private let limit: Int
  private var objects: [ObjectInfo] = []
  private var isTruncated = false

  init(paths: KeyPaths, prefix: String, after: String?, limit: Int) {
    self.paths = paths
    self.prefix = Array(prefix.utf8)
    self.after = after.map { Array($0.utf8) }
    self.limit = limit
  }

  /// Reads only folders that can hold a key of the page: those on the way down `prefix` are passed without reading
  /// them.
  mutating func page() throws(ObjectStoreError) -> ObjectPage {
    let start = prefix.lastIndex(of: UInt8(ascii: "/")).map { Array(prefix[...$0]) } ?? []
    var path = paths.root
    for segment in start.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropLast() {
      // No key has such a segment, so none has this prefix.
      let isDots = segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8)
      if segment.isEmpty || isDots { return ObjectPage(objects: [], isTruncated: false) }
      path += "/" + KeyPaths.name(of: Array(segment))
    }
    do throws(FileFailure) {
      try visit(Entry(key: start, path: path, isFolder: true))
    } catch {
      throw error.storeError
    }
    return ObjectPage(objects: objects, isTruncated: isTruncated)
  }

  private mutating func visit(_ folder: Entry) throws(FileFailure) {
    while true {
      let (entries, isWhole) = try entries(of: folder)
      for entry in entries {
        if entry.isFolder {
          try visit(entry)
        } else if let status = try DirectoryFiles.status(entry.path) {
          // Deleted between the two reads: not there.
          guard let info = DirectoryFiles.info(String(decoding: entry.key, as: UTF8.self), status) else { continue }
          if objects.count == limit { isTruncated = true } else { objects.append(info) }
        }
        if isTruncated { return }
      }
      // Of what was kept some is gone, or was no object: the rest is needed after all.
      guard !isWhole, let last = entries.last else { return }
      after = last.key
    }
  }

  /// What of the folder can matter to this page, in order; not whole where only its first part was kept.
  private func entries(of folder: Entry) throws(FileFailure) -> (entries: [Entry], isWhole: Bool) {
    var entries: [Entry] = []
    var horizon: [UInt8]?
    var nextTrim = Self.maxKeptEntries
    try FolderReader.names(in: folder.path) { (name, kind) throws(FileFailure) in
      guard let segment = KeyPaths.segment(of: name) else { return }
      let path = "\(folder.path)/\(name)"
      var isFolder = kind == UInt8(DT_DIR)
      if kind == UInt8(DT_UNKNOWN) {
        guard let status = try DirectoryFiles.status(path) else { return }
        isFolder = status.st_mode & S_IFMT == S_IFDIR
      }
      let key = folder.key + segment + (isFolder ? [UInt8(ascii: "/")] : [])
      let entry = Entry(key: key, path: path, isFolder: isFolder)
      guard matters(entry) else { return }
      // What was set aside begins here.
      if let horizon, horizon.isBefore(key) { return }
      entries.append(entry)
      if entries.count == nextTrim {
        if trim(&entries) { horizon = entries.last?.key }
        nextTrim = entries.count + Self.maxKeptEntries
      }
    }
    entries.sort { $0.key.isBefore($1.key) }
    return (entries, horizon == nil)
  }

  /// Forgets what comes after as many files as a page can need: folders of any size are listed in bounded memory.
  /// Folders among the first may be empty, so they promise no key.
  private func trim(_ entries: inout [Entry]) -> Bool {
    entries.sort { $0.key.isBefore($1.key) }
    guard entries.count > limit + 1, !entries[...limit].contains(where: \.isFolder) else { return false }
    entries.removeLast(entries.count - limit - 1)
    return true
  }

  private func matters(_ entry: Entry) -> Bool {
    guard entry.key.starts(with: prefix) || entry.isFolder && prefix.starts(with: entry.key) else { return false }
    guard let after else { return true }
    return after.isBefore(entry.key) || entry.isFolder && after.starts(with: entry.key)
  }
}
