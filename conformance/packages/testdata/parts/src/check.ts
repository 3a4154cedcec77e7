import Ajv from "ajv";
import addFormats from "ajv-formats";

const ajv = new Ajv({ allErrors: true });
addFormats(ajv);

// Compiled while the worker starts.
const validate = ajv.compile({
  type: "object",
  properties: {
    name: { type: "string", minLength: 2, pattern: "^\\p{L}+$" },
    mail: { type: "string", format: "email" },
    born: { type: "string", format: "date" },
    tags: { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, maxItems: 3 },
    home: { $ref: "#/definitions/place" },
  },
  required: ["name", "mail"],
  additionalProperties: false,
  definitions: { place: { type: "object", properties: { zip: { type: "string", pattern: "^[0-9]{5}$" } }, required: ["zip"] } },
});

export function check(value: unknown) {
  const ok = validate(value);
  return { ok, errors: (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`) };
}
