"""The command line: options in, a library call, output out, no logic. `csncost.cli.main:main` is the entry point."""
