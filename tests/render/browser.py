"""A headless Chromium without a network, spoken to over a pipe: what a page does, as its reader sees it."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ENOUGH = 1010  # above what a shell uses itself


def executable():
    """The path of Chromium, None where it is not, or where there is no bash to hand it a pipe."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found if found and shutil.which("bash") else None


class Browser:
    """One tab, driven by the DevTools protocol: `messages` are its errors and warnings, `requests` its addresses."""

    def __init__(self, width=1300, height=900):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._to, theirs, self._from, back = self._pipes()
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={self._profile.name}",
            f"--window-size={width},{height}", "--hide-scrollbars",
        ]  # fmt: skip
        start = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{back}', "browser", executable(), *options]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(start, pass_fds=(theirs, back), **quiet)
        os.close(theirs)
        os.close(back)
        self._buffer, self._count, self._session = b"", 0, None
        self.messages, self.requests = [], []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    @staticmethod
    def _pipes():
        """Our end and theirs of a pipe to the browser, and of one from it; theirs are numbered above 9."""
        theirs, ours = os.pipe()
        mine, back = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs, back)]
        os.close(theirs)
        os.close(back)
        return ours, high[0], mine, high[1]

    def send(self, method, timeout=60, **params):
        """The answer to a command."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            answer = self._read(deadline)
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def _read(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            piece = os.read(self._from, 1 << 20)
            assert piece, "the browser is gone"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)

    def _note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.messages.append(json.dumps(params))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.messages.append(json.dumps(params["args"]))

    def run(self, code):
        """The value of JavaScript, a promise awaited."""
        found = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, code, timeout=60):
        """Wait until JavaScript is true."""
        deadline = time.monotonic() + timeout
        while not self.run(code):
            assert time.monotonic() < deadline, f"never: {code}"
            time.sleep(0.03)

    def open(self, path):
        """Load a file."""
        self.messages.clear()
        self.requests.clear()
        self.send("Page.navigate", url=Path(path).as_uri())
        self.until(f"document.readyState === 'complete' && location.pathname.endsWith({Path(path).name!r})")

    def mouse(self, x, y, click=False):
        """Move the mouse to a place, and press it there."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def scheme(self, name):
        """Prefer light or dark pages."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path):
        """Keep what is seen as a PNG."""
        Path(path).write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def close(self):
        """End the browser."""
        self._session = None
        with contextlib.suppress(AssertionError, OSError):
            self.send("Browser.close", timeout=10)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()
