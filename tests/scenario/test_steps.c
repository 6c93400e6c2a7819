/* `steps`: every action as an exact struct, and settings that carry over from step to step. */
#include "fixture.h"

#define NETWORK                                                                                                        \
    "network: {internet: {delay: 20ms}, lans: {lan: }, nats: {home: {udp-timeout: 60s, link: {delay: 4ms}}}}\n"        \
    "servers: {turn: turn}\n"                                                                                          \
    "peers: {alice: {interfaces: {wifi: home, lte: {link: {delay: 9ms}}}}, bob: {link: {delay: 3ms}}, carol: }\n"

static hp_scenario *with_steps(const char *steps)
{
    g_autofree char *text = g_strconcat(NETWORK "steps:\n", steps, NULL);
    return load_one(text);
}

static void call(void **state)
{
    hp_scenario *s = with_steps("- call: {from: alice, to: bob}\n"
                                "- at: 3s\n  label: two\n"
                                "  call: {from: bob, to: [alice, carol], streams: 2, components: 3}\n"
                                "- call: {from: carol, broadcast: true}\n");
    assert_int_equal(s->n_steps, 3);
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];
    assert_int_equal(a->kind, HP_STEP_CALL);
    assert_int_equal(a->mark.line, 5);
    assert_int_equal(a->mark.column, 3);
    assert_null(a->label);
    assert_false(a->has_at);
    assert_string_equal(a->call.from, "alice");
    assert_string_equal(a->call.to[0], "bob");
    assert_null(a->call.to[1]);
    assert_int_equal(a->call.config.streams, 1);
    assert_int_equal(a->call.config.components, 1);
    assert_false(a->call.broadcast);
    assert_string_equal(b->label, "two");
    assert_true(b->has_at && b->at == 3 * HP_S);
    assert_string_equal(b->call.to[1], "carol");
    assert_int_equal(b->call.config.streams, 2);
    assert_int_equal(b->call.config.components, 3);
    assert_true(c->call.broadcast);
    assert_non_null(c->call.to);
    assert_null(c->call.to[0]);
    hp_scenario_free(s);
}

static void send_datagrams(void **state)
{
    hp_scenario *s = with_steps("- send: {from: alice, to: bob}\n"
                                "- send: {from: bob, to: alice, size: 1200, interval: 5ms, count: 100, both: false,\n"
                                "         wait: true, stream: 2, component: 2}\n"
                                "- send: {from: alice, to: bob, for: 1m}\n");
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];
    assert_int_equal(a->kind, HP_STEP_SEND);
    assert_int_equal(a->send.size, 200);
    assert_true(a->send.interval == 20 * HP_MS && a->send.count == 0 && a->send.for_ns == 5 * HP_S);
    assert_true(a->send.both);
    assert_false(a->send.wait);
    assert_int_equal(a->send.stream, 1);
    assert_int_equal(a->send.component, 1);
    assert_int_equal(b->send.size, 1200);
    assert_true(b->send.interval == 5 * HP_MS && b->send.count == 100 && b->send.for_ns == 0);
    assert_false(b->send.both);
    assert_true(b->send.wait);
    assert_int_equal(b->send.stream, 2);
    assert_int_equal(b->send.component, 2);
    assert_true(c->send.for_ns == 60 * HP_S);
    hp_scenario_free(s);
}

static void calls_with_media(void **state)
{
    hp_scenario *s = with_steps("- call: {from: alice, to: bob}\n"
                                "- call: {from: alice, to: bob, media: [audio, video], data: true}\n"
                                "- call: {from: alice, to: bob, media: video, bundle: false, rtcp-mux: false}\n"
                                "- call: {from: alice, broadcast: true, data: true}\n");
    const hp_call_config *a = &s->steps[0].call.config, *b = &s->steps[1].call.config, *c = &s->steps[2].call.config,
                         *d = &s->steps[3].call.config;

    assert_false(hp_call_has_media(a) || a->data);
    assert_true(a->bundle && a->rtcp_mux);
    assert_true(b->media[HP_MEDIA_AUDIO] && b->media[HP_MEDIA_VIDEO] && b->data && b->bundle && b->rtcp_mux);
    assert_true(b->streams == 1 && b->components == 1);
    assert_true(!c->media[HP_MEDIA_AUDIO] && c->media[HP_MEDIA_VIDEO] && !c->data && !c->bundle && !c->rtcp_mux);
    assert_true(!d->media[HP_MEDIA_AUDIO] && !d->media[HP_MEDIA_VIDEO] && d->data);
    hp_scenario_free(s);
}

static void send_messages(void **state)
{
    hp_scenario *s = with_steps("- send: {from: alice, to: bob, channel: chat}\n"
                                "- send: {from: alice, to: bob, size: 65000, channel: {label: game, ordered: false,\n"
                                "         max-retransmits: 0, protocol: p}}\n"
                                "- send: {from: alice, to: bob, channel: {label: l, max-lifetime: 150ms}}\n");
    const hp_channel_config *a = &s->steps[0].send.channel, *b = &s->steps[1].send.channel,
                            *c = &s->steps[2].send.channel;

    assert_string_equal(a->label, "chat");
    assert_null(a->protocol);
    assert_false(a->unordered || a->limit_retransmits || a->limit_lifetime);
    assert_string_equal(b->label, "game");
    assert_string_equal(b->protocol, "p");
    assert_true(b->unordered && b->limit_retransmits && !b->limit_lifetime && b->max_retransmits == 0);
    assert_int_equal(s->steps[1].send.size, 65000);
    assert_true(!c->unordered && !c->limit_retransmits && c->limit_lifetime && c->max_lifetime == 150 * HP_MS);
    hp_scenario_free(s);
}

static void media_at_run_time(void **state)
{
    hp_scenario *s = with_steps("- call: {from: alice, to: bob, media: [audio, video]}\n"
                                "- hold: alice\n- hold: {peer: bob, with: alice, media: [audio]}\n- resume: alice\n"
                                "- set-media: {peer: alice, with: bob, bitrate: 300kbit/s}\n"
                                "- inject: {to: bob, what: replay}\n"
                                "- label: flood\n"
                                "  inject: {to: alice, what: junk, kind: dtls, count: 500, interval: 1ms}\n"
                                "- inject: {to: bob, what: forge, kind: rtcp}\n"
                                "- inject: {to: bob, what: truncate, kind: stun}\n");
    const hp_step *hold = &s->steps[1], *audio = &s->steps[2], *resume = &s->steps[3], *set = &s->steps[4];

    assert_int_equal(hold->kind, HP_STEP_HOLD);
    assert_string_equal(hold->hold.peer, "alice");
    assert_null(hold->hold.with);
    assert_true(hold->hold.kinds[HP_MEDIA_AUDIO] && hold->hold.kinds[HP_MEDIA_VIDEO] && !hold->hold.resume);
    assert_string_equal(hp_step_name(hold), "hold");
    assert_string_equal(audio->hold.with, "alice");
    assert_true(audio->hold.kinds[HP_MEDIA_AUDIO] && !audio->hold.kinds[HP_MEDIA_VIDEO]);
    assert_int_equal(resume->kind, HP_STEP_HOLD);
    assert_true(resume->hold.resume && resume->hold.kinds[HP_MEDIA_VIDEO]);
    assert_string_equal(hp_step_label(resume), "resume");
    assert_int_equal(set->kind, HP_STEP_SET_MEDIA);
    assert_string_equal(set->set_media.peer, "alice");
    assert_string_equal(set->set_media.with, "bob");
    assert_true(set->set_media.video_bitrate == 300000);
    const hp_sc_inject *replay = &s->steps[5].inject, *junk = &s->steps[6].inject;
    assert_int_equal(s->steps[5].kind, HP_STEP_INJECT);
    assert_string_equal(replay->to, "bob");
    assert_int_equal(replay->config.what, HP_INJECT_REPLAY);
    assert_int_equal(replay->config.kind, HP_INJECT_RTP);
    assert_true(replay->config.count == 10 && replay->config.interval == 10 * HP_MS);
    assert_string_equal(junk->to, "alice");
    assert_int_equal(junk->config.what, HP_INJECT_JUNK);
    assert_int_equal(junk->config.kind, HP_INJECT_DTLS);
    assert_true(junk->config.count == 500 && junk->config.interval == HP_MS);
    assert_int_equal(s->steps[7].inject.config.what, HP_INJECT_FORGE);
    assert_int_equal(s->steps[7].inject.config.kind, HP_INJECT_RTCP);
    assert_int_equal(s->steps[8].inject.config.what, HP_INJECT_TRUNCATE);
    assert_int_equal(s->steps[8].inject.config.kind, HP_INJECT_STUN);
    hp_scenario_free(s);
}

static void waiting(void **state)
{
    hp_scenario *s = with_steps("- wait-for: ready\n"
                                "- wait-for: {state: failed, peers: alice, timeout: 5s}\n"
                                "- wait-for: {event: nat-mapping, of: home, where: {proto: udp, internal: 10.0.0.1}}\n"
                                "- wait: 2.5s\n");
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2], *d = &s->steps[3];
    assert_int_equal(a->kind, HP_STEP_WAIT_FOR);
    assert_string_equal(a->wait_for.state, "ready");
    assert_null(a->wait_for.peers);
    assert_true(a->wait_for.timeout == 30 * HP_S);
    assert_string_equal(b->wait_for.peers[0], "alice");
    assert_true(b->wait_for.timeout == 5 * HP_S);
    assert_null(c->wait_for.state);
    assert_int_equal(c->wait_for.event.kind, HP_EV_NAT_MAPPING);
    assert_string_equal(c->wait_for.event.subject, "home");
    assert_int_equal(c->wait_for.event.n_where, 2);
    assert_string_equal(c->wait_for.event.keys[0], "proto");
    assert_string_equal(c->wait_for.event.values[0], "udp");
    assert_string_equal(c->wait_for.event.keys[1], "internal");
    assert_string_equal(c->wait_for.event.values[1], "10.0.0.1");
    assert_int_equal(c->wait_for.event.mark.line, 7);
    assert_int_equal(d->kind, HP_STEP_WAIT);
    assert_true(d->wait == 2500 * HP_MS);
    hp_scenario_free(s);
}

static void spans_of_events(void **state)
{
    hp_time min = 1, max = 2;
    assert_true(hp_event_span_parse("40ms", &min, &max));
    assert_true(min == 40 * HP_MS && max == 40 * HP_MS);
    assert_true(hp_event_span_parse("0..1.5s", &min, &max));
    assert_true(min == 0 && max == 1500 * HP_MS);
    static const char *const bad[] = {"", "40", "..5ms", "5ms..", "5ms..4ms", "1ms..2ms..3ms", "1ms-2ms"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(hp_event_span_parse(bad[i], &min, &max));
        assert_true(min == 0 && max == 1500 * HP_MS);
    }
}

static void nats_at_run_time(void **state)
{
    hp_scenario *s = with_steps("- reboot: home\n- renumber: home\n- renumber: {nat: home, to: [192.0.2.99]}\n"
                                "- rebind: home\n- rebind: {nat: home, host: alice}\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_REBOOT);
    assert_string_equal(s->steps[0].nat.nat, "home");
    assert_int_equal(s->steps[1].kind, HP_STEP_RENUMBER);
    assert_int_equal(s->steps[1].nat.n_addresses, 0);
    assert_int_equal(s->steps[2].nat.n_addresses, 1);
    hp_addr address = hp_addr_v4(0xc0000263, 0);
    assert_true(hp_addr_equal(&s->steps[2].nat.addresses[0], &address));
    assert_int_equal(s->steps[3].kind, HP_STEP_REBIND);
    assert_null(s->steps[3].nat.host);
    assert_string_equal(s->steps[4].nat.host, "alice");
    hp_scenario_free(s);
}

static void set_nat_adds_up(void **state)
{
    hp_scenario *s = with_steps("- set-nat: {nat: home, hairpin: external-source}\n"
                                "- set-nat: {nat: home, udp-timeout: 10s}\n"
                                "- set-nat: {mapping: endpoint-independent, nat: home, preset: symmetric}\n");
    const hp_nat_config symmetric = hp_nat_preset_find("symmetric")->config;
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];

    assert_int_equal(a->kind, HP_STEP_SET_NAT);
    assert_string_equal(a->nat.text, "hairpin: external-source");
    assert_int_equal(a->nat.config.hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE);
    assert_true(a->nat.config.udp_timeout == 60 * HP_S); /* the NAT's own */
    assert_int_equal(b->nat.config.hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE); /* of the step before */
    assert_true(b->nat.config.udp_timeout == 10 * HP_S);
    assert_string_equal(c->nat.text, "mapping: endpoint-independent, preset: symmetric");
    assert_int_equal(c->nat.config.mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(c->nat.config.filtering, symmetric.filtering);
    assert_true(c->nat.config.udp_timeout == symmetric.udp_timeout); /* a preset forgets what was before */
    assert_true(s->nats[0].config.udp_timeout == 60 * HP_S); /* the network stays as it was */
    hp_scenario_free(s);
}

static void set_link_adds_up(void **state)
{
    hp_scenario *s = with_steps("- set-link: {of: bob, direction: up, loss: 10%}\n"
                                "- set-link: {of: bob, direction: down, cut: true}\n"
                                "- set-link: {of: bob, rate: 1Mbit/s}\n"
                                "- set-link: {of: alice, interface: lte, jitter: 1ms}\n"
                                "- set-link: {of: alice, jitter: 1ms}\n"
                                "- set-link: {of: home, loss: 1%}\n"
                                "- set-link: {of: internet, delay: 80ms}\n"
                                "- set-link: {of: lan, loss: 2%}\n"
                                "- set-link: {of: turn, loss: 3%}\n");
    const hp_step *up = &s->steps[0], *down = &s->steps[1], *both = &s->steps[2];

    assert_int_equal(up->kind, HP_STEP_SET_LINK);
    assert_int_equal(up->link.direction, HP_SC_UP);
    assert_string_equal(up->link.text, "loss: 10%");
    assert_true(up->link.config.loss_ppb == 100000000 && up->link.config.delay_ns == 3 * HP_MS);
    assert_int_equal(down->link.direction, HP_SC_DOWN);
    assert_true(down->link.down_config.down && down->link.down_config.loss_ppb == 0);
    assert_memory_equal(&down->link.config, &down->link.down_config, sizeof down->link.config);
    assert_int_equal(both->link.direction, HP_SC_BOTH);
    assert_true(both->link.config.rate_bps == 1000000 && both->link.down_config.rate_bps == 1000000);
    assert_true(both->link.config.loss_ppb == 100000000 && !both->link.config.down);
    assert_true(both->link.down_config.loss_ppb == 0 && both->link.down_config.down);
    assert_string_equal(s->steps[3].link.interface, "lte");
    assert_true(s->steps[3].link.config.delay_ns == 9 * HP_MS);
    assert_null(s->steps[4].link.interface);
    assert_true(s->steps[4].link.config.delay_ns == 0);
    assert_true(s->steps[5].link.config.delay_ns == 4 * HP_MS);
    assert_true(s->steps[6].link.config.delay_ns == 80 * HP_MS);
    assert_true(s->steps[7].link.config.delay_ns == 500 * HP_US);
    assert_int_equal(s->steps[8].link.config.loss_ppb, 30000000);
    hp_scenario_free(s);
}

/* A match is one thing: giving it anew forgets the former. */
static void drop_lists_add_up(void **state)
{
    hp_scenario *s = with_steps("- set-link: {of: bob, drop: [2, 5..], drop-match: {dtls: true, inside: true}}\n"
                                "- set-link: {of: bob, loss: 1%}\n"
                                "- set-link: {of: bob, direction: up, drop-match: {rtp: true}}\n"
                                "- set-link: {of: turn, direction: down, drop: 1}\n"
                                "- set-link: {of: turn, direction: down, drop-match: {stun: {method: Allocate}}}\n");
    const hp_link_config *first = &s->steps[0].link.config, *second = &s->steps[1].link.down_config,
                         *third = &s->steps[2].link.config, *last = &s->steps[4].link.config;

    assert_true(first->drop_some && first->n_drop == 2 && first->drop[1].last == 0);
    assert_true(first->drop_match.dtls == HP_PRESENT && first->drop_match.inside);
    assert_true(second->drop_some && second->drop_match.dtls == HP_PRESENT && second->n_drop == 2);
    assert_true(third->drop_some && third->n_drop == 2);
    assert_true(third->drop_match.dtls == HP_EITHER && third->drop_match.rtp == HP_PRESENT &&
                !third->drop_match.inside);
    assert_true(s->steps[2].link.down_config.drop_match.rtp == HP_PRESENT); /* one direction: both fields are alike */
    assert_false(s->steps[3].link.config.drop_some);
    assert_true(last->drop_some && last->n_drop == 1 && last->drop_match.stun.method == HP_STUN_ALLOCATE);
    assert_string_equal(s->steps[0].link.text, "drop: [2, 5..], drop-match: {dtls: true, inside: true}");
    hp_scenario_free(s);
}

static void the_rest(void **state)
{
    hp_scenario *s = with_steps("- interface-down: bob\n- interface-up: {peer: alice, interface: lte}\n"
                                "- ice-restart: alice\n- ice-restart: {peer: alice, with: bob}\n"
                                "- close: {peer: bob, with: alice}\n- stop-server: turn\n- start-server: turn\n"
                                "- set-signaling: {loss: 50%}\n- set-signaling: {delay: 1s}\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_INTERFACE);
    assert_string_equal(s->steps[0].interface.peer, "bob");
    assert_null(s->steps[0].interface.interface);
    assert_false(s->steps[0].interface.up);
    assert_int_equal(s->steps[1].kind, HP_STEP_INTERFACE);
    assert_string_equal(s->steps[1].interface.interface, "lte");
    assert_true(s->steps[1].interface.up);
    assert_int_equal(s->steps[2].kind, HP_STEP_ICE_RESTART);
    assert_string_equal(s->steps[2].session.peer, "alice");
    assert_null(s->steps[2].session.with);
    assert_string_equal(s->steps[3].session.with, "bob");
    assert_int_equal(s->steps[4].kind, HP_STEP_CLOSE);
    assert_string_equal(s->steps[4].session.peer, "bob");
    assert_int_equal(s->steps[5].kind, HP_STEP_STOP_SERVER);
    assert_string_equal(s->steps[5].server, "turn");
    assert_int_equal(s->steps[6].kind, HP_STEP_START_SERVER);
    assert_int_equal(s->steps[7].kind, HP_STEP_SET_SIGNALING);
    assert_int_equal(s->steps[7].signaling.loss_ppb, 500000000);
    assert_true(s->steps[7].signaling.delay == 50 * HP_MS && s->steps[7].signaling.echo);
    assert_int_equal(s->steps[8].signaling.loss_ppb, 500000000);
    assert_true(s->steps[8].signaling.delay == HP_S);
    hp_scenario_free(s);
}

static void what_cannot_be_a_step(void **state)
{
    assert_complains(NETWORK "steps:\n"
                             "- call: {from: alice}\n"
                             "- call: {from: alice, to: [bob, alice]}\n"
                             "- send: {from: bob, to: bob, count: 1, for: 1s, interval: 10ns, size: 31}\n"
                             "- wait-for: {}\n"
                             "- wait-for: {state: ready, event: candidate}\n"
                             "- wait-for: {state: ready, of: alice}\n"
                             "- wait-for: connectd\n"
                             "- set-nat: home\n"
                             "- set-nat: {nat: home}\n"
                             "- set-link: {of: bob}\n"
                             "- set-link: {of: lan, direction: up, loss: 1%}\n"
                             "- interface-down: {peer: alice, interface: wlan}\n"
                             "- {reboot: home, wait: 1s}\n"
                             "- {at: 1s}\n"
                             "- reboot\n"
                             "- [wait]\n"
                             "- {label: a, wait: 1s}\n"
                             "- {label: a, wait: 1s}\n",
                     "5:9: `call` lacks `to`\n"
                     "6:27: `alice` calls itself\n"
                     "7:25: `bob` sends to itself\n"
                     "7:45: `count` and `for` exclude each other\n"
                     "7:59: `interval` must be at least 1us\n"
                     "7:71: `size` must be from 32 to 65000, not 31\n"
                     "8:13: `wait-for` needs either `state`, `event` or `script`\n"
                     "9:13: `wait-for` needs either `state`, `event` or `script`\n"
                     "10:13: `of` and `where` go with `event` (`peers` says whose state)\n"
                     "11:13: `connectd` is not an ICE state (did you mean `connected`?)\n"
                     "12:12: steps.7.set-nat must be a map of keys and values\n"
                     "13:12: `set-nat` changes nothing\n"
                     "14:13: `set-link` changes nothing\n"
                     "15:34: `lan` has no directions\n"
                     "16:44: `alice` has no interface `wlan`\n"
                     "17:18: a step is one thing, and `reboot` is there already (put it in an item of its own)\n"
                     "18:3: this step says not what it is\n"
                     "19:3: steps.14.reboot lacks `nat`\n"
                     "20:3: steps.15 must be a map with one key that says what it is\n"
                     "22:3: the label `a` is given twice\n");
}

static void what_cannot_be_a_step_of_media(void **state)
{
    assert_complains(NETWORK "steps:\n"
                             "- call: {from: alice, to: bob, media: [audio], streams: 2}\n"
                             "- call: {from: alice, to: bob, data: true, components: 2}\n"
                             "- call: {from: alice, to: bob, bundle: false}\n"
                             "- call: {from: alice, to: bob, rtcp-mux: true}\n"
                             "- call: {from: alice, to: bob, media: []}\n"
                             "- call: {from: alice, to: bob, media: [audio, text]}\n"
                             "- call: {from: alice, to: bob, media: [audio, audio]}\n"
                             "- send: {from: alice, to: bob, channel: a, stream: 1}\n"
                             "- send: {from: alice, to: bob, channel: {ordered: false}, component: 2}\n"
                             "- send: {from: alice, to: bob, channel: {label: '', max-retransmits: 1, "
                             "max-lifetime: 1ms}}\n"
                             "- send: {from: alice, to: bob, channel: {label: a, max-lifetime: 1500us}}\n"
                             "- send: {from: alice, to: bob, channel: {label: a, max-lifetime: 0}, size: 65001}\n"
                             "- hold: eve\n"
                             "- hold: {peer: alice, media: data}\n"
                             "- resume: {with: bob}\n"
                             "- set-media: alice\n"
                             "- set-media: {peer: alice}\n"
                             "- set-media: {peer: alice, bitrate: 300kB}\n"
                             "- set-media: {peer: alice, bitrate: 999bit/s}\n"
                             "- inject: bob\n"
                             "- inject: {to: home, what: replay, count: 0, interval: 0}\n"
                             "- inject: {to: bob, what: replays, kind: srtp}\n"
                             "- set-link: {of: bob, drop-match: {dtls: true}}\n"
                             "- set-link: {of: bob, drop: [], drop-match: {dtls: 1}}\n",
                     "5:57: a call with `media` or `data` has as many as it needs\n"
                     "6:56: a call with `media` or `data` has as many as it needs\n"
                     "7:40: `bundle` and `rtcp-mux` go with `media` or `data`\n"
                     "8:42: `bundle` and `rtcp-mux` go with `media` or `data`\n"
                     "9:39: `media` is empty\n"
                     "10:47: `text` is not a kind of media (one of `audio`, `video`)\n"
                     "11:47: `audio` is named twice\n"
                     "12:52: a data channel is on no stream or component of its own\n"
                     "13:41: steps.8.send.channel lacks `label`\n"
                     "13:70: a data channel is on no stream or component of its own\n"
                     "14:49: `label` is empty\n"
                     "14:87: `max-retransmits` and `max-lifetime` exclude each other\n"
                     "15:66: `max-lifetime` must be whole milliseconds\n"
                     "16:66: `max-lifetime` must be from 1ms to 4294967.295s, not 0\n"
                     "16:76: `size` must be from 32 to 65000, not 65001\n"
                     "17:9: no peer is called `eve`\n"
                     "18:30: `data` is not a kind of media (one of `audio`, `video`)\n"
                     "19:11: steps.14.resume lacks `peer`\n"
                     "20:14: steps.15.set-media must be a map of keys and values\n"
                     "21:14: steps.16.set-media lacks `bitrate`\n"
                     "22:37: `bitrate` must be a rate such as 10Mbit/s, not `300kB`\n"
                     "23:37: `bitrate` must be from 1kbit/s to 1Gbit/s, not 999bit/s\n"
                     "24:11: steps.19.inject must be a map of keys and values\n"
                     "25:16: no peer is called `home`\n"
                     "25:43: `count` must be from 1 to 1000000, not 0\n"
                     "25:56: `interval` must be at least 1us\n"
                     "26:27: `replays` is not an attack (did you mean `replay`?)\n"
                     "26:42: `srtp` is not a kind of packet (did you mean `rtp`?)\n"
                     "27:35: `drop-match` says which packets `drop` counts, and there is no `drop`\n"
                     "28:45: `drop-match` says which packets `drop` counts, and there is no `drop`\n"
                     "28:52: `present` must be true or false, not `1` (did you mean `true`?)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call),
        cmocka_unit_test(send_datagrams),
        cmocka_unit_test(calls_with_media),
        cmocka_unit_test(send_messages),
        cmocka_unit_test(media_at_run_time),
        cmocka_unit_test(waiting),
        cmocka_unit_test(spans_of_events),
        cmocka_unit_test(nats_at_run_time),
        cmocka_unit_test(set_nat_adds_up),
        cmocka_unit_test(set_link_adds_up),
        cmocka_unit_test(drop_lists_add_up),
        cmocka_unit_test(the_rest),
        cmocka_unit_test(what_cannot_be_a_step),
        cmocka_unit_test(what_cannot_be_a_step_of_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
