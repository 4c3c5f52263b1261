// The only door to libevent: core, OpenSSL bufferevents and pthread locks. Never event_extra (evhttp, evdns, evrpc).
#pragma once

// Before libevent: its configuration header switches GNU extensions on, and a type that both Glibc's Swift module and
// this one describe (fd_set) has to look the same in both.
#include <features.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <event2/util.h>

// GNU functions that Glibc's Swift module, built without _GNU_SOURCE, does not show.
extern int pthread_setname_np(pthread_t thread, const char *name);
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

static inline void callflow_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

static inline int callflow_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
  return accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
