/* The ceiling: what a server on libevent's bufferevents can do at most. It reads a request with its Content-Length,
   stores nothing, and answers the bytes of a file, which are an answer of Callflow's own. One thread, one base, no TLS,
   as Callflow with `http.threads: 1`.

   reference PORT ANSWER-FILE */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_LIMIT = 16 * 1024, ANSWER_LIMIT = 64 * 1024 };

static char answer[ANSWER_LIMIT];
static size_t answer_bytes;

/* Bytes of the body that `head` announces; -1 where there is no such field. */
static long content_length(const char *head, size_t bytes) {
  const char *line = head;
  const char *end = head + bytes;
  static const char name[] = "content-length:";
  while (line < end) {
    const char *next = memchr(line, '\n', (size_t)(end - line));
    if (next == NULL) break;
    if ((size_t)(next - line) > sizeof name - 1 && strncasecmp(line, name, sizeof name - 1) == 0) {
      return strtol(line + sizeof name - 1, NULL, 10);
    }
    line = next + 1;
  }
  return -1;
}

static void read_requests(struct bufferevent *connection, void *context) {
  struct evbuffer *input = bufferevent_get_input(connection);
  (void)context;
  for (;;) {
    struct evbuffer_ptr found = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (found.pos < 0) {
      if (evbuffer_get_length(input) > HEAD_LIMIT) bufferevent_free(connection);
      return;
    }
    size_t head_bytes = (size_t)found.pos + 4;
    const char *head = (const char *)evbuffer_pullup(input, (ev_ssize_t)head_bytes);
    long body_bytes = content_length(head, head_bytes);
    if (body_bytes < 0) body_bytes = 0;
    if (evbuffer_get_length(input) < head_bytes + (size_t)body_bytes) return;
    evbuffer_drain(input, head_bytes + (size_t)body_bytes);
    bufferevent_write(connection, answer, answer_bytes);
  }
}

static void end_connection(struct bufferevent *connection, short events, void *context) {
  (void)context;
  if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) bufferevent_free(connection);
}

static void accept_connection(
    struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *address, int length, void *context) {
  int one = 1;
  (void)address;
  (void)length;
  (void)context;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct bufferevent *connection =
      bufferevent_socket_new(evconnlistener_get_base(listener), socket, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, read_requests, NULL, end_connection, NULL);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: reference PORT ANSWER-FILE\n");
    return 2;
  }
  FILE *file = fopen(arguments[2], "rb");
  if (file == NULL) {
    perror(arguments[2]);
    return 1;
  }
  answer_bytes = fread(answer, 1, sizeof answer, file);
  fclose(file);
  signal(SIGPIPE, SIG_IGN);

  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((unsigned short)atoi(arguments[1]));
  struct event_base *base = event_base_new();
  struct evconnlistener *listener = evconnlistener_new_bind(
      base, accept_connection, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1, (struct sockaddr *)&address,
      sizeof address);
  if (listener == NULL) {
    perror("listen");
    return 1;
  }
  event_base_dispatch(base);
  return 0;
}
