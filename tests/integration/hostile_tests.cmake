# Attacks from a hostile review, one file per surface.
foreach(name names places set_id swap)
    failcore_integration_test(hostile_${name} hostile_${name}.sh)
endforeach()
