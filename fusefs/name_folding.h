/*
 * Whether a directory's file system takes two spellings for one name (SR16).
 *
 * Rules compare names byte by byte. Where `SECRET` opens `secret`, a rule that denies the one says
 * nothing about the other, so such a tree cannot be served with rules that deny or hide.
 *
 * Found are file systems that fold by their nature, directories that were told to (chattr +F), and,
 * whatever the file system, those where a name of the directory is found by another spelling. Not
 * found: a directory further down that folds while the one asked about does not.
 */
#ifndef FAILCORE_FUSEFS_NAME_FOLDING_H
#define FAILCORE_FUSEFS_NAME_FOLDING_H

#include <stdbool.h>

/* The number of statfs(2). */
bool name_folding_by_type(unsigned long magic);
/* 1 when it folds, 0 when not; negative errno when that cannot be told. */
int name_folding_of(int directory);

#endif
