/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end-by-signal.c: the end of the process where a signal ended the program.
 *
 * [main]. A shell decides by the way in which a command ended: it leaves a loop when the command
 * died of SIGINT, and says "Terminated" or "Killed" of one that was killed. An exit code of 128+n
 * says neither. Nothing is left to do when this is called; it must never leave a core dump, which
 * would be one of the host and say nothing of the program.
 */
#include "end-by-signal.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exit-code.h"

/* A core pattern that begins with a pipe ignores the limit, but not the flag. */
static void
forbid_core_dump(void)
{
    struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}

int
osh_end_by_signal(int signal_number)
{
    sigset_t set;

    fflush(NULL);
    forbid_core_dump();
    signal(signal_number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    kill(getpid(), signal_number);
    /* It is taken here: the other threads have it blocked still. */
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return OSH_EXIT_SIGNAL_BASE + signal_number;
}
