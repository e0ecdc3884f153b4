/*
 * Strict reading of the JSON that our own writers make: no blanks, no duplicate keys, valid UTF-8,
 * one form of escaping, bounded depth. Nothing is built; the text is only judged.
 */
#ifndef FAILCORE_AUDIT_JSON_MEMBERS_H
#define FAILCORE_AUDIT_JSON_MEMBERS_H

#include <stdbool.h>

#include "shared/base/str_view.h"

#define JSON_DEPTH_MAX 16

/* The inside of a record's call: "\"host\":\"a\",\"uid\":0". The empty text is sound; the names
 * that the writer itself gives a call are not. */
bool json_members_are_sound(struct str_view members);
/* One whole object. */
bool json_object_is_sound(struct str_view object);

/*
 * Walks the members of an object that is sound. *rest starts as the inside of the object; each
 * call gives the next key (without quotes, not unescaped) and the raw value. False at the end.
 */
bool json_members_next(struct str_view *rest, struct str_view *ret_key, struct str_view *ret_value);

#endif
