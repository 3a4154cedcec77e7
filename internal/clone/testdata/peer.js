// Reads {source, hex} records from standard input and answers, for each, what this engine makes of them.
const v8 = require('v8'), fs = require('fs'), path = require('path');
const canonical = (0, eval)(fs.readFileSync(path.join(__dirname, 'canonical.js'), 'utf8'));
const read = hex => {
  const d = new v8.Deserializer(Buffer.from(hex, 'hex'));
  d.readHeader();
  return d.readValue();
};
const write = v => {
  const s = new v8.Serializer();
  s.writeHeader();
  s.writeValue(v);
  return s.releaseBuffer().toString('hex');
};
const answers = JSON.parse(fs.readFileSync(0, 'utf8')).map(({ source, hex }) => {
  const answer = {};
  try { answer.read = canonical(read(hex)); } catch (e) { answer.error = 'read: ' + e.message; }
  try {
    const v = (0, eval)('(' + source + '\n)');
    answer.hex = write(v);
    answer.copy = canonical(read(answer.hex));
  } catch (e) { answer.error = (answer.error || '') + ' write: ' + e.message; }
  return answer;
});
process.stdout.write(JSON.stringify(answers));
