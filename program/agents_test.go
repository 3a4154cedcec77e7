package program_test

import (
	"strings"
	"testing"
)

// agentProgram begins the programs of agents: two servers, and ask, which gives what a request
// was answered with.
const agentProgram = `
-- main.js --
const http = require('http'), net = require('net');
const { AsyncLocalStorage } = require('async_hooks');
const who = new AsyncLocalStorage();
const ask = (options) => new Promise((done) => {
  const req = http.get(options, (res) => { let b = ''; res.on('data', (d) => { b += d; }).on('end', () => done(b + who.getStore())); });
  req.on('error', (e) => done(e.message + who.getStore()));
});
const listen = (body, headers) => new Promise((r) => { const s = http.createServer((req, res) => { res.writeHead(200, headers); res.end(body); }).listen(0, '127.0.0.1', () => r(s)); s.keepAliveTimeout = 0; });
const at = (server, agent) => ({ host: '127.0.0.1', port: server.address().port, agent });
`

// A request whose socket could not be opened fails in its own context, and those that wait
// behind it have sockets all the same. (Node lets them wait for ever.)
func TestWaitingRequestsOutliveASocketThatCouldNotBeOpened(t *testing.T) {
	got := run(t, write(t, agentProgram+`
(async () => {
  const server = await listen('ok', { Connection: 'close' });
  const agent = new http.Agent({ maxSockets: 1 });
  let opened = 0;
  agent.createConnection = (options, callback) => (++opened === 2 ? void callback(new Error('none')) : net.connect(options));
  console.log((await Promise.all([1, 2, 3, 4].map((i) => who.run(i, () => ask(at(server, agent)))))).join(' '), opened, Object.keys(agent.requests).length);
  server.close();
})();
`), "main.js")
	if want := "ok1 none2 ok3 ok4 4 0\n"; got.out != want || got.code != 0 {
		t.Errorf("printed %q, code %d, wanted %q\n%s", got.out, got.code, want, got.err)
	}
}

// maxTotalSockets counts sockets to all places, those that are idle as well.
func TestAnAgentNeverHasMoreSocketsThanItsTotal(t *testing.T) {
	got := run(t, write(t, agentProgram+`
(async () => {
  const one = await listen('one'), two = await listen('two');
  const agent = new http.Agent({ keepAlive: true, maxTotalSockets: 1 });
  let most = 0;
  const create = agent.createConnection;
  agent.createConnection = (options) => { most = Math.max(most, agent.totalSocketCount + 1); return create(options); };
  console.log((await Promise.all([one, two, one, two].map((s, i) => who.run(i, () => ask(at(s, agent)))))).join(' '), most);
  while (Object.keys(agent.freeSockets).length === 0) await new Promise(setImmediate);
  console.log(await Promise.all([who.run(4, () => ask(at(one, agent))), who.run(5, () => ask(at(one, agent)))]), most); // the one that is idle is of the other
  agent.destroy();
  one.close();
  two.close();
})();
`), "main.js")
	if want := "one0 two1 one2 two3 1\n[ 'one4', 'one5' ] 1\n"; got.out != want || got.code != 0 {
		t.Errorf("printed %q, code %d, wanted %q\n%s", got.out, got.code, want, got.err)
	}
}

// Subclasses count sockets that are not open yet among those of the agent, as npm's agent-base does.
func TestAgentsThatOpenSocketsLateKeepTheirLimit(t *testing.T) {
	got := run(t, write(t, agentProgram+`
class Late extends http.Agent {
  createSocket(req, options, done) {
    const name = this.getName(options), place = new net.Socket();
    (this.sockets[name] ??= []).push(place);
    this.totalSocketCount++;
    setImmediate(() => {
      this.sockets[name].splice(this.sockets[name].indexOf(place), 1);
      if (this.sockets[name].length === 0) delete this.sockets[name];
      this.totalSocketCount--;
      super.createSocket(req, options, done);
    });
  }
}
(async () => {
  for (const options of [{ maxSockets: 1 }, { keepAlive: true, maxSockets: 2 }, { keepAlive: true, maxTotalSockets: 1 }]) {
    const server = await listen('ok'), agent = new Late(options);
    const ports = new Set();
    server.on('connection', (socket) => ports.add(socket.remotePort));
    const answers = await Promise.all([1, 2, 3, 4].map((i) => who.run(i, () => ask(at(server, agent)))));
    console.log(answers.join(' '), ports.size, Object.keys(agent.requests).length);
    agent.destroy();
    server.close();
  }
})();
`), "main.js")
	if want := strings.Join([]string{"ok1 ok2 ok3 ok4 1 0", "ok1 ok2 ok3 ok4 2 0", "ok1 ok2 ok3 ok4 1 0", ""}, "\n"); got.out != want || got.code != 0 {
		t.Errorf("printed %q, code %d, wanted %q\n%s", got.out, got.code, want, got.err)
	}
}
