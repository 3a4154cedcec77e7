
// What a message that goes out keeps to itself, and what heads, connections and requests
// need of it.
const { isArray, stringToLowerCase } = primordials;
const { keys } = Object;

// Fields are the headers of a message that were checked: by their names in small letters,
// with the names as they were given.
class Fields {
  #by = { __proto__: null };
  static from(object) {
    const fields = new Fields();
    for (const name of keys(object)) fields.set(name, object[name]);
    return fields;
  }
  set(name, value) { this.#by[stringToLowerCase(name)] = { name, value }; }
  // append adds to the values that there are.
  append(name, value) {
    const field = this.#by[stringToLowerCase(name)];
    if (field === undefined) return this.set(name, value);
    if (!isArray(field.value)) field.value = [field.value];
    if (isArray(value)) field.value.push(...value);
    else field.value.push(value);
  }
  get(name) { return this.#by[stringToLowerCase(name)]?.value; }
  has(name) { return stringToLowerCase(name) in this.#by; }
  delete(name) { delete this.#by[stringToLowerCase(name)]; }
  // rename has a header written with another name, where there is one with that key.
  rename(key, name) { if (this.#by[key] !== undefined) this.#by[key].name = name; }
  keys() { return keys(this.#by); }
  each(f) { for (const key in this.#by) f(this.#by[key].name, this.#by[key].value, key); }
}

const own = Symbol("sending");
const nop = () => {};

// Sending is how far a message is.
class Sending {
  fields = null;
  joined = null; // names of headers whose values make one line
  trailers = "";
  written = 0; // bytes of the body, where they are counted
  corks = 0;
  full = false; // a write was told to wait for drain
  error = null;
  strict = false; // a body where there is to be none is an error
  highWaterMark;
  pending = nop; // hears of bytes that wait for the socket, and of those that do no more
  constructor(highWaterMark, strict) {
    this.highWaterMark = highWaterMark;
    this.strict = strict;
  }
}
function begin(message, highWaterMark, strict) { message[own] = new Sending(highWaterMark, strict); }
// sending is that of a message. Of what no constructor made, prototypes for one, nothing is kept.
function sending(message) { return message[own] ?? new Sending(undefined, false); }
// drained tells a message that waits for it that it may write.
function drained(message) {
  const s = message[own];
  if (!s?.full) return;
  s.full = false;
  message.emit("drain");
}
// joinedNames reads the option uniqueHeaders.
function joinedNames(names) { return isArray(names) ? new Set(names.map((name) => stringToLowerCase(name))) : null; }
return { Fields, begin, sending, drained, joinedNames };
