/* The seam: unmodified libnice on simulated sockets, a virtual clock and seeded randomness.
 *
 * The executable defines functions that libnice and GLib call through their PLTs (seam/symbols.h lists them all), so
 * that the dynamic linker binds the libraries to ours. Outside a simulation they pass straight on to the next
 * definition.
 *
 * On a host whose sockets are the kernel's (live/kernel_host.h) an environment is *live*: what runs in it has the
 * kernel's sockets, the machine's clock and real randomness, as if there were no seam. Only the log is still taken, and
 * what is sent is still told of. Its context is polled by GLib's default context, which the process must run. */
#ifndef HP_SEAM_SEAM_H
#define HP_SEAM_SEAM_H

#include <glib.h>
#include <stdbool.h>

#include "world/host.h"

/* Whose code is running: sockets opened while an environment is entered belong to its host, times come from its
 * world's clock, random numbers from its stream. */
typedef struct hp_seam_env hp_seam_env;

/* name seeds the stream: "peer:alice/1". */
hp_seam_env *hp_seam_env_new(hp_host *host, const char *name);
bool hp_seam_env_is_live(const hp_seam_env *env);
/* Asserts that no simulated socket of it is left. */
void hp_seam_env_free(hp_seam_env *env);
/* Warnings, criticals and errors that GLib's log takes while the env is entered; pointers in the text are blotted out,
 * so that it is the same on every run. Without a sink they are swallowed. level: "warning", "critical", "error". */
typedef void (*hp_seam_log)(void *user, const char *domain, const char *level, const char *message);
void hp_seam_env_set_log(hp_seam_env *env, hp_seam_log log, void *user);
/* Told of every datagram its sockets send, before it leaves, and of what a TCP socket takes in one call. */
typedef void (*hp_seam_sent)(void *user, const uint8_t *data, size_t length);
void hp_seam_env_set_sent(hp_seam_env *env, hp_seam_sent sent, void *user);
/* A context whose poll never sleeps: it notes the timeout GLib asked for. Owned by the env. */
GMainContext *hp_seam_env_context(hp_seam_env *env);
/* Enter before any call into the software under test, leave after it; calls nest. Thread-local. */
void hp_seam_enter(hp_seam_env *env);
void hp_seam_leave(hp_seam_env *env);
/* Runs the env's context until it has nothing more to do at this instant; returns when it wants to run again (run
 * time, HP_NEVER when never). After HP_SEAM_BUSY_TURNS turns it gives up for now and asks to go on a microsecond later:
 * code that waits for the clock to pass a deadline with timeouts of 0 ms relies on a turn taking some time. At most
 * max_iterations turns without coming to rest (then false and HP_ERROR_LIMIT: an endless loop). Call it after
 * every API call on the software under test, and again at *ret_next. wake is called whenever a simulated socket
 * becomes readable, or a TCP one changes in any way, while the context is not running, so that its owner can run it
 * again at this instant. A live env runs by itself: here it never wants to run again, and wake is called after each of
 * its turns. */
enum { HP_SEAM_BUSY_TURNS = 100 };
bool hp_seam_run(hp_seam_env *env, unsigned max_iterations, hp_time *ret_next, GError **error);
void hp_seam_set_wake(hp_seam_env *env, void (*wake)(void *user), void *user);
/* For callbacks out of the software under test that speak of an arrival: brings the world of a live env to the present
 * once more, as the process may have been interrupted for long since its turn began; timers that are due fire. Nothing
 * with a simulated one. */
void hp_seam_refresh(const hp_seam_env *env);
/* For the end of a run, when the world is stepped no more: runs the context with what its sockets send going nowhere
 * and its clock (the env's alone) running ahead from deadline to deadline, until done(user) holds, nothing is left
 * to wait for or an hour has gone by. done NULL: the present instant only. The env is good for nothing but being
 * freed afterwards. Of a live env's context only what is ready is run: its clock cannot run ahead. */
void hp_seam_drain(hp_seam_env *env, bool (*done)(void *user), void *user);
/* Open simulated sockets of the env. */
unsigned hp_seam_env_n_sockets(const hp_seam_env *env);
/* The capture record of the datagram that was read last on any socket of the env, or of the TCP segment that completed
 * what was read last: what a data callback that runs now speaks of. 0 = none, as always with a live env. */
uint32_t hp_seam_env_last_record(const hp_seam_env *env);

/* Once per process, before any fork: checks with dlsym that every interposed symbol resolves to this executable's
 * own, that libnice is a shared library (path through *ret_libnice, owned, may be NULL), settles what GLib computes
 * once. Starts no thread: forking is safe until the first hp_seam_env_new(), which does. False and
 * HP_ERROR_ENVIRONMENT naming the lost symbol. */
bool hp_seam_start(char **ret_libnice, GError **error);
/* For the test that proves it: how many kernel sockets were opened through the interposed functions while a simulation
 * was running (always 0 unless something leaks through). */
unsigned hp_seam_kernel_sockets(void);

#endif
