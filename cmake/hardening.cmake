# Release hardening, each flag probed. Sanitizer and coverage builds go without.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(failcore_hardening INTERFACE)
# For programs that play the attacker: what a sanitizer does at their start and end is not theirs.
add_library(failcore_unsanitized INTERFACE)
if(FAILCORE_SANITIZE)
    target_compile_options(failcore_unsanitized INTERFACE -fno-sanitize=all)
    target_link_options(failcore_unsanitized INTERFACE -fno-sanitize=all)
    target_compile_options(failcore_hardening INTERFACE
        -fsanitize=${FAILCORE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g)
    target_link_options(failcore_hardening INTERFACE -fsanitize=${FAILCORE_SANITIZE})
    if(FAILCORE_SANITIZE STREQUAL thread)
        add_library(failcore_tsan OBJECT ${PROJECT_SOURCE_DIR}/tests/support/tsan_runtime.c)
        target_compile_definitions(failcore_tsan PRIVATE _GNU_SOURCE
            TSAN_REPORTS="${CMAKE_BINARY_DIR}/reports/thread")
        target_link_libraries(failcore_tsan PRIVATE failcore_hardening)
    endif()
elseif(FAILCORE_COVERAGE)
    # Clang's counters, mapped into a file (%c) that all processes of a program share (%m): what a
    # program did counts also when it is killed, or has confined itself so that it opens nothing.
    # The path is built in, since our programs give their daemons an environment of their own.
    target_compile_options(failcore_hardening INTERFACE
        -fprofile-instr-generate=${PROJECT_BINARY_DIR}/profiles/%c%m.profraw -fcoverage-mapping
        "SHELL:-mllvm -runtime-counter-relocation" -O1 -g)
    target_link_options(failcore_hardening INTERFACE -fprofile-instr-generate)
else()
    foreach(flag
            -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
            -mbranch-protection=standard -ftrivial-auto-var-init=zero)
        string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
        check_c_compiler_flag("${flag} -Werror" ${known})
        if(${known})
            target_compile_options(failcore_hardening INTERFACE ${flag})
        endif()
    endforeach()
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        target_compile_options(failcore_hardening INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    endif()
    foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
        string(MAKE_C_IDENTIFIER "HAVE_LINK${flag}" known)
        check_linker_flag(C ${flag} ${known})
        if(${known})
            target_link_options(failcore_hardening INTERFACE ${flag})
        endif()
    endforeach()
endif()
