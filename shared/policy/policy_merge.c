#include "shared/policy/policy_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/policy/pair_map.h"

static void unite_settings(struct model *into, const struct model *other)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_value *said = &other->settings[i];

        if (said->said && (!into->settings[i].said || said->value < into->settings[i].value)) {
            into->settings[i] = *said;
        }
    }
}

static int unite_lists(struct model *into, const struct model *other, struct arena *arena)
{
    for (size_t list = 0; list < LIST_COUNT; list++) {
        for (size_t i = 0; i < other->lists[list].count; i++) {
            int error = texts_add(&into->lists[list], arena, other->lists[list].items[i]);

            if (error < 0) {
                return error;
            }
        }
    }
    return 0;
}

static int unite_but_rules(struct model *into, const struct model *other, struct arena *arena)
{
    for (size_t section = 0; section < SECTION_COUNT; section++) {
        /* What an enforced policy says about a section does not open it. */
        if (other->present[section] && !other->enforce && !into->present[section]) {
            into->present[section] = true;
            into->section_origin[section] = other->section_origin[section];
        }
    }
    unite_settings(into, other);
    for (size_t i = 0; i < other->breaker_count; i++) {
        struct breaker_rule *breaker = model_add_breaker(into, arena);

        if (breaker == NULL) {
            return -ENOMEM;
        }
        *breaker = other->breakers[i];
    }
    return unite_lists(into, other, arena);
}

static int add_rule(struct model *into, const struct rule *rule, struct arena *arena)
{
    struct rule *added = model_add_rule(into, arena);

    if (added == NULL) {
        return -ENOMEM;
    }
    *added = *rule;
    return 0;
}

int model_unite(struct model *into, const struct model *other, struct arena *arena)
{
    int error = unite_but_rules(into, other, arena);

    for (size_t i = 0; error == 0 && i < other->rule_count; i++) {
        error = add_rule(into, &other->rules[i], arena);
    }
    return error;
}

/* ---- a child and its parents -------------------------------------------------------------- */

/* Parents' rules by section and id: a chain through `next`. */
struct rule_index {
    struct text_map first[SECTION_COUNT];
    uint32_t *next; /* index + 1 of the next rule with this id */
};

static void rule_index_clear(struct rule_index *index)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        text_map_clear(&index->first[i]);
    }
    free(index->next);
}

static int rule_index_fill(struct rule_index *index, const struct model *model)
{
    index->next = calloc(model->rule_count + 1, sizeof(*index->next));
    if (index->next == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < model->rule_count; i++) {
        const struct rule *rule = &model->rules[i];
        uint32_t first;

        if (text_map_find(&index->first[rule->section], rule->id, &first)) {
            index->next[i] = index->next[first];
            index->next[first] = (uint32_t)i + 1;
        } else if (text_map_add(&index->first[rule->section], rule->id, (uint32_t)i) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int refuse_rule(const struct rule *rule, struct failure *reterr, const char *mend,
                       const char *what)
{
    failure_set(reterr, -EINVAL, "the rule \"%.*s\" %s", STR_VIEW_PRINTF(rule->id), what);
    failure_set_needed(reterr, "%s:%u:%u", rule->origin.file, rule->origin.line,
                       rule->origin.column);
    failure_set_mend(reterr, "%s", mend);
    return -EINVAL;
}

/* A removed rule has section SECTION_TOP until it is swept. */
static int adopt_rule(struct model *parents, const struct rule_index *index,
                      const struct rule *rule, struct failure *reterr, bool *ret_known)
{
    uint32_t at;

    *ret_known = false;
    if (!text_map_find(&index->first[rule->section], rule->id, &at)) {
        return rule->override ? refuse_rule(rule, reterr,
                                            "leave override out, or name a rule of a policy that "
                                            "is extended",
                                            "overrides nothing: no parent has this id")
                              : 0;
    }
    for (uint32_t more = at + 1; more != 0; more = index->next[more - 1]) {
        struct rule *parent = &parents->rules[more - 1];

        if (!rule->override && parent->section == rule->section &&
            rule_compare(parent, rule) == 0) {
            *ret_known = true;
            continue;
        }
        if (!rule->override) {
            return refuse_rule(rule, reterr,
                               "give it an id of its own, or add override: true to replace the "
                               "parent's rule",
                               "repeats the id of a parent's rule");
        }
        if (parent->enforced) {
            return refuse_rule(rule, reterr, "ask whoever administers this machine",
                               "overrides a rule that is enforced");
        }
        parent->section = SECTION_TOP;
    }
    return 0;
}

static void sweep_rules(struct model *model)
{
    size_t kept = 0;

    for (size_t i = 0; i < model->rule_count; i++) {
        if (model->rules[i].section != SECTION_TOP) {
            model->rules[kept++] = model->rules[i];
        }
    }
    model->rule_count = kept;
}

static int adopt_rules(struct model *parents, const struct model *child,
                       const struct rule_index *index, struct arena *arena, struct failure *reterr)
{
    /* Parents' rules must not move while the index points at them. */
    struct model own = {0};
    int error = 0;

    for (size_t i = 0; error == 0 && i < child->rule_count; i++) {
        bool known;

        error = adopt_rule(parents, index, &child->rules[i], reterr, &known);
        if (error == 0 && !known) {
            error = add_rule(&own, &child->rules[i], arena);
        }
    }
    sweep_rules(parents);
    for (size_t i = 0; error == 0 && i < own.rule_count; i++) {
        error = add_rule(parents, &own.rules[i], arena);
    }
    return error;
}

int model_adopt(struct model *parents, const struct model *child, bool resolved,
                struct arena *arena, struct failure *reterr)
{
    struct rule_index index = {0};
    int error;

    parents->name = child->name;
    parents->revision = child->revision;
    parents->description = child->description;
    parents->enforce = child->enforce;
    /* A resolved policy stands for itself: it has no parents that it could override. */
    if (resolved) {
        return model_unite(parents, child, arena);
    }
    error = unite_but_rules(parents, child, arena);
    for (size_t section = 0; section < SECTION_COUNT; section++) {
        parents->present[section] = parents->present[section] || child->present[section];
    }
    if (error == 0) {
        error = rule_index_fill(&index, parents);
    }
    if (error == 0) {
        error = adopt_rules(parents, child, &index, arena, reterr);
    }
    rule_index_clear(&index);
    return error;
}

/* ---- canonical order ---------------------------------------------------------------------- */

static int compare_rules(const void *a, const void *b)
{
    return rule_compare(a, b);
}

static int compare_views(struct str_view a, struct str_view b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.bytes, b.bytes, common);

    return order != 0 ? order : a.length < b.length ? -1 : a.length > b.length;
}

static int compare_items(const void *a, const void *b)
{
    const struct text_item *left = a;
    const struct text_item *right = b;

    return compare_views(left->text, right->text);
}

static int compare_breakers(const void *a, const void *b)
{
    const struct breaker_rule *left = a;
    const struct breaker_rule *right = b;

    if (left->event != right->event) {
        return left->event < right->event ? -1 : 1;
    }
    if (left->count != right->count) {
        return left->count < right->count ? -1 : 1;
    }
    if (left->within_ms != right->within_ms) {
        return left->within_ms < right->within_ms ? -1 : 1;
    }
    if (left->share != right->share) {
        return left->share < right->share ? -1 : 1;
    }
    if (left->action != right->action) {
        return left->action < right->action ? -1 : 1;
    }
    for (size_t i = 0; i < left->except_count && i < right->except_count; i++) {
        int order = compare_views(left->except[i], right->except[i]);

        if (order != 0) {
            return order;
        }
    }
    return left->except_count == right->except_count  ? 0
           : left->except_count < right->except_count ? -1
                                                      : 1;
}

static size_t sort_unique(void *members, size_t count, size_t size,
                          int (*compare)(const void *, const void *))
{
    char *bytes = members;
    size_t kept = 0;

    if (count == 0) {
        return 0;
    }
    qsort(members, count, size, compare);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare(bytes + i * size, bytes + (kept - 1) * size) != 0) {
            if (i != kept) {
                memcpy(bytes + kept * size, bytes + i * size, size);
            }
            kept++;
        }
    }
    return kept;
}

void model_sort(struct model *model)
{
    model->rule_count =
        sort_unique(model->rules, model->rule_count, sizeof(*model->rules), compare_rules);
    model->breaker_count = sort_unique(model->breakers, model->breaker_count,
                                       sizeof(*model->breakers), compare_breakers);
    for (size_t list = 0; list < LIST_COUNT; list++) {
        model->lists[list].count = sort_unique(model->lists[list].items, model->lists[list].count,
                                               sizeof(*model->lists[list].items), compare_items);
    }
}

void model_close_absent(struct model *model)
{
    static const enum section closed_when_absent[] = {SECTION_FILESYSTEM, SECTION_NETWORK};

    for (size_t i = 0; i < 2; i++) {
        enum section section = closed_when_absent[i];

        if (model->present[section]) {
            continue;
        }
        for (size_t r = 0; r < model->rule_count; r++) {
            if (model->rules[r].section == section) {
                model->rules[r].section = SECTION_TOP;
            }
        }
        for (size_t s = 0; s < SETTING_COUNT; s++) {
            if (setting_row((enum setting)s)->section == section) {
                model->settings[s].said = false;
            }
        }
        for (size_t l = 0; l < LIST_COUNT; l++) {
            if (text_list_row((enum text_list)l)->section == section) {
                model->lists[l].count = 0;
            }
        }
    }
    sweep_rules(model);
}
