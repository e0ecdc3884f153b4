/* One question asked of the network rules: who speaks to it, and who of them decides. */
#include "shared/policy/network_rules.h"

#include "shared/policy/address_ranges.h"
#include "shared/policy/network_index.h"
#include "shared/policy/special_names.h"

struct question {
    const struct network_rules *rules;
    const struct net_request *request;
    const struct address_range *range; /* NULL: public */
    bool resolving;                    /* a name alone */
    /* The best rule of each kind so far, or UINT32_MAX. */
    uint32_t enforced, deny, log, allow;
    bool port_missed;
    bool protocol_missed;
    size_t public_names;   /* that wide grants mean */
    size_t resolver_names; /* and that they do not */
};

static bool covers_port(const struct rule *rule, uint16_t port)
{
    for (size_t i = 0; i < rule->port_count; i++) {
        if (port >= rule->ports[i].first && port <= rule->ports[i].last) {
            return true;
        }
    }
    return false;
}

static bool covers_protocol(const struct rule *rule, enum net_protocol protocol)
{
    return (rule->protocols >> protocol & 1) != 0;
}

static bool covers_everything(const struct rule *rule)
{
    return rule->port_count == 1 && rule->ports[0].first == 1 && rule->ports[0].last == 65535 &&
           covers_protocol(rule, NET_TCP) && covers_protocol(rule, NET_UDP);
}

static void keep_least(uint32_t *best, uint32_t index)
{
    *best = index < *best ? index : *best;
}

static void weigh(struct question *question, uint32_t index)
{
    const struct rule *rule = &question->rules->model->rules[index];
    bool denies = rule->action == VERDICT_DENY || rule->action == VERDICT_HIDE;

    if (question->resolving) {
        /* A flow may still be refused by its port; only a rule that leaves nothing open stops the
         * question itself. */
        if (denies && !covers_everything(rule)) {
            return;
        }
    } else {
        if (!covers_protocol(rule, question->request->protocol)) {
            question->protocol_missed = question->protocol_missed || !denies;
            return;
        }
        if (!covers_port(rule, question->request->port)) {
            question->port_missed = question->port_missed || !denies;
            return;
        }
        if (question->range != NULL && !denies && !rule->allow_private) {
            return;
        }
    }
    if (denies) {
        keep_least(rule->enforced ? &question->enforced : &question->deny, index);
    } else {
        keep_least(rule->action == VERDICT_LOG ? &question->log : &question->allow, index);
    }
}

static void weigh_chain(struct question *question, uint32_t link)
{
    for (; link != 0; link = question->rules->links[link - 1].next) {
        weigh(question, question->rules->links[link - 1].rule);
    }
}

static void weigh_name(struct question *question, struct str_view name)
{
    const struct network_rules *rules = question->rules;
    uint32_t link;

    if (text_map_find(&rules->exact, name, &link)) {
        weigh_chain(question, link);
    }
    for (size_t i = 0; i + 1 < name.length; i++) {
        struct str_view parent = {.bytes = name.bytes + i + 1, .length = name.length - i - 1};

        if (name.bytes[i] == '.' && text_map_find(&rules->subdomains, parent, &link)) {
            weigh_chain(question, link);
        }
    }
    if (!host_name_is_dotted(name)) {
        return;
    }
    if (host_name_is_resolver(name)) { /* "*" denies it, and does not mean to allow it */
        struct question wide = *question;

        weigh_chain(&wide, rules->any);
        question->enforced = wide.enforced;
        question->deny = wide.deny;
        question->resolver_names++;
        return;
    }
    question->public_names++;
    weigh_chain(question, rules->any);
}

static void weigh_address(struct question *question, const struct ip_address *address)
{
    const struct network_rules *rules = question->rules;
    const bool *lengths = rules->lengths[address->family == IP_V6 ? 1 : 0];

    for (unsigned int length = 0; length <= ip_family_bits(address->family); length++) {
        char key[PREFIX_KEY_BYTES];
        uint32_t link;

        if (lengths[length] &&
            text_map_find(&rules->prefixes, network_prefix_key(address, length, key), &link)) {
            weigh_chain(question, link);
        }
    }
}

static struct decision decided(const struct question *question, uint32_t index,
                               enum denial_code code)
{
    const struct rule *rule = &question->rules->model->rules[index];
    bool softened = question->rules->log_violations && !rule->enforced &&
                    (rule->action == VERDICT_DENY || rule->action == VERDICT_HIDE) &&
                    question->range == NULL;
    struct decision decision = {
        .verdict = softened ? VERDICT_LOG : rule->action,
        .code = DENIAL_NONE,
        .rule = {index},
        .reason = rule->message,
        .name_check = NAME_CHECK_TLS,
    };

    if (!decision_permits(decision)) {
        decision.verdict = VERDICT_DENY;
        decision.code = code;
        if (decision.reason.bytes == NULL) {
            decision.reason = str_view_from(denial_code_meaning(code));
        }
    }
    if (rule->name_check_said) {
        decision.name_check = rule->name_check;
    } else if (rule->prefix_count > 0) {
        decision.name_check = NAME_CHECK_ADDRESS_ONLY;
    } else if (question->request->port == 80) {
        decision.name_check = NAME_CHECK_HTTP;
    }
    return decision;
}

static struct decision refused(rule_id rule, enum denial_code code, const char *reason)
{
    return (struct decision){
        .verdict = VERDICT_DENY, .code = code, .rule = rule, .reason = str_view_from(reason)};
}

/* No rule spoke. */
static struct decision decide_by_default(const struct question *question)
{
    const struct net_request *request = question->request;
    struct decision permitted = {
        .verdict = question->rules->log_violations ? VERDICT_LOG : VERDICT_ALLOW,
        .code = DENIAL_NONE,
        .rule = RULE_DEFAULT,
        .name_check = request->port == 80 ? NAME_CHECK_HTTP : NAME_CHECK_TLS,
    };
    enum denial_code code = DENIAL_ADDRESS_DENIED;

    if (question->rules->allow_public && question->public_names > 0 &&
        (question->resolving ||
         (request->protocol == NET_TCP && (request->port == 80 || request->port == 443)))) {
        permitted.verdict = VERDICT_ALLOW;
        return permitted;
    }
    if (question->rules->log_violations && request->protocol != NET_OTHER &&
        (!question->resolving || question->public_names + question->resolver_names > 0)) {
        permitted.name_check = question->public_names + question->resolver_names == 0
                                   ? NAME_CHECK_ADDRESS_ONLY
                                   : permitted.name_check;
        return permitted;
    }
    if (question->rules->allow_public && question->public_names > 0) {
        code = request->protocol != NET_TCP ? DENIAL_PROTOCOL_DENIED : DENIAL_PORT_DENIED;
    } else if (question->port_missed) {
        code = DENIAL_PORT_DENIED;
    } else if (question->protocol_missed || request->protocol == NET_OTHER) {
        code = DENIAL_PROTOCOL_DENIED;
    } else if (request->name_count > 0) {
        code = DENIAL_DOMAIN_DENIED;
    }
    return refused(RULE_DEFAULT, code, denial_code_meaning(code));
}

/* Of the rules that match, the one that decides; UINT32_MAX: none does. */
static uint32_t speaking_rule(const struct question *question)
{
    return question->enforced != UINT32_MAX ? question->enforced
           : question->deny != UINT32_MAX   ? question->deny
           : question->log != UINT32_MAX    ? question->log
                                            : question->allow;
}

/* The built-in ranges stand before every rule but one that names the address itself. */
static struct decision decide_range(const struct question *question)
{
    uint32_t rule = speaking_rule(question);
    struct decision builtin =
        refused(RULE_BUILTIN,
                question->request->name_count > 0 ? DENIAL_DNS_REBINDING : DENIAL_SSRF_BLOCKED,
                question->range->reason);

    return rule == UINT32_MAX ? builtin : decided(question, rule, DENIAL_ADDRESS_DENIED);
}

static struct decision decide_rules(const struct question *question)
{
    uint32_t rule = speaking_rule(question);
    enum denial_code code =
        question->request->name_count > 0 ? DENIAL_DOMAIN_DENIED : DENIAL_ADDRESS_DENIED;

    return rule == UINT32_MAX ? decide_by_default(question) : decided(question, rule, code);
}

struct decision network_rules_decide(const struct network_rules *rules,
                                     const struct net_request *request)
{
    struct question question = {
        .rules = rules,
        .request = request,
        /* Known before any rule is weighed: it decides which rules count. */
        .range = address_range_find(&request->address),
        .resolving = request->address.family == IP_NONE && request->port == NET_PORT_UNKNOWN,
        .enforced = UINT32_MAX,
        .deny = UINT32_MAX,
        .log = UINT32_MAX,
        .allow = UINT32_MAX,
    };
    bool internal = false;

    for (size_t i = 0; i < request->name_count; i++) {
        char text[HOST_NAME_TEXT_MAX];
        struct str_view name;

        if (!host_name_fold(request->names[i], text, &name)) {
            if (request->address.family == IP_NONE) {
                return refused(RULE_BUILTIN, DENIAL_DOMAIN_DENIED, "not a host name");
            }
            continue;
        }
        if (host_name_is_internal(name)) {
            internal = true;
            continue;
        }
        weigh_name(&question, name);
    }
    if (request->address.family == IP_NONE && (internal || request->name_count == 0)) {
        return refused(RULE_BUILTIN, DENIAL_SSRF_BLOCKED,
                       "a name of internal services, which is never resolved");
    }
    if (rules->closed) {
        return question.range != NULL
                   ? decide_range(&question)
                   : decide_by_default(&(struct question){.rules = &(const struct network_rules){0},
                                                          .request = request,
                                                          .resolving = question.resolving});
    }
    if (request->address.family != IP_NONE) {
        struct ip_address judged = address_judged(&request->address);
        struct ip_address inner;

        weigh_address(&question, &request->address);
        if (!ip_address_equals(&judged, &request->address)) {
            weigh_address(&question, &judged);
        } else if (address_embedded_v4(&request->address, &inner)) {
            /* A 6to4 or mapped form is its own address to an allow rule, and both to a deny. */
            struct question inside = question;

            weigh_address(&inside, &inner);
            question.deny = inside.deny;
            question.enforced = inside.enforced;
        }
        if (question.range != NULL) {
            return decide_range(&question);
        }
    }
    return decide_rules(&question);
}
