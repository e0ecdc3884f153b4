# scdoc reads standard input and writes standard output.
execute_process(COMMAND ${SCDOC} INPUT_FILE ${PAGE} OUTPUT_FILE ${OUTPUT}
    RESULT_VARIABLE result ERROR_VARIABLE words)
if(NOT result EQUAL 0)
    file(REMOVE ${OUTPUT})
    message(FATAL_ERROR "${PAGE}: ${words}")
endif()
