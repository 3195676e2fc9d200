/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the network plugin for whoever runs the host. [any]
 */
#include "network.h"

#include <stdarg.h>

void
osh_network_log(const OshNetwork *network, GLogLevelFlags level, const char *format, ...)
{
    va_list arguments;
    g_autofree char *message = NULL;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    osh_host_log(network->host, level, message);
}
