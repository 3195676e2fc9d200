/* SPDX-License-Identifier: Apache-2.0 */
/* as host/misc.c */
/* A fixture of scripts/lint. */
int number = 1;
