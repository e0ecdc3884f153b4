# The kinds of target that the tree is made of. Every source file is compiled with the warnings,
# the hardening and shared/base/banned.h in front.

function(failcore_common target)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE
        FAILCORE_VERSION="${PROJECT_VERSION}"
        FAILCORE_LIBEXEC="${CMAKE_INSTALL_FULL_LIBEXECDIR}/failcore"
        FAILCORE_DATADIR="${CMAKE_INSTALL_FULL_DATADIR}/failcore"
        FAILCORE_SYSCONFDIR="${CMAKE_INSTALL_FULL_SYSCONFDIR}/failcore")
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(${target} PRIVATE -include shared/base/banned.h)
    target_link_libraries(${target} PRIVATE failcore_warnings failcore_hardening)
endfunction()

# tests/support/tsan_runtime.c, in a build of ThreadSanitizer's.
function(failcore_tsan_runtime target)
    if(TARGET failcore_tsan)
        target_link_libraries(${target} PRIVATE failcore_tsan)
    endif()
endfunction()

# failcore_library(NAME SOURCES a.c b.c LIBS x y)
function(failcore_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    failcore_common(${name})
    target_link_libraries(${name} PUBLIC ${arg_LIBS})
endfunction()

# failcore_program(NAME SOURCES a.c b.c LIBS x y)
function(failcore_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    failcore_common(${name})
    failcore_tsan_runtime(${name})
    target_link_libraries(${name} PRIVATE ${arg_LIBS})
endfunction()

# failcore_patience(TEST SECONDS): its time, as patience() in tests/support/integration.sh.
function(failcore_patience test seconds)
    if(FAILCORE_SANITIZE)
        math(EXPR seconds "${seconds} * 5")
    endif()
    set_tests_properties(${test} PROPERTIES TIMEOUT ${seconds})
endfunction()

# failcore_unit_test(NAME SOURCES a.c LIBS x): cmocka, no root, milliseconds.
function(failcore_unit_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(unit_${name} ${arg_SOURCES})
    failcore_common(unit_${name})
    failcore_tsan_runtime(unit_${name})
    target_link_libraries(unit_${name} PRIVATE ${arg_LIBS} PkgConfig::CMOCKA)
    add_test(NAME unit/${name} COMMAND unit_${name})
    failcore_patience(unit/${name} 60)
    set_tests_properties(unit/${name} PROPERTIES LABELS unit
        ENVIRONMENT "FAILCORE_SOURCE_DIR=${PROJECT_SOURCE_DIR};FAILCORE_BUILD_DIR=${CMAKE_BINARY_DIR};FAILCORE_SANITIZE=${FAILCORE_SANITIZE}")
endfunction()

# failcore_integration_test(NAME script.sh): a real mount, namespace or log; root unless the
# script itself drops to an ordinary user. Exit 77 is a skip, and the script says what is missing.
function(failcore_integration_test name script)
    add_test(NAME integration/${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script})
    failcore_patience(integration/${name} 180)
    set_tests_properties(integration/${name} PROPERTIES LABELS integration
        SKIP_RETURN_CODE 77 RUN_SERIAL ON
        ENVIRONMENT "FAILCORE_SOURCE_DIR=${PROJECT_SOURCE_DIR};FAILCORE_BUILD_DIR=${CMAKE_BINARY_DIR};FAILCORE_SANITIZE=${FAILCORE_SANITIZE}")
endfunction()

# failcore_fuzz_target(NAME SOURCES a.c LIBS x): LLVMFuzzerTestOneInput. With FAILCORE_FUZZ it is
# a libFuzzer program; without, the corpus is replayed as a test.
function(failcore_fuzz_target name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(FAILCORE_FUZZ)
        add_executable(fuzz_${name} ${arg_SOURCES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(fuzz_${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/fuzz_replay.c)
        add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${corpus})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz)
        failcore_patience(fuzz/${name} 120)
    endif()
    failcore_common(fuzz_${name})
    target_link_libraries(fuzz_${name} PRIVATE ${arg_LIBS})
endfunction()
