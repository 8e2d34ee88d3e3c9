"""The simulator as a process: a ready line at once, and an orderly end."""

import json
import signal
import subprocess
import sys


def test_the_ready_line_says_how_to_reach_the_environment_and_a_signal_ends_it() -> None:
    """One line of JSON has all that a client needs, and SIGTERM ends the process well."""
    command = [sys.executable, "-m", "crmsync_dynamics.simulator", "--records", "10", "--seed", "7", "--tls", "--users"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {
            *("url", "token_url", "tenant_id", "client_id", "client_secret", "access_token", "ca_file", "control_url"),
            "users",
        }
        assert [one["name"] for one in ready["users"]] == ["full", "minimum", "restricted"]
        assert ready["url"].startswith("https://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
