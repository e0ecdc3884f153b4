/* What every unit test includes: cmocka wants these four headers before its own. */
#ifndef FAILCORE_TESTS_UNIT_H
#define FAILCORE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
