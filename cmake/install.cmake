# What is installed where. People type failcore, failcore-mount and failcore-netns; the daemons that
# these start are in libexec, where shared/base/program_path.c looks for them.
install(TARGETS failcore failcore-mount failcore-netns DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS failcore-auditd failcore-netguard DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/failcore)

install(FILES policies/failcore-policy-1.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/failcore/schema)
install(DIRECTORY policies/ DESTINATION ${CMAKE_INSTALL_DATADIR}/failcore/policies
    FILES_MATCHING PATTERN "*.yaml" PATTERN "*.expect")
# Not into /etc/apparmor.d: a system whose AppArmor is older than 4 cannot load it.
install(FILES packaging/apparmor/failcore DESTINATION ${CMAKE_INSTALL_DATADIR}/failcore/apparmor)

# The names that each shell's own packages use for completions of others.
set(FAILCORE_ZSH_COMPLETIONS ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
    "Where zsh finds the completions of packages")
set(completion cli/completion)
foreach(program failcore failcore-mount failcore-netns)
    install(FILES ${completion}/failcore.bash RENAME ${program}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${completion}/failcore.fish RENAME ${program}.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
install(FILES ${completion}/failcore.zsh RENAME _failcore DESTINATION ${FAILCORE_ZSH_COMPLETIONS})

# Nothing of these starts by itself: an administrator enables an instance.
set(FAILCORE_SYSTEMD_DIR lib/systemd CACHE STRING "Where systemd's units of packages are")
set(FAILCORE_TMPFILES_DIR lib/tmpfiles.d CACHE STRING "Where tmpfiles.d files of packages are")
file(GLOB units CONFIGURE_DEPENDS packaging/systemd/*/*.in)
foreach(unit ${units})
    cmake_path(GET unit PARENT_PATH kind)
    cmake_path(GET kind FILENAME kind)
    cmake_path(GET unit STEM LAST_ONLY name)
    configure_file(${unit} ${CMAKE_BINARY_DIR}/systemd/${kind}/${name} @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/systemd/${kind}/${name}
        DESTINATION ${FAILCORE_SYSTEMD_DIR}/${kind})
endforeach()
install(FILES packaging/tmpfiles/failcore.conf DESTINATION ${FAILCORE_TMPFILES_DIR})
set(FAILCORE_SYSUSERS_DIR lib/sysusers.d CACHE STRING "Where sysusers.d files of packages are")
install(FILES packaging/sysusers/failcore.conf DESTINATION ${FAILCORE_SYSUSERS_DIR})

# Man pages are made where scdoc is; a checkout without it still builds and installs the rest.
find_program(SCDOC scdoc)
if(SCDOC)
    file(GLOB pages CONFIGURE_DEPENDS docs/man/*.scd)
    foreach(page ${pages})
        cmake_path(GET page STEM LAST_ONLY name)
        cmake_path(GET name EXTENSION LAST_ONLY section)
        string(SUBSTRING ${section} 1 1 section)
        add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/${name}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
            COMMAND ${CMAKE_COMMAND} -DSCDOC=${SCDOC} -DPAGE=${page}
                    -DOUTPUT=${CMAKE_BINARY_DIR}/man/${name}
                    -P ${PROJECT_SOURCE_DIR}/cmake/scdoc.cmake
            DEPENDS ${page} VERBATIM)
        list(APPEND made ${CMAKE_BINARY_DIR}/man/${name})
        install(FILES ${CMAKE_BINARY_DIR}/man/${name}
            DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
    add_custom_target(man ALL DEPENDS ${made})
else()
    message(STATUS "scdoc is not there: no man pages are made")
endif()
