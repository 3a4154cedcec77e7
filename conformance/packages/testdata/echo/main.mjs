// Servers of ws on servers of node:http, and on ports of their own.
import http from "node:http";
import { WebSocketServer } from "ws";

const log = console.log;
const once = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const listening = (s) => new Promise((resolve) => s.once("listening", resolve));
const closed = (s) => new Promise((resolve) => s.close(resolve));
const connect = async (url, protocols) => {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  await once(socket, "open");
  return socket;
};

// Of a server that answers requests, too.
const server = http.createServer((req, res) => res.end("page"));
const echo = new WebSocketServer({ server, path: "/echo", perMessageDeflate: true, handleProtocols: (offered) => (offered.has("two") ? "two" : false) });
echo.on("connection", (s, req) => {
  log("connection", req.url, s.protocol, s.extensions !== undefined);
  s.on("message", (data, binary) => s.send(data, { binary }));
});
server.listen(0, "127.0.0.1");
await listening(server);
const at = `127.0.0.1:${server.address().port}`;
let c = await connect(`ws://${at}/echo`, ["one", "two"]);
log(c.protocol);
for (const message of ["hi", "größe ✓", "x".repeat(200_000), new Uint8Array([0, 1, 255]), ""]) {
  const answer = once(c, "message");
  c.send(message);
  const { data } = await answer;
  log(typeof data === "string" ? [data.length, data.slice(0, 10)] : [...new Uint8Array(data)]);
}
let end = once(c, "close");
const heard = new Promise((resolve) => [...echo.clients][0].once("close", (code, reason) => resolve([code, String(reason)])));
c.close(3001, "enough");
log("client hears", (await end).code);
log("server hears", ...(await heard));
log(await (await fetch(`http://${at}/echo`)).text());
c = new WebSocket(`ws://${at}/other`);
await once(c, "error");
log("refused");
// The server's own words: a ping, and the end.
const arrived = new Promise((resolve) => echo.once("connection", resolve));
c = await connect(`ws://${at}/echo`);
const s = await arrived;
const pong = new Promise((resolve) => s.once("pong", resolve));
s.ping("anyone?");
log(String(await pong));
end = once(c, "close");
s.close(4000, "no more");
const { code, reason, wasClean } = await end;
log(code, reason, wasClean);
// One that is cut.
const next = new Promise((resolve) => echo.once("connection", resolve));
c = await connect(`ws://${at}/echo`);
const cut = await next;
end = once(c, "close");
cut.terminate();
log((await end).code, echo.clients.size <= 1);
await closed(echo);
await closed(server);

// Of a port.
const own = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await listening(own);
own.on("connection", (s) => s.send("welcome"));
const first = new WebSocket(`ws://127.0.0.1:${own.address().port}`);
log((await once(first, "message")).data);
end = once(first, "close");
first.close();
await end;
const plain = await fetch(`http://127.0.0.1:${own.address().port}`);
log(plain.status, await plain.text());
await closed(own);

// Of upgrades that the program handles itself.
const gate = http.createServer();
const inside = new WebSocketServer({ noServer: true });
gate.on("upgrade", (req, socket, head) => {
  if (req.headers["sec-websocket-protocol"] !== "key") return void socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
  inside.handleUpgrade(req, socket, head, (s) => s.send(`in by ${req.url}`));
});
gate.listen(0, "127.0.0.1");
await listening(gate);
const door = `ws://127.0.0.1:${gate.address().port}/gate`;
const wrong = new WebSocket(door, "other");
await once(wrong, "error");
log("outside");
const right = new WebSocket(door, "key");
log((await once(right, "message")).data);
end = once(right, "close");
right.close();
await end;
await closed(gate);
log("over");
