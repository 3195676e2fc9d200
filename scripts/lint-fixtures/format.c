/* SPDX-License-Identifier: Apache-2.0 */
/* A fixture of scripts/lint. */
int  number=1 ;
