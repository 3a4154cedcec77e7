
// The connections of servers of node:http: what is parsed becomes requests, whose answers
// go out in their order.
const { _parts: { coded, faultOf, messageOf }, continueExpression } = require("node:_http_common");
const { readStart, readStop } = require("node:_http_incoming");
const { over } = require("internal/http_response");
const { Buffer } = require("node:buffer");
const { kIncomingMessage, kServerResponse } = require("internal/http");
const { kCloudflare } = require("internal/http_symbols");
const { sending, drained } = require("internal/http_sending");
const { make } = require("internal/codes");
const { regExpTest } = primordials;
const { nextTick } = require("internal/process");
const { performance } = globalThis;
const now = performance.now.bind(performance);

const kConnections = Symbol("http.server.connections"), kConnection = Symbol("http.server.connection"), kJoined = Symbol("http.server.joined");
const nop = () => {};
const reset = (text) => coded(text, { code: "ECONNRESET" });
const none = Buffer.alloc(0);

// What a client reads whose request cannot be read.
const refusals = {
  __proto__: null, HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large", HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large", ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};
const refusal = (code) => `HTTP/1.1 ${refusals[code] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`;

function onTimeout() {
  const req = this.parser?.incoming, heard = req && !req.complete && req.emit("timeout", this);
  const res = this._httpMessage, answered = res && res.emit("timeout", this), served = this.server.emit("timeout", this);
  if (!heard && !answered && !served) this.destroy();
}
function onError(e) {
  this.removeListener("error", onError);
  if (this.listenerCount("error", nop) === 0) this.on("error", nop);
  if (this.server.emit("clientError", e, this)) return;
  // Nothing is said into an answer that has begun.
  if (this.writable && !this._httpMessage?._headerSent) this.write(refusal(e.code), "latin1", () => this.destroy(e));
  else this.destroy(e);
}

// build makes connectionListener, which makes a socket one of a server; native makes the parser.
// More than mostRequests requests of a connection do not wait for their answers.
function build(native, mostRequests) {
  // Connection is what a server knows of one of its sockets; it is the socket's parser, too.
  class Connection {
    incoming = null; // the message that is being read
    socket;
    #server;
    #native;
    #requests = []; // that are not answered
    #answers = []; // that wait for their turn
    #pending = 0; // bytes of these
    #served = 0;
    #idling = false; // the socket has the timeout of one that waits for a request
    #freed = false;
    began; // when the message began that is being read; 0 between two
    headed = false;
    onIncoming = null;
    constructor(server, socket, native) {
      this.#server = server;
      this.socket = socket;
      this.#native = native;
      this.began = now(); // who says nothing is timed, too
    }
    listen() {
      const { socket } = this;
      socket.on("error", onError);
      socket.on("close", () => this.#onClose());
      socket.on("end", this.#onEnd);
      socket.on("data", this.#onData);
      socket.on("drain", this.#onDrain);
    }
    get idle() { return this.began === 0 && !(this.socket._httpMessage && !this.socket._httpMessage.finished); }
    // late says that a request takes longer than it may.
    late(headers, request) {
      if (this.began === 0) return false;
      const since = now() - this.began;
      return (!this.headed && headers > 0 && since > headers) || (request > 0 && since > request);
    }
    expire() { onError.call(this.socket, make(Error, "ERR_HTTP_REQUEST_TIMEOUT", "Request timeout")); }
    finish() {}
    free() {
      if (this.#freed) return;
      this.#freed = true;
      this.#server[kConnections].delete(this);
      if (this.socket.parser === this) this.socket.parser = null;
    }
    #onClose() {
      this.free();
      this.#abort();
    }
    #abort() {
      while (this.#requests.length > 0) this.#requests.shift().destroy(reset("aborted"));
    }
    #onEnd = () => {
      const { socket } = this;
      const parts = this.#freed ? [] : this.#native.finish();
      if (parts.length > 0 && parts[0][0] === "fault") return void onError.call(socket, faultOf(parts[0]));
      if (parts.length > 0) this.#ended([]);
      if (!this.#server.httpAllowHalfOpen) {
        if (socket.writable) socket.end();
      } else if (this.#answers.length > 0) this.#answers[this.#answers.length - 1]._last = true;
      else if (socket._httpMessage) socket._httpMessage._last = true;
      else if (socket.writable) socket.end();
    };
    #onDrain = () => {
      const { socket } = this;
      if (socket._paused && this.#pending <= socket.writableHighWaterMark && this.#requests.length < mostRequests) {
        socket._paused = false;
        socket.resume();
      }
      const m = socket._httpMessage;
      if (m && !m.finished) drained(m);
    };
    #onData = (bytes) => {
      if (this.#freed) return;
      let parts = this.#native.feed(bytes), base = 0;
      for (let i = 0; i < parts.length; i++) {
        const p = parts[i];
        switch (p[0]) {
          case "head":
            this.#begin(p, false);
            break;
          case "upgraded": {
            const from = base + parts[i + 1][1];
            if (this.#begin(p, true)) return void this.#leave(bytes.subarray(from));
            parts = this.#native.ordinary();
            i = -1;
            for (const q of parts) {
              if (q[0] === "end") this.#ended(q[1]);
              else if (q[0] === "fault") return void this.#fault(faultOf([q[0], q[1], q[2], from], bytes));
            }
            base = from;
            parts = this.#native.feed(from === 0 ? bytes : bytes.subarray(from));
            break;
          }
          case "body":
            this.#body(bytes.subarray(base + p[1], base + p[2]));
            break;
          case "end":
            this.#ended(p[1]);
            break;
          case "fault":
            return void this.#fault(faultOf([p[0], p[1], p[2], base + p[3]], bytes));
        }
        if (this.#freed) return;
      }
      // A message of which the first bytes are there has begun.
      if (this.began === 0 && parts.length > 0 && parts[parts.length - 1][0] !== "end") this.began = now();
      if (this.socket._paused) this.socket.pause();
    };
    #fault(e) { onError.call(this.socket, e); }
    #body(bytes) {
      const req = this.incoming;
      if (req !== null && !req._dumped && !req.push(bytes)) readStop(this.socket);
    }
    #ended(trailers) {
      const req = this.incoming;
      this.began = 0;
      this.headed = false;
      if (req === null || req.complete) return;
      req.complete = true;
      if (trailers.length > 0) req._addHeaderLines(trailers, trailers.length);
      req.push(null);
      readStart(this.socket);
    }
    // #begin makes a request of a head, and hands it out with its answer; true says that it leaves HTTP.
    #begin(p, asks) {
      const server = this.#server, { socket } = this;
      const req = messageOf(server[kIncomingMessage], socket, p, p[5], server.maxHeadersCount ?? 1000, server.joinDuplicateHeaders);
      req.method = p[3];
      req.url = p[4];
      req.upgrade = asks && (req.method === "CONNECT" || server.listenerCount("upgrade") > 0);
      if (socket[kCloudflare] !== undefined) req.cloudflare = socket[kCloudflare];
      this.incoming = req;
      this.began ||= now();
      this.headed = true;
      if (this.#idling) {
        socket.setTimeout(server.timeout || 0);
        this.#idling = false;
      }
      if (req.upgrade) return true;
      this.#requests.push(req);
      // Who sends more requests than it reads answers of waits.
      if (!socket._paused && (socket._writableState.needDrain || this.#pending >= socket.writableHighWaterMark || this.#requests.length >= mostRequests)) {
        socket._paused = true;
        socket.pause();
      }
      const res = new server[kServerResponse](req, { highWaterMark: socket.writableHighWaterMark, rejectNonStandardBodyWrites: server.rejectNonStandardBodyWrites });
      res._keepAliveTimeout = server.keepAliveTimeout;
      res._maxRequestsPerSocket = server.maxRequestsPerSocket;
      const own = sending(res);
      own.pending = (bytes) => this.#onPending(bytes);
      own.joined = server[kJoined];
      res.shouldKeepAlive = p[6];
      if (socket._httpMessage) this.#answers.push(res);
      else res.assignSocket(socket);
      res.on("finish", () => this.#answered(req, res));
      this.#serve(req, res);
      return false;
    }
    #serve(req, res) {
      const server = this.#server, most = server.maxRequestsPerSocket, { headers } = req;
      let allowed = true;
      if (req.httpVersionMajor === 1 && req.httpVersionMinor === 1) {
        if (server.requireHostHeader && headers.host === undefined) {
          res.writeHead(400, ["Connection", "close"]);
          res.end();
          return;
        }
        if (typeof most === "number" && most > 0) {
          this.#served++;
          res.maxRequestsOnConnectionReached = most <= this.#served;
          allowed = most >= this.#served;
        }
      }
      if (!allowed) {
        server.emit("dropRequest", req, this.socket);
        res.writeHead(503);
        res.end();
      } else if (headers.expect === undefined) server.emit("request", req, res);
      else if (regExpTest(continueExpression, headers.expect)) {
        res._expect_continue = true;
        if (server.listenerCount("checkContinue") > 0) server.emit("checkContinue", req, res);
        else {
          res.writeContinue();
          server.emit("request", req, res);
        }
      } else if (server.listenerCount("checkExpectation") > 0) server.emit("checkExpectation", req, res);
      else {
        res.writeHead(417);
        res.end();
      }
    }
    #onPending(bytes) {
      this.#pending += bytes;
      const { socket } = this;
      if (socket._paused && this.#pending < socket.writableHighWaterMark) this.#onDrain();
    }
    // #answered goes on behind an answer that is written.
    #answered(req, res) {
      const { socket } = this, server = this.#server;
      this.#requests.shift();
      if (socket._paused && this.#requests.length === mostRequests - 1) this.#onDrain();
      if (!req._consuming) req._dump();
      res.detachSocket(socket);
      this.#clear(req);
      nextTick(over, res);
      if (res._last) {
        if (typeof socket.destroySoon === "function") socket.destroySoon();
        else socket.end();
      } else if (this.#answers.length === 0) {
        if (server.keepAliveTimeout && typeof socket.setTimeout === "function") {
          socket.setTimeout(server.keepAliveTimeout + (server.keepAliveTimeoutBuffer ?? 0));
          this.#idling = true;
        }
      } else this.#answers.shift().assignSocket(socket);
    }
    #clear(req) {
      if (this.incoming !== req) return;
      if (req.readableEnded) this.incoming = null;
      else req.on("end", () => this.#clear(req));
    }
    // #leave gives the socket to who wants another protocol.
    #leave(head) {
      const { socket } = this, server = this.#server, req = this.incoming;
      req.complete = true;
      req.push(null);
      socket.removeListener("data", this.#onData);
      socket.removeListener("end", this.#onEnd);
      socket.removeListener("drain", this.#onDrain);
      socket.removeListener("error", onError);
      socket.removeListener("timeout", onTimeout);
      this.free();
      const name = req.method === "CONNECT" ? "connect" : "upgrade";
      if (server.listenerCount(name) === 0) return void socket.destroy();
      socket.readableFlowing = null;
      server.emit(name, req, socket, head.length === 0 ? none : head);
    }
  }

  return function connectionListener(socket) {
    socket.server = this;
    if (this.timeout && typeof socket.setTimeout === "function") socket.setTimeout(this.timeout);
    socket.on("timeout", onTimeout);
    const connection = new Connection(this, socket, native(this.maxHeaderSize || 0, this.insecureHTTPParser === true));
    this[kConnections].add(connection);
    socket.parser = connection;
    socket[kConnection] = connection;
    socket._paused = false;
    connection.listen();
  };
}
return { build, kConnections, kJoined };
