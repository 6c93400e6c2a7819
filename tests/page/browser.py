"""A small driver of headless Chromium over its DevTools pipe: stdlib only, no port, no sleep.

Chromium reads commands from descriptor 3 and writes answers and events to descriptor 4, JSON texts that end in NUL. The
tab's console, exceptions and network requests are collected from the start; a wait is a promise of the page
(`Runtime.evaluate` with awaitPromise) or an event.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile

PATIENCE = 60  # seconds until a browser that says nothing is given up


def chromium():
    """The program, or None."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        path = name and shutil.which(name)
        if path:
            return path
    return None


class PageError(AssertionError):
    """An expression threw in the page, or Chromium refused a command."""


class Browser:
    """One Chromium with one tab at a time. Use as a context manager."""

    def __init__(self, width=1280, height=900):
        self.profile = tempfile.mkdtemp(prefix="hairpin-chromium-")
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        arguments = [
            chromium(), "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
            f"--window-size={width},{height}", "--no-first-run", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--force-color-profile=srgb",
            # Without the last, a page that changes its address 200 times in ten seconds has the next changes swallowed.
            "--disable-ipc-flooding-protection", "about:blank"]
        if os.geteuid() == 0:
            arguments.insert(1, "--no-sandbox")

        def hand_over():
            # Each goes to a high number first: 3 and 4 may be taken by the other.
            read, write = os.dup2(to_browser, 103), os.dup2(from_browser, 104)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            arguments, close_fds=False, preexec_fn=hand_over, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = bytearray()
        self.number = 0
        self.session = None
        self.events = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for descriptor in (self.out, self.into):
            os.close(descriptor)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # a group of its own: this browser and its helpers
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- the protocol ----

    def _next(self):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.into], [], [], PATIENCE)
            data = os.read(self.into, 1 << 20) if ready else b""
            if not ready:
                raise PageError(f"Chromium said nothing for {PATIENCE} s")
            if not data:
                raise PageError("Chromium went away")
            self.buffer += data
        text, _, rest = bytes(self.buffer).partition(b"\0")
        self.buffer = bytearray(rest)
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def command(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']}")
                return answer["result"]

    def wait_for(self, method, since=0):
        """The first event of that name after the first `since` ones."""
        while True:
            for event in self.events[since:]:
                if event["method"] == method:
                    return event["params"]
            self._next()

    # ---- the tab ----

    def open(self, path, fragment=""):
        """Opens a file; returns when the page says that it is drawn."""
        seen = len(self.events)
        self.command("Page.navigate", url="about:blank")
        self.wait_for("Page.loadEventFired", seen)
        self.events.clear()
        self.command("Page.navigate", url=pathlib.Path(path).resolve().as_uri() + fragment)
        self.wait_for("Page.loadEventFired")
        self.settled()

    def settled(self):
        """What the page is drawing is finished."""
        return self.run("window.hairpinSettled()")

    def run(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
                              userGesture=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def resize(self, width, height=900):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=False)

    def prefer(self, scheme, **features):
        """Media features: prefer("dark", **{"prefers-reduced-motion": "reduce"})."""
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            *({"name": name, "value": value} for name, value in features.items())])

    def key(self, key, code=None, virtual=0, shift=False):
        """One press of a key by its name: "Enter", "ArrowDown", "a"."""
        text = {"Enter": "\r", "Tab": ""}.get(key, key if len(key) == 1 else "")
        virtual = virtual or {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37,
                              "ArrowRight": 39, "Home": 36, "End": 35, " ": 32}.get(key, 0)
        common = {"key": key, "code": code or key, "windowsVirtualKeyCode": virtual, "modifiers": 8 if shift else 0}
        self.command("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, selector):
        """A real click in the middle of the first element that matches, scrolled into view."""
        place = self.run(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            if (!element) throw new Error("nothing matches " + {json.dumps(selector)});
            element.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        self.settled()

    def type(self, selector, text):
        """Puts the focus there and types."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.command("Input.insertText", text=text)
        self.settled()

    def forget(self):
        """What pages stored: a theme that was chosen."""
        self.run("localStorage.clear()")

    def texts(self, selector):
        """The texts of all elements that match."""
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)")

    def screenshot(self, path, whole=False, clip_height=None):
        """A picture of the window, or of the whole page in a window made as high (what is off the window is not drawn)."""
        width, height = self.run("[innerWidth, innerHeight]")
        if whole:
            self.resize(width, min(self.run("document.documentElement.scrollHeight"), clip_height or 6000))
            self.settled()
        data = self.command("Page.captureScreenshot", format="png")["data"]
        self.resize(width, height)
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    # ---- what must not be ----

    def complaints(self):
        """Console errors and warnings, exceptions, and log entries since the page was opened."""
        self.run("0")  # whatever was said before is here when this is answered
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
            elif event["method"] == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
        return found

    def requests(self):
        """Every address that was asked for except the file itself."""
        self.run("0")
        urls = [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("file:///", "about:"))] + \
            [url for url in urls if url.startswith("file:///")][1:]
