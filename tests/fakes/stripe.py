"""A Stripe on loopback: checkouts, refunds and signed events; and misbehaves as it is told."""

import hmac
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

SECRET: Final = "whsec_of_the_test"
KEY: Final = "sk_test_of_the_test"

Made = dict[str, Any]


class FakeStripe(ThreadingHTTPServer):
    """Keeps what is made, once for each Idempotency-Key; `asked` are the calls, in order.

    `faults` are what the next calls meet after they have been done: a status to answer instead, or
    0 to hang up.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.sessions: dict[str, Made] = {}
        self.refunds: dict[str, Made] = {}
        self.asked: list[tuple[str, str]] = []
        self.faults: list[int] = []
        self.refund_status = "succeeded"
        self._by_key: dict[str, Made] = {}
        self._lock = Lock()
        self._numbers = count(1)
        self._thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def session(self) -> Made:
        """The only checkout there is."""
        (made,) = self.sessions.values()
        return made

    def pay(self, session: Made, **odd: Any) -> Made:
        """Pay a checkout; `odd` is what is not as it was ordered."""
        cents = odd.get("amount_total", session["amount_total"])
        charge = {"id": "ch_1", "amount": cents, "amount_refunded": 0, "disputed": False}
        intent = {"id": f"pi_{session['id']}", "status": "succeeded", "latest_charge": charge}
        paid = {"status": "complete", "payment_status": "paid", "payment_intent": intent}
        session.update(paid, url=None, **odd)
        return session

    def make(self, path: str, form: Mapping[str, str], key: str) -> tuple[int, Made]:
        """Make a checkout or a refund, once for a key."""
        with self._lock:
            if key not in self._by_key:
                maker = self._new_session if path.endswith("sessions") else self._new_refund
                self._by_key[key] = maker(form)
            made = self._by_key[key]
        return (400, made) if "error" in made else (200, made)

    def find(self, path: str) -> tuple[int, Made]:
        """Return a checkout or a refund by its path."""
        name = path.rsplit("/", 1)[1]
        found = self.sessions.get(name) or self.refunds.get(name)
        return (200, found) if found else (404, {"error": {"code": "resource_missing"}})

    def _new_session(self, form: Mapping[str, str]) -> Made:
        name = f"cs_test_{next(self._numbers)}"
        line = "line_items[0][price_data]"
        self.sessions[name] = {
            "id": name,
            "client_reference_id": form["client_reference_id"],
            "amount_total": int(form[f"{line}[unit_amount]"]),
            "currency": form[f"{line}[currency]"],
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "url": f"https://checkout.stripe.com/c/{name}",
            "form": dict(form),
        }
        return self.sessions[name]

    def _new_refund(self, form: Mapping[str, str]) -> Made:
        charge = self._charge_of(form["payment_intent"])
        cents = int(form["amount"])
        if charge["amount_refunded"] + cents > charge["amount"]:
            return {"error": {"code": "charge_already_refunded"}}
        charge["amount_refunded"] += cents
        name = f"re_{next(self._numbers)}"
        told = {each: form[f"metadata[{each}]"] for each in ("purchase", "number")}
        self.refunds[name] = {
            "id": name, "status": self.refund_status, "amount": cents, "metadata": told,
            "payment_intent": form["payment_intent"],
        }  # fmt: skip
        return self.refunds[name]

    def _charge_of(self, intent: str) -> Made:
        intents = [each["payment_intent"] for each in self.sessions.values()]
        found = next(each for each in intents if each and each["id"] == intent)
        charge: Made = found["latest_charge"]
        return charge


class Answering(BaseHTTPRequestHandler):
    """One call."""

    server: FakeStripe
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._tell(lambda: self.server.find(urlsplit(self.path).path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        key = self.headers["Idempotency-Key"]
        self._tell(lambda: self.server.make(self.path, form, key))

    def _tell(self, work: Callable[[], tuple[int, Made]]) -> None:
        """Do what is asked, then answer, or what else the test wants."""
        self.server.asked.append((self.command, urlsplit(self.path).path))
        if self.headers["Authorization"] != f"Bearer {KEY}" or not self.headers["Stripe-Version"]:
            self._answer(401, {"error": {"type": "invalid_request_error"}})
            return
        status, made = work()
        fault = self.server.faults.pop(0) if self.server.faults else status
        if fault == 0:
            self.close_connection = True
            return
        self._answer(fault, made if fault == status else {"error": {"type": "api_error"}})

    def _answer(self, status: int, made: Made) -> None:
        body = json.dumps(made).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def event(kind: str, about: Made) -> bytes:
    """Return an event as Stripe writes it."""
    told = {name: each for name, each in about.items() if name != "form"}
    intent = told.get("payment_intent")
    if isinstance(intent, dict):
        told["payment_intent"] = intent["id"]
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": told}}, indent=2).encode()


def signed(body: bytes, moment: int, secret: str = SECRET) -> str:
    """Return the `Stripe-Signature` of a body."""
    return f"t={moment},v1={mac(body, moment, secret)}"


def mac(body: bytes, moment: int, secret: str = SECRET) -> str:
    """Return one signature."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
