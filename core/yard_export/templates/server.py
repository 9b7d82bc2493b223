"""Serves the model over HTTP as SageMaker and Vertex AI ask it; needs onnxruntime and numpy only.

    python server.py MODEL_FOLDER

GET /ping and AIP_HEALTH_ROUTE say whether the model is loaded; POST /invocations and AIP_PREDICT_ROUTE take
{"instances": [{FIELD: value, ..}, ..]} and answer {"predictions": [..]} in order."""

import http.server
import json
import os
import signal
import sys
import threading

from scorer import Scorer

MOST_BYTES = 6 * 1024 * 1024


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scorer = None
    health = {"/ping", os.environ.get("AIP_HEALTH_ROUTE", "/ping")}
    predict = {"/invocations", os.environ.get("AIP_PREDICT_ROUTE", "/invocations")}

    def answer(self, status, value):
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200 if self.path in self.health else 404, None)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            return self.answer(413, {"error": f"expected a body of known length, at most {MOST_BYTES} bytes"})
        body = self.rfile.read(int(length))
        if self.path not in self.predict:
            return self.answer(404, {"error": "no such route"})
        try:
            request = json.loads(body)
            if not isinstance(request, dict) or "instances" not in request:
                raise ValueError('expected {"instances": [..]}')
            answers = self.scorer.predict(request["instances"])
        except (ValueError, RecursionError) as error:
            return self.answer(400, {"error": str(error)[:500]})
        self.answer(200, {"predictions": answers})

    def log_message(self, *_):
        pass


def main():
    Handler.scorer = Scorer(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MODEL_FOLDER", "/opt/ml/model"))
    port = int(os.environ.get("AIP_HTTP_PORT", "8080"))
    server = http.server.ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), port), Handler)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
