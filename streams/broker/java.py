"""The Java runtime on PATH, and whether it is new enough for Kafka.

Owns the question only; installing Java is the reader's part.
"""

import re
import shutil
import subprocess

OLDEST_JAVA = 17  # Kafka 4 brokers refuse anything older
ANSWER_SECONDS = 20.0


def java_release() -> int | None:
    """Return the feature release of the `java` on PATH, None when there is none that runs."""
    if (java := shutil.which("java")) is None:
        return None
    try:
        answer = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.SubprocessError):  # macOS ships a stub that only says "install me"
        return None
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(found.group(1)) if found else None


def has_java() -> bool:
    """Return whether Kafka can run here."""
    release = java_release()
    return release is not None and release >= OLDEST_JAVA
