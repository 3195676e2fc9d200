/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
static void
count(int *number)
{
repeat 78     (*number)++;
}
