/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
/* TODO: count further. */
int number = 1;
