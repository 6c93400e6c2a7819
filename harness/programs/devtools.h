/* The Chrome DevTools protocol over a pipe, without the pipe: commands become octets to be written, octets that were
 * read become answers and events. One message is one JSON text that ends in NUL.
 *
 * A command has a number, and its answer bears that number; events come unasked. Both may belong to a session (a tab
 * that was attached to), which has a name. */
#ifndef HP_PROGRAMS_DEVTOOLS_H
#define HP_PROGRAMS_DEVTOOLS_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

typedef struct hp_devtools hp_devtools;

/* A message beyond this size is no message: hp_devtools_input() fails. */
enum { HP_DEVTOOLS_MAX_MESSAGE = 64 << 20 };

/* The answer to a command: its result, or error with what the browser says; the other is NULL. */
typedef void (*hp_devtools_answer)(void *user, JsonObject *result, const char *error);

typedef struct hp_devtools_ops {
    /* There is something in hp_devtools_output() that was not there before. May be NULL. */
    void (*wants_to_write)(void *user);
    /* session: of the tab, or NULL. params may be NULL. */
    void (*event)(void *user, const char *session, const char *method, JsonObject *params);
} hp_devtools_ops;

hp_devtools *hp_devtools_new(const hp_devtools_ops *ops, void *user);
/* Commands that have no answer yet are forgotten without one. */
void hp_devtools_free(hp_devtools *devtools);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_devtools, hp_devtools_free)

/* session and answer may be NULL; params is taken, NULL: none. */
void hp_devtools_command(hp_devtools *devtools, const char *session, const char *method, JsonObject *params,
                         hp_devtools_answer answer, void *user);

/* Whatever was read. Calls ops->event and answers. false: that is no DevTools browser, and nothing more is read. The
 * callbacks must not free devtools. */
bool hp_devtools_input(hp_devtools *devtools, const void *data, size_t length, GError **error);

/* What is to be written, and that so much of it was. */
const void *hp_devtools_output(const hp_devtools *devtools, size_t *ret_length);
void hp_devtools_written(hp_devtools *devtools, size_t length);

/* ---- reading JSON that somebody else wrote: absent and of another type are alike ---- */

const char *hp_devtools_text(JsonObject *object, const char *key); /* or NULL */
JsonObject *hp_devtools_object(JsonObject *object, const char *key); /* or NULL; object may be NULL */

#endif
