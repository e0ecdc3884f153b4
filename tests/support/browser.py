"""A headless Chromium, driven over its debugging pipe: what a person would see and do.

    with Browser("chromium", directory) as browser:
        page = browser.page(1280, 900, dark=False)
        page.open("file:///…")
        page.evaluate("document.title")

Nothing but the standard library. Every request that is not of the page's own file, and every
message of the console, is kept in `page.requests` and `page.messages`.
"""
import base64
import fcntl
import json
import os
import subprocess
import time


def above(descriptor):
    """The same, clear of the numbers that the browser wants for itself."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Browser:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory

    def __enter__(self):
        to_browser, self.to = map(above, os.pipe())
        self.of, from_browser = map(above, os.pipe())
        # The browser reads from its descriptor 3 and writes to 4.
        script = f'exec 3<&{to_browser} 4>&{from_browser} {to_browser}<&- {from_browser}>&-; exec "$@"'
        options = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.directory}/profile", "--no-first-run",
                   "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--mute-audio"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # which root cannot have; the page is a file of ours
        environment = {**os.environ, "HOME": self.directory, "XDG_CONFIG_HOME": self.directory, "XDG_CACHE_HOME": self.directory}
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.process = subprocess.Popen(["bash", "-c", script, "browser", self.program, *options], env=environment,
                                        pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.next_id, self.pages = b"", 0, {}
        return self

    def __exit__(self, *unused):
        try:
            self.call("Browser.close")
        except (OSError, EOFError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.of)

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.of, 1 << 20)
            if not more:
                raise EOFError("the browser has gone")
            self.rest += more
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, session=None, **parameters):
        self.next_id += 1
        wanted = self.next_id
        request = {"id": wanted, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            message = self.message()
            if message.get("id") == wanted:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            if message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].notice(message["method"], message["params"])

    def page(self, width, height, dark=False, scripts=True):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session, width, height, dark, scripts)


class Page:
    def __init__(self, browser, target, session, width, height, dark, scripts):
        self.browser, self.target, self.session = browser, target, session
        self.sent, self.messages, self.loaded = {}, [], False
        browser.pages[session] = self
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.media(dark=dark)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    @property
    def requests(self):
        return list(self.sent.values())

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def media(self, dark=False, kind="screen"):
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def notice(self, method, parameters):
        if method == "Network.requestWillBeSent":
            self.sent[parameters["requestId"]] = parameters["request"]["url"]
        elif method == "Network.loadingFailed" and parameters.get("blockedReason") == "csp":
            self.sent.pop(parameters["requestId"], None)  # announced, and never made
        elif method == "Log.entryAdded":
            self.messages.append(parameters["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.messages.append(parameters["exceptionDetails"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.messages.append("dialog: " + parameters["message"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def open(self, url, seconds=60):
        """Seconds until the page is loaded and has drawn its first picture."""
        self.loaded = False
        began = time.monotonic()
        self.call("Page.navigate", url=url)
        while not self.loaded:
            message = self.browser.message()
            if message.get("sessionId") == self.session:
                self.notice(message["method"], message["params"])
            if time.monotonic() - began > seconds:
                raise RuntimeError("the page does not load")
        return time.monotonic() - began

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def frame(self):
        """The next picture is drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def key(self, key, text=None):
        codes = {"ArrowDown": 40, "ArrowUp": 38, "PageDown": 34, "PageUp": 33, "Home": 36, "End": 35, "Enter": 13,
                 "Escape": 27, "Tab": 9, " ": 32}
        code = codes.get(key, ord(key[0].upper()))
        text = text if text is not None else (key if len(key) == 1 else "\r" if key == "Enter" else "")
        down = {"type": "keyDown" if text else "rawKeyDown", "key": key, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
        if text:
            down["text"] = text
        self.call("Input.dispatchKeyEvent", **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code, nativeVirtualKeyCode=code)

    def screenshot(self, path, whole=False):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))

    def pdf(self, path):
        data = self.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.pages.pop(self.session, None)
