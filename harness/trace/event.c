/* The names of event kinds and drop reasons, and the way back from a name.
 *
 * Both tables are made from the X lists in event.h, so that an entry added there has its name, its fields and its
 * explanation here without another edit. Names are unique: reading a name back gives the kind it came from. */
#include "trace/event.h"

#include <assert.h>
#include <glib.h>

#define NAME_OF(ENUM, name, ...) name,

static const char *const event_names[] = {HP_EVENT_TABLE(NAME_OF) NULL};
static const char *const drop_names[] = {HP_DROP_TABLE(NAME_OF) NULL};

static const char *const event_docs[] = {
#define X(ENUM, name, subject, fields, doc) (doc),
    HP_EVENT_TABLE(X)
#undef X
};

static const char *const event_fields[] = {
#define X(ENUM, name, subject, fields, doc) (fields),
    HP_EVENT_TABLE(X)
#undef X
};

static const char *const event_subjects[] = {
#define X(ENUM, name, subject, fields, doc) subject,
    HP_EVENT_TABLE(X)
#undef X
};

static const char *const drop_docs[] = {
#define X(ENUM, name, doc) doc,
    HP_DROP_TABLE(X)
#undef X
};

static_assert(G_N_ELEMENTS(event_names) == HP_EV_N + 1, "one name a kind, and the end mark");
static_assert(G_N_ELEMENTS(event_docs) == HP_EV_N, "one explanation a kind");
static_assert(G_N_ELEMENTS(event_fields) == HP_EV_N, "one list of fields a kind");
static_assert(G_N_ELEMENTS(event_subjects) == HP_EV_N, "one subject a kind");
static_assert(G_N_ELEMENTS(drop_names) == HP_DROP_N + 1, "one name a reason, and the end mark");
static_assert(G_N_ELEMENTS(drop_docs) == HP_DROP_N, "one explanation a reason");

static bool find_name(const char *const *names, unsigned n, const char *name, unsigned *ret)
{
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *hp_event_name(hp_event_kind kind)
{
    return (unsigned)kind < HP_EV_N ? event_names[kind] : "unknown";
}

const char *hp_event_doc(hp_event_kind kind)
{
    return (unsigned)kind < HP_EV_N ? event_docs[kind] : "";
}

const char *hp_event_fields(hp_event_kind kind)
{
    return (unsigned)kind < HP_EV_N ? event_fields[kind] : "";
}

const char *hp_event_subject(hp_event_kind kind)
{
    return (unsigned)kind < HP_EV_N ? event_subjects[kind] : "";
}

bool hp_event_from_name(const char *name, hp_event_kind *ret)
{
    unsigned index;
    if (!find_name(event_names, HP_EV_N, name, &index)) {
        return false;
    }
    *ret = (hp_event_kind)index;
    return true;
}

const char *const *hp_event_names(void)
{
    return event_names;
}

const char *hp_drop_name(hp_drop_reason reason)
{
    return (unsigned)reason < HP_DROP_N ? drop_names[reason] : "unknown";
}

const char *hp_drop_doc(hp_drop_reason reason)
{
    return (unsigned)reason < HP_DROP_N ? drop_docs[reason] : "";
}

bool hp_drop_from_name(const char *name, hp_drop_reason *ret)
{
    unsigned index;
    if (!find_name(drop_names, HP_DROP_N, name, &index)) {
        return false;
    }
    *ret = (hp_drop_reason)index;
    return true;
}

const char *const *hp_drop_names(void)
{
    return drop_names;
}
