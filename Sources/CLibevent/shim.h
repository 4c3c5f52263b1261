// The only door to libevent: core, OpenSSL bufferevents and pthread locks. Never event_extra (evhttp, evdns, evrpc).
#pragma once
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <event2/util.h>
