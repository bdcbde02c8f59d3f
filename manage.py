#!/usr/bin/env python
"""The way in: `demo`, `up` and `stop` run the whole house; every other command is Django's."""

import os
import sys


def run_django() -> None:
    """Hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def main() -> None:
    """Start what the environment does not name, then do what was asked."""
    runs_the_house = sys.argv[1:2] in (["demo"], ["up"], ["stop"])
    if not runs_the_house and os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        run_django()
        return
    try:
        from clinic.embedded import runner, servers
    except ModuleNotFoundError as missing:
        sys.exit(f"Set DATABASE_URL and REDIS_URL: the embedded servers are not installed here (no {missing.name}).")
    try:
        if runs_the_house:
            sys.exit(runner.main(sys.argv[1]))
        with servers.lent_to_this_process():
            run_django()
    except servers.CannotStart as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
