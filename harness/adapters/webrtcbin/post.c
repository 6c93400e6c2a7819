/* webrtcbin and its elements call back in threads of their own. What they have to say is carried over into the main
 * context, where everything of a session is read and written; but for the counters of frames. */
#include "adapters/webrtcbin/session.h"

typedef struct post {
    session *self;
    void (*func)(session *self, const char *text, unsigned number);
    char *text;
    unsigned number;
} post;

static gboolean run(void *user)
{
    post *one = user;
    one->func(one->self, one->text, one->number);
    return G_SOURCE_REMOVE;
}

static void free_post(void *user)
{
    post *one = user;
    g_free(one->text);
    g_free(one);
}

void session_post(session *self, void (*func)(session *self, const char *text, unsigned number), const char *text,
                  unsigned number)
{
    post *one = g_new0(post, 1);
    *one = (post){.self = self, .func = func, .text = g_strdup(text), .number = number};
    /* Not g_main_context_invoke(): that would call at once, and out of order, from the main thread. */
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, run, one, free_post);
    g_source_attach(source, NULL);
}
