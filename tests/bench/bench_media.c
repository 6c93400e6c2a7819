/* What a call with media costs: a minute of it, encrypted, both ways, with capture, series and evidence.
 *
 *   bench_media            the table of the README
 *   bench_media NAME N     runs one of the cases N times and prints nothing (for a profiler) */
#include "bench_run.h"

enum { SECONDS = 60, MANY = 100 };

#define CALL(media, measures)                                                                                          \
    "name: call\npeers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob, media: " media "}\n"                \
    "expect:\n  - connected\n  - media: " measures "\nuntil: 60s\n"

static const char audio_call[] = CALL("audio", "{audio: {loss: 0%, mos: '> 4.2'}}");
static const char video_call[] =
    CALL("[audio, video]", "{audio: {loss: 0%}, video: {loss: 0%, bitrate: 900kbps..1.1Mbps, freezes: 0}}");

/* n pairs, all with audio, at once. */
static char *many_calls(unsigned n)
{
    GString *text = g_string_new("name: many\nsignaling: {addressed: true}\npeers:\n");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(text, "  a%u:\n  b%u:\n", i, i);
    g_string_append(text, "steps:\n");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(text, "  - call: {from: a%u, to: b%u, media: audio}\n", i, i);
    g_string_append(text, "expect:\n  - connected\n  - media: {audio: {loss: 0%}}\nuntil: 10s\n");
    return g_string_free(text, FALSE);
}

static void tell(const char *what, double ms)
{
    printf("%-62s %8.2f ms CPU (%.0f times real time)\n", what, ms, SECONDS * 1e3 / ms);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_trace) trace = hp_seam_start(NULL, &error) ? hp_trace_new(&error) : NULL;
    g_autofree char *folder = trace ? g_dir_make_tmp("hairpin-bench-XXXXXX", &error) : NULL;
    if (!folder) {
        fprintf(stderr, "%s\n", error->message);
        return 3;
    }
    g_autofree char *many = many_calls(MANY), *one = many_calls(1);
    if (argc == 3) {
        const char *text = strcmp(argv[1], "audio") == 0   ? audio_call
                           : strcmp(argv[1], "video") == 0 ? video_call
                                                           : many;
        for (int i = atoi(argv[2]); i > 0; i--)
            whole_run(text, trace, folder);
        return 0;
    }
    whole_run(one, trace, folder); /* types, libraries and caches warm */
    memory audio = held_by(audio_call, trace), video = held_by(video_call, trace);
    tell("audio both ways, 60 s, evidence written", best_of(audio_call, trace, folder, 2));
    tell("audio and 1 Mbit/s video both ways, 60 s, evidence written", best_of(video_call, trace, folder, 1));
    double alone = best_of(one, trace, NULL, 5), together = best_of(many, trace, NULL, 1) / MANY;
    printf("%-62s %8.3f ms CPU\n", "audio both ways, 10 s, alone in its world", alone);
    printf("%-62s %8.3f ms CPU (%.2f times)\n", "the same as one of 100 at once", together, together / alone);
    printf("%-62s %8.2f MB resident (%.2f MB asked of malloc)\n", "memory of the audio call beyond its capture",
           (double)audio.resident / 1e6, (double)audio.asked / 1e6);
    printf("%-62s %8.2f MB resident (%.2f MB asked of malloc)\n", "memory of the audio and video call",
           (double)video.resident / 1e6, (double)video.asked / 1e6);
    g_autofree char *clean = g_strdup_printf("rm -r '%s'", folder);
    return system(clean) == 0 ? 0 : 1;
}
