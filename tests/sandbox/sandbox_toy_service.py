"""The smallest service that can be served: it keeps a number."""


class Toy:
    name = "toy"
    request_handler = None

    def __init__(self, context):
        self.context = context
        self.value = 0

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            self.value += 1
        body = str(self.value).encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    def operation(self, environ):
        return "toy." + {"POST": "Add"}.get(environ["REQUEST_METHOD"], "Show")

    def refuse(self, _environ, fault):
        return "418 I'm a teapot", [("Content-Type", "text/plain")], fault.kind.value.encode()

    def control(self, action, _body):
        if action == "reset":
            self.value = 0
            return {"value": 0}
        raise LookupError(f"no control action {action}")

    def environment(self, url):
        return {"TOY_ENDPOINT": url}

    def close(self):
        pass
