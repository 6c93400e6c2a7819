/* The "live" of a result: what a run in the live world says of itself. Absent in the virtual world. */
#include "report/json_writer.h"

static void put_hosts(hp_json *j, const hp_live_result *live)
{
    hp_json_open(j, "hosts", '[');
    for (unsigned i = 0; i < live->n_hosts; i++) {
        const hp_live_host_result *host = &live->hosts[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "host", host->host);
        hp_json_text(j, "device", host->device);
        hp_json_u64(j, "from_kernel", host->from_kernel);
        hp_json_u64(j, "to_kernel", host->to_kernel);
        hp_json_u64(j, "tx_dropped", host->tx_dropped);
        hp_json_u64(j, "receive_errors", host->receive_errors);
        hp_json_u64(j, "send_full", host->send_full);
        hp_json_u64(j, "noise", host->noise);
        hp_json_u64(j, "malformed", host->malformed);
        hp_json_u64(j, "refused", host->refused);
        hp_json_u64(j, "untold", host->untold);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_programs(hp_json *j, const hp_live_result *live)
{
    hp_json_open(j, "programs", '[');
    for (unsigned i = 0; i < live->n_programs; i++) {
        const hp_live_program_result *program = &live->programs[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "program", program->program);
        hp_json_text(j, "kind", program->kind);
        hp_json_time(j, "user_ns", program->user);
        hp_json_time(j, "system_ns", program->system);
        hp_json_u64(j, "peak_kb", program->peak_kb);
        hp_json_text(j, "scheduling", program->scheduling);
        if (program->beats > 0) {
            hp_json_time(j, "stall_p99_ns", program->stall_p99);
            hp_json_time(j, "stall_max_ns", program->stall_max);
        }
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

void hp_json_live(hp_json *j, const hp_result *result)
{
    const hp_live_result *live = result->live;
    if (live == NULL) {
        return;
    }
    hp_json_text(j, "world", "live");
    hp_json_open(j, "live", '{');
    hp_json_text(j, "summary", live->summary);
    hp_json_text(j, "too_slow", live->too_slow);
    if (live->told) {
        hp_json_u64(j, "timers", live->timers);
        hp_json_time(j, "late_median_ns", live->median);
        hp_json_time(j, "late_p99_ns", live->p99);
        hp_json_time(j, "late_max_ns", live->max);
        hp_json_u64(j, "late_records", live->late_records);
        hp_json_time(j, "worst_record_ns", live->worst_record);
        hp_json_bool(j, "fifo", live->fifo);
        hp_json_bool(j, "keep_awake", live->awake);
        hp_json_text(j, "refused", live->refused);
        put_hosts(j, live);
        put_programs(j, live);
    }
    hp_json_close(j, '}');
}
