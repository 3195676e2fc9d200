/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
static void
leave(void)
{
    goto out;
out:
    return;
}
