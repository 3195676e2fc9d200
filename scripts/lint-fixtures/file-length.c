/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
repeat 799 extern int number;
