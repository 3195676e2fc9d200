/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-program.h: a program of the box between its request and its exit, for launcher.c and the file
 * that connects it to terminals and people. [main].
 */
#pragma once

#include "process-plugin.h"
#include "program-streams.h"

G_BEGIN_DECLS

typedef struct {
    OshBox *box;
    guint32 id;
    char *kind;
    char *path; /* valid UTF-8 */
    char *command;
    char *search_path; /* (nullable) */
    char *workdir;
    int stdio[3];
    OshStreamHandling handling[3];
    OshTerminalChoice terminal;
    OshTerminalRelay *relay;
    OshJob *job;                         /* (nullable): of the entrypoint */
    OshSessionStreams *attended_streams; /* (nullable): of one without a terminal, attended */
    OshProgramStreams *streams;          /* (nullable): what is no terminal, unattended */
    guint delivering;                    /* since it has ended: what is not delivered yet */
    gboolean entrypoint;
    gboolean attended; /* people may attach to it */
    gboolean ended;
    int pidfd;
    pid_t pid;
    int status;
    OshLaunchFunc launched;
    OshExitFunc exited;
    gpointer data;
} BoxProgram;

/**
 * osh_box_program_connect:
 * @process: has started; its terminal is taken
 *
 * Connects the terminal of @program, if it has one, lets people attach to it where they may, and
 * has the host stop with it where it is the entrypoint.
 */
void osh_box_program_connect(BoxProgram *program, OshBoxProcess *process);

/** osh_box_program_stopped: #OshBoxStopped of an entrypoint; @data: the program. */
void osh_box_program_stopped(OshBoxHandle *handle, guint32 id, int signal_number, gpointer data);

/** osh_box_program_signal: sends a signal to the process group of @program, and continues it where
 * people have to. Returns: %FALSE when it is gone */
gboolean osh_box_program_signal(BoxProgram *program, int signal_number);

/** osh_box_program_screen_taken: Returns: whether it draws on its terminal. */
gboolean osh_box_program_screen_taken(const BoxProgram *program);

G_END_DECLS
