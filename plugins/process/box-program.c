/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-program.c: a program that has started meets its terminal, the people who may attach to it,
 * and the shell outside, to which the host is the job. [main].
 */
#include "box-program.h"

#include <signal.h>

static void
see_terminal(const char *bytes, gsize length, gpointer data)
{
    osh_session_output(((BoxProgram *)data)->box->session, 1, bytes, length);
}

static void
terminal_has_room(gpointer data)
{
    osh_session_input_room(((BoxProgram *)data)->box->session);
}

static void
set_foreground(gboolean foreground, gpointer data)
{
    BoxProgram *program = data;

    osh_box_set_foreground(program->box->handle, program->id, foreground);
}

static void
connect_terminal(BoxProgram *program, OshBoxProcess *process)
{
    gboolean typed = program->terminal.is_terminal[0] && program->terminal.outer >= 0;
    OshTerminalRequest request = {
        .master = process->terminal,
        .input = typed ? program->stdio[0] : program->terminal.outer,
        .tap = program->attended ? see_terminal : NULL,
        .room = program->attended ? terminal_has_room : NULL,
        .output = program->terminal.output,
        .shared = program->terminal.shared,
        .background = program->terminal.background,
        .modes = program->terminal.has_modes ? &program->terminal.modes : NULL,
        .pid = process->pid,
        .foreground = program->entrypoint ? set_foreground : NULL,
        .data = program,
    };

    process->terminal = -1;
    program->relay = osh_terminal_relay_new(&request);
}

static gssize
type_to_program(const char *bytes, gsize length, gpointer data)
{
    const BoxProgram *program = data;

    if (program->job != NULL && osh_job_is_waiting(program->job)) {
        osh_job_continue(program->job);
        return (gssize)length;
    }
    if (program->relay != NULL)
        return osh_terminal_relay_type(program->relay, bytes, length);
    return osh_session_streams_input(bytes, length, program->attended_streams);
}

static void
signal_attended(int signal_number, gpointer data)
{
    osh_box_program_signal(data, signal_number);
}

static void
tell_attached(const char *text, gpointer data)
{
    const BoxProgram *program = data;

    if (program->attended)
        osh_session_note(program->box->session, text);
}

static void
control_job(BoxProgram *program)
{
    OshJobRequest request = {
        .box = program->box->handle,
        .id = program->id,
        .relay = program->relay,
        .alone = program->attended && program->terminal.outer < 0,
        .note = tell_attached,
        .data = program,
    };

    program->job = osh_job_new(&request);
}

static void
resize_program(guint16 rows, guint16 columns, gpointer data)
{
    const BoxProgram *program = data;

    if (program->relay != NULL)
        osh_terminal_relay_resize(program->relay, rows, columns);
}

static gboolean
screen_taken(gpointer data)
{
    return osh_box_program_screen_taken(data);
}

static void
let_people_attach(BoxProgram *program)
{
    OshSessionProgram attended = {
        .input = type_to_program,
        .resize = resize_program,
        .send_signal = signal_attended,
        .screen_taken = screen_taken,
        .has_terminal = program->relay != NULL,
        .local_input = program->relay != NULL
                           ? program->terminal.outer >= 0
                           : osh_session_streams_has_local_input(program->attended_streams),
        .data = program,
    };

    osh_session_begin(program->box->session, &attended, osh_box_init_pid(program->box->handle));
}

void
osh_box_program_connect(BoxProgram *program, OshBoxProcess *process)
{
    if (process->terminal >= 0)
        connect_terminal(program, process);
    if (program->entrypoint)
        control_job(program);
    if (program->attended)
        let_people_attach(program);
}

void
osh_box_program_stopped(OshBoxHandle *handle, guint32 id, int signal_number, gpointer data)
{
    const BoxProgram *program = data;

    (void)handle;
    (void)id;
    if (program->job != NULL)
        osh_job_stopped(program->job, signal_number);
}

gboolean
osh_box_program_signal(BoxProgram *program, int signal_number)
{
    gboolean by_key = signal_number == SIGINT || signal_number == SIGQUIT;

    if (program->ended)
        return FALSE;
    /* A key of a terminal that is not raw is for whatever the box's has in its foreground. */
    if (by_key && program->relay != NULL &&
        osh_terminal_relay_signal(program->relay, signal_number))
        return TRUE;
    if (!osh_box_signal(program->box->handle, program->id, signal_number, TRUE, NULL))
        return FALSE;
    /* A program that is stopped takes a signal only when it goes on. */
    if (program->job != NULL && osh_job_is_waiting(program->job))
        osh_job_continue(program->job);
    return TRUE;
}

gboolean
osh_box_program_screen_taken(const BoxProgram *program)
{
    return program->relay != NULL && osh_terminal_relay_screen_taken(program->relay);
}
