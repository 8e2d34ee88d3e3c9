"""The simulator as a process: a ready line at once, and an orderly end."""

import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit


def test_the_ready_line_says_how_to_reach_the_org_and_a_signal_ends_it() -> None:
    command = [
        sys.executable,
        "-m",
        "crmsync_salesforce.simulator",
        "--records",
        "10",
        "--seed",
        "7",
        "--tls",
        "--users",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {
            *("url", "api_version", "client_id", "client_secret", "username", "password", "security_token"),
            *("access_token", "ca_file", "control_url", "users"),
        }
        assert [one["name"] for one in ready["users"]] == ["full", "minimum", "restricted"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_without_tls_it_speaks_plain_http() -> None:
    command = [sys.executable, "-m", "crmsync_salesforce.simulator", "--records", "5", "--big", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        address = urlsplit(ready["url"])
        connection = HTTPConnection(address.hostname or "", address.port, timeout=5)
        connection.request("GET", "/control/records/Contact?limit=0")
        assert json.loads(connection.getresponse().read())["count"] == 25
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
