/*
 * The program: nothing but a command line.
 */
#include "main/command.h"

#include <unistd.h>

int main(int argc, char **argv)
{
    enum command_exit code = command_main(argc, argv, environ);

    return (int)code;
}
