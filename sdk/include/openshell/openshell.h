/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openshell.h: everything of the plugin API that is stable.
 *
 * A plugin that uses a draft includes the draft's own header, openshell/ext/draft/NAME.h, beside
 * this one: what may change in every release is named where it is used (docs/abi.md). session.h is
 * for the clients of a session socket and is not part of it.
 */
#pragma once

#include "openshell/event.h"
#include "openshell/ext/launch-contributor.h"
#include "openshell/ext/metrics.h"
#include "openshell/ext/policy.h"
#include "openshell/ext/process-launcher.h"
#include "openshell/ext/shard.h"
#include "openshell/ext/worker.h"
#include "openshell/fact.h"
#include "openshell/host.h"
#include "openshell/plugin.h"
#include "openshell/version.h"
