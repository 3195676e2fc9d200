/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no plugin; must never get a manifest. */
int openshell_test_no_plugin(void);

int
openshell_test_no_plugin(void)
{
    return 0;
}
