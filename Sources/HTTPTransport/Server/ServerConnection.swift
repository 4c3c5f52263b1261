// One client's connection. A single task lives as long as the connection does and does one thing after the other:
// wait for a head, call the handler, send the reply; so pipelined requests are answered in order, and nothing is
// started for a request that others need. The task prefers the connection's loop: all of this state is of the loop's
// thread alone.

import EventLoop
import HTTPModel
import HTTPTypes
import Primitives

final class ServerConnection: ConnectionDelegate, @unchecked Sendable {
  let server: ServerLoop
  let connection: Connection
  let info: ConnectionInfo
  var reader: RequestReader

  /// The peer sends no more.
  private(set) var inputHasEnded = false
  /// Nothing can be sent or received any more.
  private(set) var isBroken = false
  var requestsServed = 0
  var current = CurrentExchange()

  /// Whoever waits for input: the task between requests, a body's reader else.
  private var inputWaiter: UnsafeContinuation<Void, Never>?
  private var inputWanted = 1
  private var waits = 0
  private var outputWaiters: [UnsafeContinuation<Void, Never>] = []
  private var deadline = ConnectionDeadline()
  private var timer: LoopTimer?
  private var unsentBytesCounted = 0
  private var writtenBytes = 0
  private var task: Task<Void, Never>?

  /// A head is read with this much room; bodies get more when somebody reads them.
  let headReadBound: Int
  /// So that the reader's own bound is met before the socket's, an empty line before the head included.
  private static let headSlackBytes = 64

  init(socket: consuming ConnectedSocket, server: ServerLoop) throws(SystemError) {
    self.server = server
    info = ConnectionInfo(clientAddress: socket.peer.host, isTLS: false)
    reader = RequestReader(maxHeadBytes: server.settings.headBytes, maxHeaders: server.settings.headers)
    headReadBound = server.settings.headBytes + Self.headSlackBytes
    connection = try Connection(loop: server.loop, socket: socket, readBound: headReadBound)
    connection.delegate = self
    connection.setDrainMark(server.settings.outputBytes / 2)
    connection.onClose = { [unowned self] in socketClosed() }
  }

  func start() {
    timer = LoopTimer(loop: server.loop) { [unowned self] in timerFired() }
    task = Task(executorPreference: server.loop) { await self.serve() }
  }

  // MARK: Callbacks

  func connectionReceived(_ connection: Connection) {
    guard inputWaiter != nil else {
      // A request is being answered: what comes meanwhile can wait in the kernel.
      return connection.pauseReading()
    }
    if connection.inputLength >= inputWanted { resumeInput() }
  }

  func connectionDrained(_ connection: Connection) {
    countUnsentBytes()
    resumeOutput()
  }

  private func resumeOutput() {
    let waiters = outputWaiters
    outputWaiters = []
    for waiter in waiters { waiter.resume() }
  }

  func connectionEnded(_ connection: Connection, _ end: ConnectionEnd) {
    switch end {
    case .endOfInput:
      inputHasEnded = true
      resumeInput()
    case .failed, .untrusted, .finished:
      abort()
    }
  }

  /// Closes at once. The handler, if one runs, is cancelled and its reply goes nowhere.
  func abort() {
    isBroken = true
    task?.cancel()
    connection.close()
    resumeInput()
    resumeOutput()
  }

  private func socketClosed() {
    isBroken = true
    timer = nil
    server.budget.giveBack(unsentBytesCounted)
    unsentBytesCounted = 0
    server.closed(self)
  }

  /// Only the idle are hurried: who is being served closes with its reply.
  func drainBegan() {
    if deadline.isIdle { setDeadline(.idle, at: server.idleDeadline(server.now())) }
  }

  // MARK: Waiting

  /// Suspends until `wanted` bytes of input are there, no more will come, or `kind`'s deadline has passed. False in
  /// the last case.
  func waitForInput(_ wanted: Int, _ kind: ConnectionDeadline.Kind, until time: Int64) async -> Bool {
    if connection.inputLength >= wanted || inputHasEnded || isBroken { return true }
    connection.resumeReading()
    inputWanted = wanted
    setDeadline(kind, at: time)
    waits += 1
    let wait = waits
    await withUnsafeContinuation { inputWaiter = $0 }
    // A reader that outlived its request wakes up in somebody else's time, which is not its to end.
    guard wait == waits else { return true }
    // What came in the turn in which the time ended has come in time.
    return deadline.endWait() || connection.inputLength >= wanted
  }

  var isAwaitingInput: Bool { inputWaiter != nil }

  /// Wakes whoever still waits for the body of a request that was answered; it finds that out for itself.
  func releaseReader() {
    waits += 1
    deadline.clear()
    resumeInput()
  }

  /// Suspends while the unsent output is above its bound.
  func waitForOutput() async {
    guard connection.outputLength > server.settings.outputBytes, !isBroken else { return }
    await withUnsafeContinuation { outputWaiters.append($0) }
  }

  private func resumeInput() {
    guard let waiter = inputWaiter else { return }
    inputWaiter = nil
    waiter.resume()
  }

  // MARK: Output

  func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
    guard !isBroken else { return }
    connection.write(first, second)
    writtenBytes += first.count + second.count
    if connection.outputLength > 0 || unsentBytesCounted > 0 { countUnsentBytes() }
  }

  /// Keeps the budget and the watch over slow readers in step with what is unsent.
  private func countUnsentBytes() {
    let unsent = connection.outputLength
    let change = unsent - unsentBytesCounted
    unsentBytesCounted = unsent
    if change <= 0 {
      server.budget.giveBack(-change)
    } else if !server.budget.add(change) {
      // The memory for replies is used up, and this is a peer that does not take its own.
      server.loop.execute { self.abort() }
      return
    }
    if unsent == 0 {
      deadline.stopWatchingOutput()
    } else if !deadline.isWatchingOutput {
      watchOutput()
    }
  }

  private func watchOutput() {
    let end = server.now().addingSaturated(server.settings.bodyTimeout.wholeNanoseconds)
    deadline.watchOutput(until: end, sent: writtenBytes - connection.outputLength)
    armTimer()
  }

  /// Sends what is queued and closes in a way that lets the peer read it.
  func finish() {
    deadline.clear()
    guard !isBroken else { return }
    connection.finish(linger: server.settings.lingerTimeout)
    if connection.outputLength > 0 { watchOutput() }
  }

  // MARK: Deadlines

  private func setDeadline(_ kind: ConnectionDeadline.Kind, at time: Int64) {
    deadline.set(kind, at: time)
    armTimer()
  }

  /// The timer is armed anew only for an earlier time: deadlines that move back with every request cost nothing.
  private func armTimer() {
    let next = deadline.next
    guard let timer, next != .max, deadline.needsTimer(at: next) else { return }
    timer.arm(nanoseconds: max(0, next - server.now()))
  }

  private func timerFired() {
    deadline.timerFired()
    let now = server.now()
    if deadline.outputIsDue(now) {
      countUnsentBytes()
      let sent = writtenBytes - connection.outputLength
      if connection.outputLength > 0, sent - deadline.sentBefore < ConnectionDeadline.progressBytes { return abort() }
      deadline.stopWatchingOutput()
      if connection.outputLength > 0 { watchOutput() }
    }
    if deadline.inputIsDue(now), inputWaiter != nil {
      deadline.expire()
      resumeInput()
    }
    armTimer()
  }
}
