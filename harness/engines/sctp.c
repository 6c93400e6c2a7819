/* An SCTP association: its life, and what is asked of it.
 *
 *     NEW --start--> CONNECTING --COMM_UP--> CONNECTED --shutdown--> CLOSING
 *                        |                       |                      |
 *                        +-----------------------+----------------------+--> CLOSED or FAILED
 *
 * usrsctp does the protocol, on a one-to-one style socket that is bound and connected to one and the same made-up
 * address (sctp_stack.c). Every call into it happens between begin() and end(): the driver's hook around it, usrsctp's
 * clock at the present, its random numbers from the association's stream. What it has to say comes by callbacks, is
 * queued, and goes to the driver when end() has left usrsctp (sctp_events.c): the driver may then call again.
 *
 * Both sides connect; the two INITs cross and the tie is settled as RFC 9260 section 5.2 says. A peer that begins first
 * finds the socket only after start(): what comes before is dropped, and its INIT comes again.
 *
 * Time is in whole milliseconds in here: a deadline is a millisecond's beginning, and a timer of 200 ms that is started
 * within a millisecond ends up to one earlier.
 *
 * Path MTU discovery is off: packets are as large as the configuration says, in the whole. Messages are never handed
 * over in parts; one that does not fit the reassembly buffer as agreed in the session descriptions (RFC 8841 section 6)
 * ends the association. */
#include "engines/sctp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "engines/sctp_private.h"

enum { DEFAULT_MAX_MESSAGE = 256 << 10, DEFAULT_SEND_BUFFER = 1 << 20 };

static const char *const state_names[] = {
    [HP_SCTP_NEW] = "new",         [HP_SCTP_CONNECTING] = "connecting", [HP_SCTP_CONNECTED] = "connected",
    [HP_SCTP_CLOSING] = "closing", [HP_SCTP_CLOSED] = "closed",         [HP_SCTP_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(state_names) == HP_SCTP_FAILED + 1, "a name for every state");

const char *hp_sctp_state_name(hp_sctp_state state)
{
    return state_names[state];
}

static bool is_over(const hp_sctp *sctp)
{
    return sctp->state == HP_SCTP_CLOSED || sctp->state == HP_SCTP_FAILED;
}

/* ---- calls into usrsctp ---- */

static void enter(const hp_sctp *sctp)
{
    if (sctp->ops.enter) {
        sctp->ops.enter(sctp->user);
    }
}

static void leave(const hp_sctp *sctp)
{
    if (sctp->ops.leave) {
        sctp->ops.leave(sctp->user);
    }
}

static hp_sctp *begin(hp_sctp *sctp, hp_time now)
{
    sctp->now = now;
    enter(sctp);
    return hp_sctp_stack_enter(sctp, now);
}

/* With SO_LINGER of no time a socket that is closed forgets its association at once; if there still is one, an ABORT
 * says so. */
static void close_socket(hp_sctp *sctp)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    usrsctp_close(sctp->socket);
    sctp->socket = NULL;
}

static void end(hp_sctp *sctp, hp_sctp *outer)
{
    if (sctp->socket && is_over(sctp)) {
        close_socket(sctp);
    }
    hp_sctp_stack_exit(outer);
    leave(sctp);
    hp_sctp_flush(sctp);
}

void hp_sctp_queue_packet(hp_sctp *sctp, const void *data, size_t len)
{
    if (!sctp->muted) {
        g_queue_push_tail(&sctp->packets, g_bytes_new(data, len));
    }
}

/* ---- the socket ---- */

static bool set_option(struct socket *socket, int option, const void *value, socklen_t len)
{
    return usrsctp_setsockopt(socket, IPPROTO_SCTP, option, value, len) == 0;
}

static bool set_buffers(const hp_sctp *sctp)
{
    /* usrsctp hands over a part of a message once it fills half of the buffer. */
    const int receive = (int)(4 * sctp->config.max_message), send = (int)sctp->config.send_buffer;
    const uint32_t whole = sctp->config.max_message + 1;
    return usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive) == 0 &&
           usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_SNDBUF, &send, sizeof send) == 0 &&
           set_option(sctp->socket, SCTP_PARTIAL_DELIVERY_POINT, &whole, sizeof whole);
}

static bool set_timers(const hp_sctp *sctp)
{
    const hp_sctp_config *config = &sctp->config;
    bool beats = config->heartbeat != HP_NEVER;
    const struct sctp_rtoinfo rto = {.srto_initial = (uint32_t)(config->rto_initial / HP_MS),
                                     .srto_max = (uint32_t)(config->rto_max / HP_MS),
                                     .srto_min = (uint32_t)(config->rto_min / HP_MS)};
    const struct sctp_initmsg init = {.sinit_num_ostreams = config->streams,
                                      .sinit_max_instreams = config->streams,
                                      .sinit_max_attempts = (uint16_t)config->init_retransmits};
    const struct sctp_assocparams association = {.sasoc_asocmaxrxt = (uint16_t)config->retransmits};
    const struct sctp_paddrparams path = {.spp_hbinterval = beats ? (uint32_t)(config->heartbeat / HP_MS) : 0,
                                          .spp_pathmtu = (config->mtu - (uint32_t)sizeof(struct sctp_common_header)) &
                                                         ~UINT32_C(3),
                                          .spp_pathmaxrxt = (uint16_t)config->retransmits,
                                          .spp_flags = (beats ? SPP_HB_ENABLE : SPP_HB_DISABLE) | SPP_PMTUD_DISABLE};
    return set_option(sctp->socket, SCTP_RTOINFO, &rto, sizeof rto) &&
           set_option(sctp->socket, SCTP_INITMSG, &init, sizeof init) &&
           set_option(sctp->socket, SCTP_ASSOCINFO, &association, sizeof association) &&
           set_option(sctp->socket, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

static bool set_behaviour(const hp_sctp *sctp)
{
    static const uint16_t told[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
    const uint32_t no_delay = 1;
    const struct sctp_assoc_value resets = {.assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    bool set = set_option(sctp->socket, SCTP_NODELAY, &no_delay, sizeof no_delay) &&
               set_option(sctp->socket, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) &&
               usrsctp_set_non_blocking(sctp->socket, 1) == 0;
    for (unsigned i = 0; set && i < G_N_ELEMENTS(told); i++) {
        const struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = told[i], .se_on = 1};
        set = set_option(sctp->socket, SCTP_EVENT, &event, sizeof event);
    }
    return set;
}

static bool connect_socket(const hp_sctp *sctp)
{
    struct sockaddr_conn address = {
        .sconn_family = AF_CONN, .sconn_port = g_htons(sctp->config.local_port), .sconn_addr = sctp->address};
    if (usrsctp_bind(sctp->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        return false;
    }
    address.sconn_port = g_htons(sctp->config.remote_port);
    return usrsctp_connect(sctp->socket, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS;
}

static bool open_socket(hp_sctp *sctp)
{
    sctp->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, hp_sctp_on_receive, hp_sctp_on_room,
                                  sctp->config.send_buffer / 2, sctp);
    return sctp->socket && set_buffers(sctp) && set_timers(sctp) && set_behaviour(sctp) && connect_socket(sctp);
}

/* ---- what is asked of it ---- */

void hp_sctp_start(hp_sctp *sctp, hp_time now)
{
    if (sctp->state != HP_SCTP_NEW) {
        return;
    }
    hp_sctp *outer = begin(sctp, now);
    sctp->state = HP_SCTP_CONNECTING;
    if (!open_socket(sctp)) {
        sctp->state = HP_SCTP_FAILED;
        hp_sctp_tell(sctp, &(hp_sctp_event){.kind = HP_SCTP_EV_FAILED, .detail = "library"});
    }
    end(sctp, outer);
}

void hp_sctp_input(hp_sctp *sctp, hp_time now, const uint8_t *data, size_t len)
{
    /* A packet is a header and at least the head of a chunk (RFC 9260 section 3). */
    if (!sctp->socket || len < 16 || len > HP_SCTP_MAX_MTU) {
        return;
    }
    hp_sctp *outer = begin(sctp, now);
    sctp->reading = true;
    usrsctp_conninput(sctp->address, data, len, 0);
    sctp->reading = false;
    end(sctp, outer);
}

hp_time hp_sctp_deadline(const hp_sctp *sctp)
{
    if (!g_queue_is_empty((GQueue *)&sctp->events) || !g_queue_is_empty((GQueue *)&sctp->packets)) {
        return 0; /* another association's call moved usrsctp's clock */
    }
    uint64_t next_ms = hp_sctp_timers_next(sctp->timers);
    return next_ms == UINT64_MAX ? HP_NEVER : next_ms * HP_MS;
}

void hp_sctp_run(hp_sctp *sctp, hp_time now)
{
    if (now >= hp_sctp_deadline(sctp)) {
        end(sctp, begin(sctp, now));
    }
}

static struct sctp_sendv_spa describe(const hp_sctp_message *message)
{
    struct sctp_sendv_spa how = {.sendv_flags = SCTP_SEND_SNDINFO_VALID,
                                 .sendv_sndinfo = {.snd_sid = message->stream,
                                                   .snd_ppid = g_htonl(message->ppid),
                                                   .snd_flags = message->unordered ? SCTP_UNORDERED : 0}};
    switch (message->reliability) {
    case HP_SCTP_RELIABLE:
        return how;
    case HP_SCTP_RETRANSMITS:
        how.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        break;
    case HP_SCTP_LIFETIME:
        how.sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
        break;
    }
    how.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    how.sendv_prinfo.pr_value = message->limit;
    return how;
}

hp_sctp_result hp_sctp_send(hp_sctp *sctp, hp_time now, const hp_sctp_message *message)
{
    if (sctp->state != HP_SCTP_CONNECTED || message->length == 0 || message->length > sctp->config.send_buffer ||
        g_hash_table_contains(sctp->resetting, GUINT_TO_POINTER(message->stream))) {
        return HP_SCTP_REFUSED;
    }
    struct sctp_sendv_spa how = describe(message);
    hp_sctp *outer = begin(sctp, now);
    ssize_t taken =
        usrsctp_sendv(sctp->socket, message->data, message->length, NULL, 0, &how, sizeof how, SCTP_SENDV_SPA, 0);
    int why = errno;
    sctp->blocked |= taken < 0 && why == EWOULDBLOCK;
    end(sctp, outer);
    if (taken >= 0) {
        return HP_SCTP_OK;
    }
    return why == EWOULDBLOCK ? HP_SCTP_WOULD_BLOCK : HP_SCTP_REFUSED;
}

bool hp_sctp_reset_stream(hp_sctp *sctp, hp_time now, uint16_t stream)
{
    if (sctp->state != HP_SCTP_CONNECTED) {
        return false;
    }
    /* a structure with the list behind it */
    const struct sctp_reset_streams head = {.srs_flags = SCTP_STREAM_RESET_OUTGOING, .srs_number_streams = 1};
    _Alignas(struct sctp_reset_streams) uint8_t request[sizeof head + sizeof stream];
    memcpy(request, &head, sizeof head);
    memcpy(request + sizeof head, &stream, sizeof stream);
    hp_sctp *outer = begin(sctp, now);
    bool taken = set_option(sctp->socket, SCTP_RESET_STREAMS, request, sizeof request);
    if (taken) {
        g_hash_table_add(sctp->resetting, GUINT_TO_POINTER(stream));
    }
    end(sctp, outer);
    return taken;
}

void hp_sctp_shutdown(hp_sctp *sctp, hp_time now)
{
    if (sctp->state != HP_SCTP_CONNECTED) {
        return;
    }
    hp_sctp *outer = begin(sctp, now);
    sctp->state = HP_SCTP_CLOSING;
    usrsctp_shutdown(sctp->socket, SHUT_WR);
    end(sctp, outer);
}

void hp_sctp_abort(hp_sctp *sctp, hp_time now)
{
    if (is_over(sctp)) {
        return;
    }
    hp_sctp *outer = begin(sctp, now);
    sctp->state = HP_SCTP_CLOSED;
    hp_sctp_tell(sctp, &(hp_sctp_event){.kind = HP_SCTP_EV_CLOSED, .detail = "aborted"});
    end(sctp, outer);
}

hp_sctp_state hp_sctp_get_state(const hp_sctp *sctp)
{
    return sctp->state;
}

/* ---- construction ---- */

static void fill(hp_sctp_config *config)
{
    config->local_port = config->local_port > 0 ? config->local_port : HP_SCTP_DEFAULT_PORT;
    config->remote_port = config->remote_port > 0 ? config->remote_port : HP_SCTP_DEFAULT_PORT;
    config->max_message = config->max_message > 0 ? config->max_message : DEFAULT_MAX_MESSAGE;
    config->send_buffer = config->send_buffer > 0 ? config->send_buffer : DEFAULT_SEND_BUFFER;
    config->streams = config->streams > 0 ? config->streams : HP_SCTP_DEFAULT_STREAMS;
    config->rto_initial = config->rto_initial > 0 ? config->rto_initial : HP_S;
    config->rto_min = config->rto_min > 0 ? config->rto_min : HP_S;
    config->rto_max = config->rto_max > 0 ? config->rto_max : 60 * HP_S;
    config->heartbeat = config->heartbeat > 0 ? config->heartbeat : 30 * HP_S;
    config->init_retransmits = config->init_retransmits > 0 ? config->init_retransmits : 8;
    config->retransmits = config->retransmits > 0 ? config->retransmits : 10;
}

static const char *fault_of(const hp_sctp_config *config)
{
    if (config->mtu < HP_SCTP_MIN_MTU || config->mtu > HP_SCTP_MAX_MTU) {
        return "mtu out of bounds";
    }
    if (config->max_message > HP_SCTP_MAX_MESSAGE || config->send_buffer > 16 * HP_SCTP_MAX_MESSAGE) {
        return "a buffer too large";
    }
    if (config->rto_min < HP_MS || config->rto_min > config->rto_initial || config->rto_initial > config->rto_max ||
        config->rto_max > 3600 * HP_S) {
        return "retransmission times out of bounds";
    }
    if (config->heartbeat != HP_NEVER && (config->heartbeat < HP_MS || config->heartbeat > 3600 * HP_S)) {
        return "heartbeat out of bounds";
    }
    if (config->init_retransmits > UINT8_MAX || config->retransmits > UINT8_MAX) {
        return "too many retransmissions";
    }
    return NULL;
}

hp_sctp *hp_sctp_new(const hp_sctp_config *config, const hp_rng *rng, const hp_sctp_ops *ops, void *user,
                     GError **error)
{
    hp_sctp_config filled = *config;
    fill(&filled);
    const char *fault = fault_of(&filled);
    if (fault) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "sctp: %s", fault);
        return NULL;
    }
    g_autoptr(hp_sctp) sctp = g_new0(hp_sctp, 1);
    sctp->config = filled;
    sctp->ops = *ops;
    sctp->user = user;
    sctp->rng = *rng;
    sctp->resetting = g_hash_table_new(NULL, NULL);
    sctp->timers = g_ptr_array_new();
    g_queue_init(&sctp->events);
    g_queue_init(&sctp->packets);
    enter(sctp);
    bool joined = hp_sctp_stack_join(sctp, error);
    leave(sctp);
    return joined ? g_steal_pointer(&sctp) : NULL;
}

void hp_sctp_free(hp_sctp *sctp)
{
    if (!sctp) {
        return;
    }
    sctp->muted = true;
    enter(sctp);
    if (sctp->socket) {
        hp_sctp *outer = hp_sctp_stack_enter(sctp, sctp->now);
        close_socket(sctp);
        hp_sctp_stack_exit(outer);
    }
    hp_sctp_stack_leave(sctp);
    leave(sctp);
    hp_sctp_clear_queues(sctp);
    g_hash_table_unref(sctp->resetting);
    g_ptr_array_unref(sctp->timers);
    g_free(sctp);
}
