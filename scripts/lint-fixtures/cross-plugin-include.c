/* SPDX-License-Identifier: Apache-2.0 */
/* as plugins/network/cross.c */
/* A fixture of scripts/lint. */
#include "../process/box.h"
