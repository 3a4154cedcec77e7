import { customAlphabet, nanoid } from "nanoid";
import { parse, stringify, v3, v4, v5, v7, validate, version } from "uuid";

/** What can be said of ids that differ each time, and ids that never do. */
export function ids() {
  const some = Array.from({ length: 200 }, () => nanoid());
  const four = v4();
  const seven = [v7(), v7(), v7()];
  return {
    different: new Set(some).size,
    shape: some.every((id) => /^[\w-]{21}$/.test(id)),
    digits: /^[0-9]{6}$/.test(customAlphabet("0123456789", 6)()),
    four: [validate(four), version(four), stringify(parse(four)) === four],
    seven: [seven.every((id) => version(id) === 7), [...seven].sort().join() === seven.join()],
    five: v5("example.org", v5.DNS),
    three: v3("example.org", v3.DNS),
    bad: validate("not one"),
  };
}
