/* A signal that would end the process is held back and shows as a readable descriptor, so that whoever waits in poll()
 * can take down what it has begun (children, a line on the terminal, half-written files). It is never read: let through
 * at the end it does what it always does, and a shell or a CI system sees a process that died of it. There is no
 * handler, and nothing global but the mask. A signal that is ignored (nohup, a job in the background of a script) stays
 * ignored. */
#include "cli/stop.h"

#include <sys/signalfd.h>
#include <unistd.h>

void hp_stop_begin(hp_stop *ret)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    sigemptyset(&ret->signals);
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct sigaction now;
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
            sigaddset(&ret->signals, ends[i]);
        }
    }
    ret->fd = signalfd(-1, &ret->signals, SFD_CLOEXEC);
    if (ret->fd >= 0) {
        sigprocmask(SIG_BLOCK, &ret->signals, NULL);
    }
}

void hp_stop_end(hp_stop *stop)
{
    if (stop->fd < 0) {
        return;
    }
    close(stop->fd);
    stop->fd = -1;
    sigprocmask(SIG_UNBLOCK, &stop->signals, NULL);
}
