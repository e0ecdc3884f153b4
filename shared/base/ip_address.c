#include "shared/base/ip_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ip_address ip_address_v4(const uint8_t bytes[static 4])
{
    struct ip_address address = {.family = IP_V4};

    memcpy(address.bytes, bytes, 4);
    return address;
}

struct ip_address ip_address_v6(const uint8_t bytes[static 16])
{
    struct ip_address address = {.family = IP_V6};

    memcpy(address.bytes, bytes, 16);
    return address;
}

unsigned int ip_family_bits(enum ip_family family)
{
    return family == IP_V4 ? 32 : family == IP_V6 ? 128 : 0;
}

int ip_address_parse(struct str_view text, struct ip_address *ret_address)
{
    char copy[IP_ADDRESS_TEXT_MAX];
    uint8_t bytes[16];

    if (text.length == 0 || text.length >= sizeof(copy) ||
        memchr(text.bytes, '\0', text.length) != NULL) {
        return -EINVAL;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *ret_address = ip_address_v4(bytes);
        return 0;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *ret_address = ip_address_v6(bytes);
        return 0;
    }
    return -EINVAL;
}

static bool host_bits_are_zero(const struct ip_prefix *prefix)
{
    unsigned int bits = ip_family_bits(prefix->address.family);

    for (unsigned int bit = prefix->length; bit < bits; bit++) {
        if ((prefix->address.bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) {
            return false;
        }
    }
    return true;
}

int ip_prefix_parse(struct str_view text, struct ip_prefix *ret_prefix)
{
    const char *slash = text.length == 0 ? NULL : memchr(text.bytes, '/', text.length);
    struct str_view address_text = text;
    struct ip_prefix prefix = {0};
    int error;

    if (slash != NULL) {
        address_text.length = (size_t)(slash - text.bytes);
    }
    error = ip_address_parse(address_text, &prefix.address);
    if (error < 0) {
        return error;
    }
    prefix.length = ip_family_bits(prefix.address.family);
    if (slash != NULL) {
        const char *digit = slash + 1;
        const char *end = text.bytes + text.length;
        unsigned int length = 0;

        if (digit == end || end - digit > 3 || (*digit == '0' && end - digit > 1)) {
            return -EINVAL;
        }
        for (; digit < end; digit++) {
            if (*digit < '0' || *digit > '9') {
                return -EINVAL;
            }
            length = length * 10 + (unsigned int)(*digit - '0');
        }
        if (length > prefix.length) {
            return -EINVAL;
        }
        prefix.length = length;
    }
    if (!host_bits_are_zero(&prefix)) {
        return -EDOM;
    }
    *ret_prefix = prefix;
    return 0;
}

const char *ip_address_format(const struct ip_address *address,
                              char text[static IP_ADDRESS_TEXT_MAX])
{
    int family = address->family == IP_V4 ? AF_INET : AF_INET6;

    if (address->family == IP_NONE ||
        inet_ntop(family, address->bytes, text, IP_ADDRESS_TEXT_MAX) == NULL) {
        text[0] = '\0';
    }
    return text;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char text[static IP_PREFIX_TEXT_MAX])
{
    char address[IP_ADDRESS_TEXT_MAX];

    snprintf(text, IP_PREFIX_TEXT_MAX, "%s/%u", ip_address_format(&prefix->address, address),
             prefix->length);
    return text;
}

bool ip_address_equals(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address)
{
    unsigned int whole = prefix->length / 8;
    unsigned int rest = prefix->length % 8;

    if (prefix->address.family != address->family) {
        return false;
    }
    if (memcmp(prefix->address.bytes, address->bytes, whole) != 0) {
        return false;
    }
    if (rest == 0) {
        return true;
    }
    return ((prefix->address.bytes[whole] ^ address->bytes[whole]) & (0xFFU << (8 - rest)) &
            0xFFU) == 0;
}
