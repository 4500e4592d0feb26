"""Measures `unrolled serve` with clients of its own, on loopback; every answer is checked.

    python benchmarks/serving.py speed      # requests a second of 32 clients: batching on and off, in turns
    python benchmarks/serving.py alone      # one client, one request after the other
    python benchmarks/serving.py overload   # twice the load that it can carry
    python benchmarks/serving.py soak       # memory over 100,000 requests

MNIST rows from UNROLLED_DATA, else random bytes; one LSTM layer of 128 units; one picture a request.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

from measuring import let_idle_threads_sleep, scratch_folder, test_rows
from prediction import make_model

CLIENTS = 32
PICTURES = 2000
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Question:
    """A request's bytes and the answer that is right."""

    request: bytes
    label: str
    probabilities: tuple[float, ...]


@dataclass
class Tally:
    """What came back.

    Attributes:
        statuses: answers by status.
        wrong: answers of 200 that are not what the model says.
        lost: requests that were never answered.
        latencies_ms: of the answers of 200.
        seconds: from the first request to the last answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    lost: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers of 200 a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """Of the latencies, ms."""
        return float(np.percentile(self.latencies_ms, share))


class Client:
    """One connection that asks, waits for the answer, and asks again."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.question: Question | None = None
        self.asked = 0.0

    def ask(self, question: Question) -> None:
        """Sends a request."""
        self.question, self.asked, self.buffer = question, time.perf_counter(), b""
        self.socket.sendall(question.request)

    def answer(self) -> tuple[int, bytes] | None:
        """Status and body, once they are there."""
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self.buffer += received
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        return (int(head[9:12]), body) if len(body) >= length else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "alone", "overload", "soak"))
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round (5)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (5)")
    parser.add_argument("--requests", type=int, default=100_000, help="of the soak (100,000)")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    rows, note = test_rows()
    with scratch_folder() as place:
        model = make_model(rows)
        model.save(place / "model")
        questions = make_questions(model, rows)
        gc.collect()
        gc.freeze()  # or the clients' own collector would make an answer wait for a fifth of a second
        print(f"{note}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}\n")
        {"speed": speed, "alone": alone, "overload": overload, "soak": soak}[arguments.what](
            place / "model", questions, arguments
        )


def speed(folder: Path, questions: Sequence[Question], arguments: argparse.Namespace) -> None:
    """Batching on and off, a round each in turn."""
    found: dict[str, list[Tally]] = {"batching": [], "one at a time": []}
    with serving(folder) as on, serving(folder, "--max-batch", "1") as off:
        for port in (on.port, off.port):
            load(port, questions, CLIENTS, 1.0)
        for number in range(arguments.rounds):
            order = [("batching", on.port), ("one at a time", off.port)]
            for name, port in order if number % 2 == 0 else order[::-1]:
                found[name].append(load(port, questions, CLIENTS, arguments.seconds))
    print("| | requests a second, median | p50, ms | p99, ms | wrong or lost |\n|---|---|---|---|---|")
    for name, tallies in found.items():
        print(
            f"| {name} | {statistics.median(t.rate for t in tallies):,.0f} "
            f"| {statistics.median(t.percentile(50) for t in tallies):.1f} "
            f"| {max(t.percentile(99) for t in tallies):.1f} (the worst round's) "
            f"| {sum(t.wrong + t.lost for t in tallies)} |"
        )
    ratios = [a.rate / b.rate for a, b in zip(*found.values(), strict=True)]
    print(
        f"\nbatching is {statistics.median(ratios):.2f} times as fast (rounds: {min(ratios):.2f} to {max(ratios):.2f})"
    )


def alone(folder: Path, questions: Sequence[Question], arguments: argparse.Namespace) -> None:
    """One client."""
    with serving(folder) as server:
        load(server.port, questions, 1, 1.0)
        tally = load(server.port, questions, 1, arguments.seconds)
    print(f"one client: median {tally.percentile(50):.2f} ms, p99 {tally.percentile(99):.2f} ms, {tally.rate:.0f}/s")


def overload(folder: Path, questions: Sequence[Question], arguments: argparse.Namespace) -> None:
    """Twice as many requests a second as 32 clients get answered, sent on time whether or not answers come."""
    with serving(folder, "--queue-size", "64", "--log-level", "warning") as server:
        load(server.port, questions, CLIENTS, 1.0)
        carried = load(server.port, questions, CLIENTS, arguments.seconds)
        tally = push(server.port, questions, 2 * carried.rate, arguments.seconds)
        after = load(server.port, questions, CLIENTS, 1.0)
    print(f"carried by 32 clients: {carried.rate:,.0f}/s; then {2 * carried.rate:,.0f}/s were sent")
    print(f"answers by status: {dict(sorted(tally.statuses.items()))}; wrong {tally.wrong}, lost {tally.lost}")
    print(f"p99 of those served {tally.percentile(99):.0f} ms; afterwards {after.rate:,.0f}/s")


def soak(folder: Path, questions: Sequence[Question], arguments: argparse.Namespace) -> None:
    """Memory of the server while it answers; a row each tenth."""
    total = Tally()
    with serving(folder) as server:
        load(server.port, questions, CLIENTS, 2.0)
        print("| requests | memory of the server, MiB |\n|---|---|")
        print(f"| warm | {server.memory_mib():.1f} |")
        while total.statuses[200] < arguments.requests:
            part = load(server.port, questions, CLIENTS, 3600.0, arguments.requests // 10)
            total.statuses += part.statuses
            total.wrong, total.lost = total.wrong + part.wrong, total.lost + part.lost
            print(f"| {total.statuses[200]:,} | {server.memory_mib():.1f} |", flush=True)
    print(f"\nanswers by status: {dict(total.statuses)}; wrong {total.wrong}, lost {total.lost}")


def load(port: int, questions: Sequence[Question], clients: int, seconds: float, requests: int = sys.maxsize) -> Tally:
    """So many clients, each asking anew when it is answered."""
    tally = Tally()
    crowd = {client.socket.fileno(): client for client in (Client(port) for _ in range(clients))}
    poll = select.epoll()
    asked = 0
    started = time.perf_counter()
    for client in crowd.values():
        poll.register(client.socket, select.EPOLLIN)
        client.ask(questions[asked % len(questions)])
        asked += 1
    waiting = len(crowd)
    while waiting:
        for number, _ in poll.poll():
            client = crowd[number]
            answer = client.answer()
            if answer is None:
                continue
            now = time.perf_counter()
            note(tally, client, answer, now)
            if asked < requests and now - started < seconds:
                client.ask(questions[asked % len(questions)])
                asked += 1
            else:
                waiting -= 1
    tally.seconds = time.perf_counter() - started
    for client in crowd.values():
        client.socket.close()
    return tally


def push(port: int, questions: Sequence[Question], rate: float, seconds: float) -> Tally:
    """Requests at a rate, each over a free connection, or over a new one where there is none."""
    tally = Tally()
    crowd: dict[int, Client] = {}
    free: list[Client] = []
    poll = select.epoll()
    asked, waiting = 0, 0
    started = time.perf_counter()
    while waiting or time.perf_counter() - started < seconds:
        due = min(rate * (time.perf_counter() - started), rate * seconds)
        while asked < due and time.perf_counter() - started < 2 * seconds and waiting < 4000:
            if not free:
                free.append(Client(port))
                crowd[free[-1].socket.fileno()] = free[-1]
                poll.register(free[-1].socket, select.EPOLLIN)
            free[-1].ask(questions[asked % len(questions)])
            free.pop()
            asked, waiting = asked + 1, waiting + 1
        events = poll.poll(0.001 if asked < rate * seconds else 10.0)
        if not events and asked >= rate * seconds:
            break
        for number, _ in events:
            answer = crowd[number].answer()
            if answer is not None:
                note(tally, crowd[number], answer, time.perf_counter())
                free.append(crowd[number])
                waiting -= 1
    tally.lost, tally.seconds = waiting, time.perf_counter() - started
    for client in crowd.values():
        client.socket.close()
    return tally


def note(tally: Tally, client: Client, answer: tuple[int, bytes], now: float) -> None:
    """Counts an answer, and whether it is right."""
    status, body = answer
    tally.statuses[status] += 1
    if status != 200:
        return
    tally.latencies_ms.append(1000 * (now - client.asked))
    prediction = orjson.loads(body)["predictions"][0]
    values = prediction["probabilities"].values()
    right = zip(values, client.question.probabilities, strict=True)
    if prediction["label"] != client.question.label or any(abs(a - b) > TOLERANCE for a, b in right):
        tally.wrong += 1


def make_questions(model, rows) -> list[Question]:
    """Requests of one picture each, and what the model says of it when it is asked alone."""
    questions = []
    for index in range(min(PICTURES, len(rows))):
        picture = rows.scaled(index)
        body = orjson.dumps({"sequences": [np.round(picture.astype(float), 4).tolist()]})
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        sent = np.array(orjson.loads(body)["sequences"][0], np.float32)
        values = model.predict_proba([sent])[0]
        questions.append(Question(head.encode() + body, model.classes[int(values.argmax())], tuple(map(float, values))))
    return questions


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def memory_mib(self) -> float:
        """What it holds of the machine's memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """`unrolled serve` as a user starts it, its log in a file, until the block ends."""
    command = [sys.executable, "-c", "from unrolled.cli.main import main; main()", "serve", str(folder), "--port", "0"]
    log = folder.parent / f"server{'-'.join(options)}.log"
    with log.open("w") as file:
        process = subprocess.Popen([*command, *options], stderr=file, text=True)
        try:
            yield Server(process, wait_for_port(process, log))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_for_port(process: subprocess.Popen[str], log: Path) -> int:
    """The port that the server says it serves on."""
    while process.poll() is None:
        found = re.search(r"serving on http://127\.0\.0\.1:(\d+)/", log.read_text())
        if found:
            with socket.create_connection(("127.0.0.1", int(found[1]))):
                return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(log.read_text())


if __name__ == "__main__":
    main()
