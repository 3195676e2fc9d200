/* SPDX-License-Identifier: Apache-2.0 */
/* as sdk/include/openshell/fixture.h */
/* A fixture of scripts/lint. */
#pragma once

/* Not a documentation comment. */
int osh_fixture(int number);
