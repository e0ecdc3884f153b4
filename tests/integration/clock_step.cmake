# Our programs once more, in stepped/: the same objects with a wall clock that a test sets
# (tests/support/stepped_clock.c).
foreach(program failcore failcore-auditd failcore-mount failcore-netguard)
    get_target_property(libraries ${program} LINK_LIBRARIES)
    get_target_property(options ${program} LINK_OPTIONS)
    add_executable(stepped-${program} $<TARGET_OBJECTS:${program}>
        ${PROJECT_SOURCE_DIR}/tests/support/stepped_clock.c)
    failcore_common(stepped-${program})
    target_link_libraries(stepped-${program} PRIVATE ${libraries})
    target_link_options(stepped-${program} PRIVATE -Wl,--wrap=clock_gettime -Wl,--wrap=time)
    if(options)
        target_link_options(stepped-${program} PRIVATE ${options})
    endif()
    set_target_properties(stepped-${program} PROPERTIES OUTPUT_NAME ${program}
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/stepped)
endforeach()
failcore_integration_test(clock_step clock_step.sh)
