/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
#ifndef OSH_FIXTURE_H
#define OSH_FIXTURE_H
#endif
