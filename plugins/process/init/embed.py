# SPDX-License-Identifier: Apache-2.0
# Writes the assembly that puts the program of init into the plugin: embed.py IMAGE OUTPUT
import pathlib
import sys

image, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
output.write_text(f"""/* SPDX-License-Identifier: Apache-2.0 */
    .section .rodata
    .balign 16
    .globl osh_init_image_start
    .globl osh_init_image_end
    .hidden osh_init_image_start
    .hidden osh_init_image_end
osh_init_image_start:
    .incbin "{image}"
osh_init_image_end:
    .section .note.GNU-stack, "", %progbits
""")
