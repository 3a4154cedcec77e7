
// node:stream/consumers: all of a stream at once.
const { Buffer } = require("node:buffer");
const stepper = (s) => (s[Symbol.asyncIterator] ? s[Symbol.asyncIterator]() : s[Symbol.iterator]());
async function chunks(stream) {
  const out = [], it = stepper(stream);
  for (;;) {
    const { value, done } = await it.next();
    if (done) return out;
    out.push(value);
  }
}
const blob = async (stream) => new Blob(await chunks(stream));
const arrayBuffer = async (stream) => (await blob(stream)).arrayBuffer();
const buffer = async (stream) => Buffer.from(await arrayBuffer(stream));
async function text(stream) {
  const decoder = new TextDecoder();
  let out = "";
  const parts = [];
  for (const chunk of await chunks(stream)) parts.push(typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }));
  parts.push(decoder.decode(undefined, { stream: false }));
  return out + parts.join("");
}
const json = async (stream) => JSON.parse(await text(stream));
return { arrayBuffer, blob, buffer, text, json };
