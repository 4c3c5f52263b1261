// A counting semaphore with a monotonic deadline: how the log's thread is woken. Of pthread parts, because POSIX's
// own sem_timedwait follows the wall clock, which may step, and sem_clockwait is not imported into Swift.

import Glibc
import Primitives

final class Semaphore: @unchecked Sendable {
  // In memory that never moves.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Posts not yet waited for; guarded by `mutex`.
  private var count = 0

  init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func post() {
    pthread_mutex_lock(mutex)
    count += 1
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func wait() {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while count == 0 { pthread_cond_wait(condition, mutex) }
    count -= 1
  }

  /// False where nobody posted in that time.
  func wait(nanoseconds: Int64) -> Bool {
    let end = SystemClock().monotonicNanoseconds() &+ max(0, nanoseconds)
    var deadline = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while count == 0 {
      if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { return false }
    }
    count -= 1
    return true
  }
}

extension Duration {
  /// Whole nanoseconds; at most 100 years, so that a deadline can be added to any clock.
  var nanoseconds: Int64 {
    let century: Int64 = 100 * 365 * 86_400
    let (seconds, attoseconds) = components
    return min(max(seconds, 0), century) * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
