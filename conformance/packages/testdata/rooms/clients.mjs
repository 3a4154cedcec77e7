// The other side, run by node: `node clients.mjs <scenario> <host:port> <ms after which a room hibernates>`. It ends
// with 0 if all was as it should be.
import assert from "node:assert";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { PartySocket } from "partysocket";
import WebSocket from "ws";
import { readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import * as Y from "yjs";

const [scenario, host, idle] = process.argv.slice(2);
const later = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, holds) {
  for (const end = Date.now() + 30_000; !(await holds()); await later(10)) {
    assert(Date.now() < end, `never: ${what}`);
  }
}

function guest(name) {
  const socket = new PartySocket({ host, party: "lobby", room: "green", protocol: "ws", query: { name }, WebSocket, minReconnectionDelay: 50, maxReconnectionDelay: 200, connectionTimeout: 60_000 });
  const heard = [];
  socket.addEventListener("message", ({ data }) => heard.push(data));
  return { socket, heard, hears: (what) => until(`${name} hears ${what}`, () => heard.includes(what)) };
}

const room = async () => (await fetch(`http://${host}/parties/lobby/green`)).json();

// editor is a document that goes online and offline.
function editor(name) {
  const doc = new Y.Doc();
  const text = doc.getText("text");
  let ws;
  doc.on("update", (update, from) => {
    if (from === ws || ws?.readyState !== WebSocket.OPEN) {
      return;
    }
    const message = encoding.createEncoder();
    writeUpdate(message, update);
    ws.send(encoding.toUint8Array(message));
  });
  return {
    text,
    async online() {
      ws = new WebSocket(`ws://${host}/papers/${name}`);
      ws.binaryType = "arraybuffer";
      ws.on("message", (data) => {
        const answer = encoding.createEncoder();
        readSyncMessage(decoding.createDecoder(new Uint8Array(data)), answer, doc, ws);
        if (encoding.length(answer) > 0) {
          ws.send(encoding.toUint8Array(answer));
        }
      });
      await new Promise((done, failed) => ws.on("open", done).on("error", failed));
      const hello = encoding.createEncoder();
      writeSyncStep1(hello, doc);
      ws.send(encoding.toUint8Array(hello));
    },
    async offline() {
      const closed = new Promise((done) => ws.on("close", done));
      ws.close();
      await closed;
    },
  };
}

const scenarios = {
  // Two people of partysocket in a room of partyserver, which hibernates between two messages.
  async party() {
    const ann = guest("Ann");
    await until("Ann is in", () => ann.socket.readyState === WebSocket.OPEN);
    const ben = guest("Ben");
    await ann.hears("Ben came");
    ann.socket.send("hello");
    await ben.hears("Ann: hello");
    const { starts } = await room();
    await until("the room hibernates", async () => {
      await later(Number(idle));
      return (await room()).starts > starts;
    });
    ben.socket.send("still here");
    await ann.hears("Ben: still here");
    const sockets = await fetch(`http://${host}/announce/green`, { method: "POST", body: "tea" });
    assert.strictEqual(await sockets.json(), 2);
    await Promise.all([ann.hears("announcement: tea"), ben.hears("announcement: tea")]);
    // A lost connection is made again by partysocket.
    ben.socket.reconnect();
    await ann.hears("Ben left");
    await until("Ben is back", async () => (await room()).names.join() === "Ann,Ben");
    await until("Ann heard all", () => ann.heard.length >= 5);
    assert.deepStrictEqual(ann.heard.slice(0, 3), ["Ben came", "Ben: still here", "announcement: tea"]);
    // The old connection and the new one are strangers: either may be told first.
    assert.deepStrictEqual(ann.heard.slice(3).sort(), ["Ben came", "Ben left"]);
    ann.socket.close();
    ben.socket.close();
  },

  // Two people write at once, online and offline.
  async write() {
    const ann = editor("poem"), ben = editor("poem");
    await Promise.all([ann.online(), ben.online()]);
    for (let i = 0; i < 20; i++) {
      ann.text.insert(0, `a${i} `);
      ben.text.insert(ben.text.length, `b${i} `);
      await later(1);
    }
    const same = () => ann.text.toString() === ben.text.toString() && ann.text.toString().split(" ").length === 41;
    await until("both have all", same);
    await ben.offline();
    ben.text.insert(0, "offline ");
    ann.text.insert(ann.text.length, "online ");
    await ben.online();
    await until("both have what the other wrote meanwhile", () => ann.text.toString() === ben.text.toString() && ben.text.toString().endsWith("online "));
    assert(ann.text.toString().startsWith("offline a19 "), ann.text.toString());
    await until("the paper has all", async () => (await (await fetch(`http://${host}/papers/poem`)).json()).text === ann.text.toString());
    await Promise.all([ann.offline(), ben.offline()]);
    console.log(ann.text.toString());
  },

  // Somebody who comes later gets it all from storage.
  async read() {
    const eve = editor("poem");
    await eve.online();
    await until("Eve has it", () => eve.text.toString().includes("offline"));
    await eve.offline();
    console.log(eve.text.toString());
  },
};

await scenarios[scenario]();
