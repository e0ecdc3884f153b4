# Tests of `failcore run` and what belongs to it.
foreach(name breaker exec_race mass_delete durable streams workspace view choices hostile confinement death network limits operator rules layers stuck tools build user_demo)
    failcore_integration_test(run_${name} run_${name}.sh)
endforeach()
failcore_integration_test(doctor doctor.sh)
# It builds most of failcore twice.
failcore_patience(integration/run_build 600)
