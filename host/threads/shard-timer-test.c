/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of timers against a plain list: what is due, in which order, and what was cancelled. */
#include "shard-timer.h"

#define ROUNDS 20000
#define TIMERS 600

typedef struct {
    OshShardTimer *timer;
    gint64 when;
    guint64 number;
} Model;

static void
nothing(gpointer data)
{
    (void)data;
}

/* The one that must come out first. */
static guint
first_of(const GArray *model)
{
    guint first = 0;

    for (guint i = 1; i < model->len; i++) {
        const Model *one = &g_array_index(model, Model, i);
        const Model *best = &g_array_index(model, Model, first);

        if (one->when < best->when || (one->when == best->when && one->number < best->number))
            first = i;
    }
    return first;
}

static void
add(OshShardTimerHeap *heap, GArray *model)
{
    Model one = {.when = g_test_rand_int_range(0, 50), .number = heap->added};

    one.timer = osh_shard_timer_heap_add(heap, one.when, nothing, GSIZE_TO_POINTER(one.number));
    g_array_append_val(model, one);
}

static void
pop(OshShardTimerHeap *heap, GArray *model, gint64 now, guint64 until)
{
    OshCallback callback = NULL;
    gpointer data = NULL;
    gboolean popped = osh_shard_timer_heap_pop(heap, now, until, &callback, &data);
    guint first;

    if (model->len == 0) {
        g_assert_false(popped);
        return;
    }
    first = first_of(model);
    g_assert_cmpint(popped, ==,
                    g_array_index(model, Model, first).when <= now &&
                        g_array_index(model, Model, first).number < until);
    if (!popped)
        return;
    g_assert_true(callback == nothing);
    g_assert_cmpuint(GPOINTER_TO_SIZE(data), ==, g_array_index(model, Model, first).number);
    g_array_remove_index_fast(model, first);
}

static void
test_model(void)
{
    OshShardTimerHeap heap = {0};
    g_autoptr(GArray) model = g_array_new(FALSE, FALSE, sizeof(Model));

    for (guint i = 0; i < ROUNDS; i++) {
        guint choice = (guint)g_test_rand_int_range(0, 5);
        guint growing = (i / TIMERS) % 2; /* it grows and shrinks in turn */

        if (choice < 2 + growing) {
            add(&heap, model);
        } else if (choice == 4 && model->len > 0) {
            guint which = (guint)g_test_rand_int_range(0, (gint32)model->len);

            osh_shard_timer_heap_cancel(&heap, g_array_index(model, Model, which).timer);
            g_array_remove_index_fast(model, which);
        } else {
            pop(&heap, model, g_test_rand_int_range(-1, 50),
                heap.added - (guint)g_test_rand_int_range(0, 3));
        }
        g_assert_cmpuint(heap.n_timers, ==, model->len);
        g_assert_cmpint(osh_shard_timer_heap_next(&heap), ==,
                        model->len > 0 ? g_array_index(model, Model, first_of(model)).when
                                       : G_MAXINT64);
    }
    while (model->len > 0)
        pop(&heap, model, G_MAXINT64, G_MAXUINT64);
    osh_shard_timer_heap_clear(&heap);
}

static void
test_clear(void)
{
    OshShardTimerHeap heap = {0};

    for (guint i = 0; i < 100; i++)
        osh_shard_timer_heap_add(&heap, 100 - i, nothing, NULL);
    osh_shard_timer_heap_clear(&heap);
    g_assert_cmpuint(heap.n_timers, ==, 0);
    g_assert_cmpint(osh_shard_timer_heap_next(&heap), ==, G_MAXINT64);
    osh_shard_timer_heap_add(&heap, 1, nothing, NULL);
    g_assert_cmpint(osh_shard_timer_heap_next(&heap), ==, 1);
    osh_shard_timer_heap_clear(&heap);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shard-timer/what-is-due-comes-out-in-order-whatever-was-cancelled",
                    test_model);
    g_test_add_func("/shard-timer/a-cleared-heap-is-empty-and-usable", test_clear);
    return g_test_run();
}
