/* SPDX-License-Identifier: Apache-2.0 */
/* as plugins/process/runs.c */
/* A fixture of scripts/lint. */
void
run(void)
{
    (void)system("true");
}
