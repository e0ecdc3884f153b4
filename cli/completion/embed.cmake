# Writes scripts.c: the completion scripts as bytes. Run by the build:
#   cmake -DSOURCE=cli/completion -DOUTPUT=scripts.c -P embed.cmake
set(text "#include \"cli/completion/scripts.h\"\n\n")
set(rows "")
foreach(shell bash zsh fish)
    file(READ ${SOURCE}/failcore.${shell} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes ${bytes})
    string(APPEND text "static const unsigned char ${shell}_script[] = {${bytes}};\n")
    string(APPEND rows "    {\"${shell}\", ${shell}_script, sizeof(${shell}_script)},\n")
endforeach()
string(APPEND text "\nconst struct completion_script completion_scripts[] = {\n${rows}};\n"
    "const size_t completion_script_count = "
    "sizeof(completion_scripts) / sizeof(completion_scripts[0]);\n")
file(WRITE ${OUTPUT} "${text}")
