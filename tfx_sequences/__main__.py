"""`python -m tfx_sequences`, and the script `tfx-sequences`."""

# Every Python must be able to parse this module and __init__: no annotations, no f-strings.

import atexit
import sys

_OLDEST = (3, 10)


def main():
    """Runs the command line and returns its exit code.

    An interpreter that is too old to import the rest gets one message and exit code 2.
    """
    if sys.version_info < _OLDEST:
        sys.stderr.write(
            "Error: This Python is too old for tfx-sequences.\n"
            "  expected: Python 3.10 to 3.13\n"
            "  received: Python {}.{} ({})\n"
            "  fix:      Run it with a newer one: python3.11 -m tfx_sequences\n".format(
                sys.version_info[0], sys.version_info[1], sys.executable
            )
        )
        return 2
    from tfx_sequences.pipeline.commands.cli import main as run

    code = run()
    interrupted = code in (130, 143)
    if interrupted or "tensorflow" in sys.modules:
        # All files are closed. TensorFlow and Beam would take seconds to take apart what is in memory.
        from tfx_sequences.pipeline.commands.hard_stop import leave

        if not interrupted:
            # Libraries remove their temporary files there.
            atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        leave(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
