/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel starts init: align the stack, mark the end of the frames, call C. */
    .text
    .globl _start
    .type _start, %function
_start:
#if defined(__x86_64__)
    xorl %ebp, %ebp
    andq $-16, %rsp
    call osh_init_main
    hlt
#elif defined(__aarch64__)
    mov x29, #0
    mov x30, #0
    mov x9, sp
    and sp, x9, #-16
    bl osh_init_main
    brk #0
#endif
    .size _start, . - _start
    .section .note.GNU-stack, "", %progbits
