"""A process tree that uses a known amount of CPU: `burner.py own child thread`, in seconds.

It burns `own` itself, `child` in a child that has ended and was waited for, and `thread` in a thread that has ended;
says "ready" before and "done" after, each with the seconds that it has used until then, and waits for a line after it.
"""

import resource
import subprocess
import sys
import threading
import time


def burn(clock: int, seconds: float) -> None:
    """Until the clock has advanced by `seconds`."""
    end = time.clock_gettime(clock) + seconds
    while time.clock_gettime(clock) < end:
        pass


def main(own: float, child: float, thread: float) -> None:
    """All of it, one after the other."""
    say("ready")
    burn(time.CLOCK_THREAD_CPUTIME_ID, own)
    if child:
        subprocess.run([sys.executable, __file__, "--child", str(child)], check=True)
    if thread:
        worker = threading.Thread(target=burn, args=(time.CLOCK_THREAD_CPUTIME_ID, thread))
        worker.start()
        worker.join()
    say("done")


def say(word: str) -> None:
    """With what the kernel has charged this process and the children that it has waited for; then wait."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(word, sum(usage.ru_utime + usage.ru_stime for usage in usages), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        burn(time.CLOCK_THREAD_CPUTIME_ID, float(sys.argv[2]))
    else:
        main(*map(float, sys.argv[1:]))
