// canonical(v) prints a value so that two engines print the same text for the same value: kinds, own properties in
// order, shared references as #n, and strings with every code unit visible. A slash in a regular expression counts the
// same however it is escaped: engines differ in that.
(function () {
  const typed = Object.getPrototypeOf(Uint8Array);
  const tagOf = Object.getOwnPropertyDescriptor(typed.prototype, Symbol.toStringTag).get;
  const str = s => {
    let out = '"';
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      out += c >= 0x20 && c < 0x7f && c !== 0x22 && c !== 0x5c ? s[i] : '\\u' + c.toString(16).padStart(4, '0');
    }
    return out + '"';
  };
  const kind = v => {
    if (Array.isArray(v)) return 'Array';
    if (ArrayBuffer.isView(v)) return tagOf.call(v) || 'DataView';
    const s = Object.prototype.toString.call(v).slice(8, -1);
    return s;
  };
  return function canonical(root) {
    const ids = new Map();
    const show = v => {
      if (v === null) return 'null';
      switch (typeof v) {
        case 'undefined': return 'undefined';
        case 'boolean': return String(v);
        case 'number': return Object.is(v, -0) ? '-0' : String(v);
        case 'bigint': return v + 'n';
        case 'string': return str(v);
        case 'symbol': case 'function': return typeof v;
      }
      if (ids.has(v)) return '#' + ids.get(v);
      const id = ids.size;
      ids.set(v, id);
      const k = kind(v);
      let head = '', skip = key => false;
      switch (k) {
        case 'Array': head = String(v.length); break;
        case 'Number': case 'Boolean': case 'BigInt': head = show(v.valueOf()); break;
        case 'String': head = str(v.valueOf()); skip = key => /^\d+$/.test(key); break;
        case 'Date': head = String(v.getTime()); break;
        case 'RegExp': head = str(v.source.replace(/\\u002f|\\\//g, '/')) + ' ' + v.flags + ' ' + v.lastIndex; break;
        case 'Map': head = [...v].map(([a, b]) => show(a) + '=>' + show(b)).join(); break;
        case 'Set': head = [...v].map(show).join(); break;
        case 'ArrayBuffer': head = [...new Uint8Array(v)].join(' '); break;
        case 'Error': {
          const own = key => {
            const d = Object.getOwnPropertyDescriptor(v, key);
            return d && 'value' in d ? key + (d.enumerable ? '!' : '') + '=' + show(d.value) : '';
          };
          const name = Object.getPrototypeOf(v).name;
          head = [name, own('message'), own('cause'), 'stack=' + (typeof v.stack === 'string' ? str(v.stack) : typeof v.stack)].join();
          skip = key => true;
          break;
        }
        default:
          if (ArrayBuffer.isView(v)) {
            head = v.byteOffset + ' ' + v.byteLength + ' ' + show(v.buffer);
            skip = key => true;
          }
      }
      const props = Object.keys(v).filter(key => !skip(key)).map(key => {
        const d = Object.getOwnPropertyDescriptor(v, key);
        return str(key) + (d.writable && d.configurable ? ':' : '?:') + show(d.value);
      });
      const proto = Object.getPrototypeOf(v);
      const plain = k !== 'Object' || proto === Object.prototype ? '' : '!proto ';
      return k + '(' + plain + head + '){' + props.join() + '}';
    };
    return show(root);
  };
})()
