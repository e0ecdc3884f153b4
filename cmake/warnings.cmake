# Each warning is probed: gcc and clang know different ones.
include(CheckCCompilerFlag)

add_library(failcore_warnings INTERFACE)
foreach(flag
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
        -Wmissing-prototypes -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Wpointer-arith -Wvla
        -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        target_compile_options(failcore_warnings INTERFACE ${flag})
    endif()
endforeach()
if(FAILCORE_WERROR)
    target_compile_options(failcore_warnings INTERFACE -Werror)
endif()
