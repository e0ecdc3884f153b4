/*
 * Whether a listing is to come with attributes.
 *
 * The kernel asks for each first listing with them (READDIRPLUS), which is a status and a node for
 * each name. `find` and the like want names alone, `ls -l` and what opens the files wants
 * all, and nothing in the request tells which. So the first listing gives the names, and the
 * directories with attributes, since those are gone into. When files of it are then looked up one
 * by one, listings come with attributes for a second; and one that the kernel keeps as names is
 * asked for again.
 *
 * Of cost alone: names and attributes are judged and looked up alike either way. Threads: any.
 */
#ifndef FAILCORE_FUSEFS_LISTING_HINT_H
#define FAILCORE_FUSEFS_LISTING_HINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

struct listing_hint {
    _Atomic uint64_t wanted_until_ns;
};

/* Whether the listing that begins now is to come with attributes. */
bool listing_hint_begin(struct listing_hint *hint, struct node *directory, uint64_t now_ns);
/* A file's name in the directory was looked up. */
void listing_hint_looked(struct listing_hint *hint, struct node *directory, uint64_t now_ns);

/* The kernel has been given the whole listing. */
void listing_hint_ended(struct node *directory);
/* It has been, and what it was given is what is wanted now: it may go by that. */
bool listing_hint_kept(const struct listing_hint *hint, const struct node *directory,
                       uint64_t now_ns);

#endif
