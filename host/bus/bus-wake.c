/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-wake.c: telling the main thread that there is something to do. Any thread.
 *
 * Other threads leave work behind a lock and then set `pending`; the one that turns it from 0 to 1
 * writes the eventfd, so a burst costs one system call. On the main thread itself the flag is
 * enough, because the loop looks at it before it sleeps.
 */
#include "bus-private.h"

#include <errno.h>
#include <unistd.h>

gboolean
osh_bus_on_main(OshBus *bus)
{
    return g_thread_self() == bus->main_thread;
}

void
osh_bus_wake(OshBus *bus)
{
    guint64 one = 1;

    if (atomic_load_explicit(&bus->pending, memory_order_seq_cst) != 0 ||
        atomic_exchange(&bus->pending, 1) != 0 || osh_bus_on_main(bus))
        return;
    if (write(bus->wake_fd, &one, sizeof(one)) < 0)
        g_assert(errno == EAGAIN || errno == EINTR);
}
