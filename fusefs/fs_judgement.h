/*
 * What the policy says of a request: the strongest verdict of all its sides, each by every name it
 * has. Private to the gate (fs_gate.c).
 */
#ifndef FAILCORE_FUSEFS_FS_JUDGEMENT_H
#define FAILCORE_FUSEFS_FS_JUDGEMENT_H

#include "fusefs/fs_request.h"

#define LINKS_OUTSIDE "the file has links outside the workspace"

struct fs_judgement {
    struct decision decision;
    enum fs_operation operation; /* that the decision is about */
    int error;                   /* negative, when not the decision's own */
};

/*
 * Names by their states, objects by the table's: a reload may come between the two, and then the
 * verdict's rule and reason would be words of a policy that this request does not hold. Nothing of
 * a judgement is used before it is certain that one policy made all of it.
 */
int fs_judge(struct fs_request *request, struct fs_judgement *ret_judgement);

struct decision fs_builtin_denial(enum verdict verdict, enum denial_code code, const char *reason);

/* The name .failcore of the mount root (SR20). */
bool fs_side_is_reserved(const struct fs_request *request, const struct fs_side *side);
/*
 * A file with links that are not names in the workspace may be read by the rule of its name, but
 * changing it would change something outside (SR13).
 */
bool fs_side_links_escape(const struct fs_request *request, const struct fs_side *side);
/* Where every rule is the same everywhere, only a change asks what else a file is called. */
bool fs_side_names_matter(const struct fs_request *request, const struct fs_side *side);

#endif
