# failcore_embed(TARGET SYMBOL file): the file's bytes as `const char SYMBOL[]` and
# `const size_t SYMBOL_length`, made at build time from the file as it is.
function(failcore_embed target symbol file)
    set(source ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    add_custom_command(OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -DSOURCE=${source} -DMADE=${made} -DSYMBOL=${symbol}
                -P ${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake
        DEPENDS ${source} ${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake VERBATIM)
    target_sources(${target} PRIVATE ${made})
endfunction()
