
// HTTPParser as packages find it in node:_http_common: it reads requests or answers, and
// tells of their parts by calls of numbered members.
const { isView } = primordials;

// The place of a method in this list is its number.
const methods = ("DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE " +
  "M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY").split(" ");
const REQUEST = 1, RESPONSE = 2, kOnMessageBegin = 0, kOnHeadersComplete = 2, kOnBody = 3, kOnMessageComplete = 4;

const numbers = {
  REQUEST, RESPONSE, kOnMessageBegin, kOnHeaders: 1, kOnHeadersComplete, kOnBody, kOnMessageComplete, kOnExecute: 5, kOnTimeout: 6,
  kLenientNone: 0, kLenientHeaders: 1, kLenientChunkedLength: 2, kLenientKeepAlive: 4, kLenientTransferEncoding: 8, kLenientVersion: 16, kLenientDataAfterClose: 32, kLenientOptionalLFAfterCR: 64,
  kLenientOptionalCRLFAfterChunk: 128, kLenientOptionalCRBeforeLF: 256, kLenientSpacesAfterChunkSize: 512, kLenientAll: 1023,
};

// build gives the class; native makes parsers of requests and of answers.
function build(native, faultOf) {
  return class HTTPParser {
    #native = null;
    #type = 0;
    #most = 0;
    #lenient = false;
    #heard = false; // a message has begun
    initialize(type, resource, maxHeaderSize = 0, lenient = 0) {
      this.#type = type;
      this.#most = maxHeaderSize;
      this.#lenient = lenient !== 0;
      this.#renew();
    }
    #renew() {
      this.#heard = false;
      this.#native = this.#type === REQUEST ? native.requests(this.#most, this.#lenient) : native.response("GET", this.#most, this.#lenient);
    }
    // execute gives how many bytes were read, or the error.
    execute(bytes) {
      if (!isView(bytes) || this.#native === null) return 0;
      let base = 0;
      let parts = this.#native.feed(bytes);
      for (let i = 0; i < parts.length; i++) {
        const p = parts[i];
        switch (p[0]) {
          case "head":
          case "interim":
          case "upgraded": {
            const skip = this.#begin(p);
            if (p[0] === "interim") this.#end([]);
            if (p[0] === "upgraded") {
              const from = base + parts[i + 1][1];
              if (skip === 2 || this.#type === RESPONSE) {
                this.#end([]);
                return from;
              }
              base = from;
              parts = [...this.#native.ordinary(), ...this.#native.feed(bytes.subarray(base))];
              i = -1;
            } else if (skip === 1 && parts[i + 1]?.[0] !== "end") {
              // There is no body, whatever the head says: what follows is the next message.
              const from = parts[i + 1]?.[0] === "body" ? parts[i + 1][1] : undefined;
              this.#end([]);
              this.#renew();
              if (from === undefined) return bytes.byteLength;
              base += from;
              parts = this.#native.feed(bytes.subarray(base));
              i = -1;
            }
            break;
          }
          case "body":
            this[kOnBody]?.(bytes.subarray(base + p[1], base + p[2]));
            break;
          case "end":
            this.#end(p[1]);
            break;
          case "fault":
            return faultOf([p[0], p[1], p[2], base + p[3]], undefined);
        }
      }
      return bytes.byteLength;
    }
    finish() {
      if (this.#native === null) return undefined;
      for (const p of this.#native.finish()) {
        if (p[0] === "end") this.#end(p[1] ?? []);
        else if (p[0] === "fault") return faultOf(p, undefined);
      }
      return undefined;
    }
    #begin([kind, major, minor, a, b, fields, keeps]) {
      this.#heard = true;
      this[kOnMessageBegin]?.();
      const upgrade = kind === "upgraded";
      if (this.#type === REQUEST) return this[kOnHeadersComplete]?.(major, minor, fields, methods.indexOf(a), b, undefined, undefined, upgrade, keeps);
      return this[kOnHeadersComplete]?.(major, minor, fields, undefined, undefined, a, b, upgrade, keeps);
    }
    #end(trailers) {
      if (!this.#heard) return;
      this.#heard = false;
      if (trailers.length > 0) this[numbers.kOnHeaders]?.(trailers, "");
      this[kOnMessageComplete]?.();
    }
    free() { this.#native = null; }
    close() { this.#native = null; }
    remove() {}
    pause() {}
    resume() {}
    consume() {}
    unconsume() {}
    getCurrentBuffer() { return undefined; }
  };
}
return { build: (native, faultOf) => Object.assign(build(native, faultOf), numbers), methods };
