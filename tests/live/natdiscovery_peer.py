"""A peer under the protocol of harness/programs/EXEC.md that does nothing but ask coturn's turnutils_natdiscovery what it
is behind, when it is told to call, and says what that prints."""
import json
import os
import subprocess
import sys
import threading


def say(**event):
    print(json.dumps(event), flush=True)


def discover():
    server, = (url for ice in json.loads(os.environ["HAIRPIN_ICE_SERVERS"]) for url in ([ice["urls"]] if isinstance(
        ice["urls"], str) else ice["urls"]) if url.startswith("stun:"))
    address = server.removeprefix("stun:").rsplit(":", 1)[0].strip("[]")
    for test in os.environ["TESTS"].split():
        command = ["turnutils_natdiscovery", test, address]
        found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        for line in found.stdout.splitlines():
            say(event="log", text=f"{test} {line.strip()}")
    say(event="log", text="discovered")


def main():
    say(event="ready")
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "call" and os.environ.get("TESTS"):
            threading.Thread(target=discover, daemon=True).start()
        elif command["do"] == "finish":
            return


main()
