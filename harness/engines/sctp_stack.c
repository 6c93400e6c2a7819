/* The one usrsctp of a process, under all its associations.
 *
 * usrsctp's state is global: its settings, its clock, its timers. It is started without threads for the first
 * association and stopped after the last, so that what comes next in the process finds it as new. Its clock is moved to
 * the present whenever an association enters it; that may expire timers of others, whose packets and events wait in
 * their own queues until their own drivers run them (at the same instant: their deadline has come).
 *
 * Addresses. usrsctp knows its peers by a pointer that it never follows (AF_CONN) but that it does put into cookies and
 * heartbeats. An association's is a number out of its own random stream: no address of this process ever reaches a
 * packet, and its bytes do not depend on how many others there are.
 *
 * Settings are those of WebRTC's: no ECN (there is no IP header), no dynamic addresses (RFC 5061), no authentication
 * (RFC 4895; DTLS has done that), stream resets and partial reliability on. Out of the blue packets are answered as
 * RFC 9260 section 8.4 wants. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "engines/sctp_private.h"

typedef struct sctp_stack {
    GHashTable *associations; /* hp_sctp* by id; NULL: usrsctp does not run. Never iterated over */
} sctp_stack;

static sctp_stack stack;

/* More than the timers that one closed socket leaves behind start anew. */
enum { MAX_LEFTOVERS = 1000 };

static int on_output(void *address, void *data, size_t len, uint8_t tos, uint8_t set_df)
{
    uint64_t id = (uint64_t)(uintptr_t)address;
    hp_sctp *sctp = g_hash_table_lookup(stack.associations, &id);
    if (sctp) {
        hp_sctp_queue_packet(sctp, data, len);
    }
    return 0;
}

static void start(void)
{
    stack.associations = g_hash_table_new(g_int64_hash, g_int64_equal);
    hp_sctp_timers_begin();
    usrsctp_init_nothreads(0, on_output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(1);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
}

/* Sockets that were closed may leave something for a timer to tidy up; usrsctp does not stop before. */
static void stop(void)
{
    hp_sctp_timers *timers = hp_sctp_timers_get();
    for (unsigned turns = 0; timers->orphans->len > 0 && turns < MAX_LEFTOVERS; turns++) {
        uint64_t next = hp_sctp_timers_next(timers->orphans);
        uint64_t ahead = next > timers->now_ms ? next - timers->now_ms : 0;
        timers->now_ms += ahead;
        usrsctp_handle_timers((uint32_t)ahead);
    }
    if (usrsctp_finish() != 0) {
        g_error("usrsctp does not stop");
    }
    hp_sctp_timers_end();
    g_hash_table_unref(stack.associations);
    stack = (sctp_stack){0};
}

bool hp_sctp_stack_join(hp_sctp *sctp, GError **error)
{
    if (!hp_sctp_timers_check(error)) {
        return false;
    }
    if (!stack.associations) {
        start();
    }
    do {
        sctp->id = hp_rng_u64(&sctp->rng);
    } while (sctp->id == 0 || g_hash_table_contains(stack.associations, &sctp->id));
    g_hash_table_insert(stack.associations, &sctp->id, sctp);
    static_assert(sizeof sctp->address == sizeof sctp->id, "a number for an address");
    memcpy(&sctp->address, &sctp->id, sizeof sctp->id);
    usrsctp_register_address(sctp->address);
    return true;
}

void hp_sctp_stack_leave(hp_sctp *sctp)
{
    if (sctp->id == 0) {
        return;
    }
    usrsctp_deregister_address(sctp->address);
    hp_sctp_timers_orphan(sctp);
    g_hash_table_remove(stack.associations, &sctp->id);
    sctp->id = 0;
    if (g_hash_table_size(stack.associations) == 0) {
        stop();
    }
}

hp_sctp *hp_sctp_stack_enter(hp_sctp *sctp, hp_time now)
{
    hp_sctp_timers *timers = hp_sctp_timers_get();
    hp_sctp *outer = timers->current;
    timers->current = NULL;
    uint64_t now_ms = now / HP_MS;
    /* Ahead by more than usrsctp's clock can be told at once only where nothing has run for weeks. */
    while (now_ms > timers->now_ms) {
        uint32_t ahead = (uint32_t)MIN(now_ms - timers->now_ms, (uint64_t)G_MAXINT32 / 2);
        timers->now_ms += ahead;
        usrsctp_handle_timers(ahead);
    }
    timers->current = sctp;
    return outer;
}

void hp_sctp_stack_exit(hp_sctp *outer)
{
    hp_sctp_timers_get()->current = outer;
}
