
// Punycode (RFC 3492).
const maxInt = 2147483647, base = 36, tMin = 1, tMax = 26, skew = 38, damp = 700;
const overflow = () => new RangeError("Overflow: input needs wider integers to process");
const invalid = () => new RangeError("Invalid input");

const ucs2decode = (text) => {
  const out = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.codePointAt(i);
    out.push(c);
    if (c > 0xffff) i++;
  }
  return out;
};
const ucs2encode = (points) => points.map((p) => String.fromCodePoint(p)).join("");

function adapt(delta, count, first) {
  delta = first ? Math.floor(delta / damp) : delta >> 1;
  delta += Math.floor(delta / count);
  let k = 0;
  for (; delta > ((base - tMin) * tMax) >> 1; k += base) delta = Math.floor(delta / (base - tMin));
  return Math.floor(k + ((base - tMin + 1) * delta) / (delta + skew));
}
const threshold = (k, bias) => (k <= bias ? tMin : k >= bias + tMax ? tMax : k - bias);
const digitOf = (c) => (c >= 48 && c < 58 ? c - 22 : c >= 65 && c < 91 ? c - 65 : c >= 97 && c < 123 ? c - 97 : base);
const charOf = (d) => String.fromCharCode(d < 26 ? d + 97 : d + 22);

function decode(input) {
  const out = [];
  let basic = input.lastIndexOf("-");
  if (basic < 0) basic = 0;
  for (let j = 0; j < basic; j++) {
    if (input.charCodeAt(j) >= 0x80) throw new RangeError("Illegal input >= 0x80 (not a basic code point)");
    out.push(input.charCodeAt(j));
  }
  let n = 128, i = 0, bias = 72;
  for (let at = basic > 0 ? basic + 1 : 0; at < input.length;) {
    const before = i;
    for (let w = 1, k = base; ; k += base) {
      if (at >= input.length) throw invalid();
      const digit = digitOf(input.charCodeAt(at++));
      if (digit >= base) throw invalid();
      if (digit > Math.floor((maxInt - i) / w)) throw overflow();
      i += digit * w;
      const t = threshold(k, bias);
      if (digit < t) break;
      if (w > Math.floor(maxInt / (base - t))) throw overflow();
      w *= base - t;
    }
    const size = out.length + 1;
    bias = adapt(i - before, size, before === 0);
    if (Math.floor(i / size) > maxInt - n) throw overflow();
    n += Math.floor(i / size);
    i %= size;
    out.splice(i++, 0, n);
  }
  return ucs2encode(out);
}

function encode(input) {
  const points = ucs2decode(input);
  let out = points.filter((p) => p < 0x80).map((p) => String.fromCharCode(p)).join("");
  const basic = out.length;
  let handled = basic, n = 128, delta = 0, bias = 72;
  if (basic) out += "-";
  while (handled < points.length) {
    let next = maxInt;
    for (const p of points) if (p >= n && p < next) next = p;
    if (next - n > Math.floor((maxInt - delta) / (handled + 1))) throw overflow();
    delta += (next - n) * (handled + 1);
    n = next;
    for (const p of points) {
      if (p < n && ++delta > maxInt) throw overflow();
      if (p !== n) continue;
      let q = delta;
      for (let k = base; ; k += base) {
        const t = threshold(k, bias);
        if (q < t) break;
        out += charOf(t + ((q - t) % (base - t)));
        q = Math.floor((q - t) / (base - t));
      }
      out += charOf(q);
      bias = adapt(delta, handled + 1, handled === basic);
      delta = 0;
      handled++;
    }
    delta++;
    n++;
  }
  return out;
}

// labels changes the labels of a domain or of the domain of a mail address.
function labels(domain, change) {
  const at = domain.split("@");
  let user = "";
  if (at.length > 1) {
    user = `${at[0]}@`;
    domain = at[1];
  }
  return user + domain.replace(/[\x2E\u3002\uFF0E\uFF61]/g, ".").split(".").map(change).join(".");
}
const toUnicode = (input) => labels(input, (l) => (l.startsWith("xn--") ? decode(l.slice(4).toLowerCase()) : l));
const toASCII = (input) => labels(input, (l) => (/[^\0-\x7F]/.test(l) ? `xn--${encode(l)}` : l));
return { version: "2.3.1", ucs2: { decode: ucs2decode, encode: ucs2encode }, decode, encode, toASCII, toUnicode };
